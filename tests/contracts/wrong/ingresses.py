"""Ingresses that are wrong in one way each. Run by test_wrong_plugins.py."""

import asyncio
import json
import time

from tests.contracts.wrong.expectations import contracts_of, fails
from tests.contracts.wrong.rules import ACKNOWLEDGING, ARRIVING, OUTAGES, POSITIONS, RESUMING
from tests.contracts.wrong.server import PATIENCE_S, OnServer

from dynamic_des import BaseIngress, Message
from dynamic_des.testing import IngressContract

LOOK_S = 0.005


@fails()
class Right(BaseIngress):
    """Keeps every rule: what the wrong ones are wrong in comparison to."""

    def __init__(self, server):
        self.server = server
        self.next = 0

    async def open(self, run):
        self.server.reach()
        self.next = run.positions.get("log", self.server.acknowledged)

    async def messages(self):
        while True:
            self.server.reach()
            while self.next < len(self.server.log):
                self.next += 1
                yield self.message(self.next)
            await asyncio.sleep(LOOK_S)

    def message(self, number):
        return Message(self.server.log[number - 1], {"log": number})

    async def applied(self, position):
        self.server.acknowledged = position["log"]


@fails()
class RightWithAQueue(BaseIngress):
    """The seeds' form: puts on a queue what it finds, and keeps what that form can promise."""

    def __init__(self, server):
        self.server = server
        self.next = 0

    async def run(self, ingress_queue):
        while True:
            for payload in self.server.log[self.next :]:
                self.next += 1
                ingress_queue.put(payload)
            await asyncio.sleep(LOOK_S)


@fails("changes_arrive_once_and_in_the_order_they_were_sent")
class Reorders(Right):
    """Fetches with two workers, one of which is slow for once."""

    async def messages(self):
        late = None
        async for message in super().messages():
            if message.position["log"] == 50:
                late = message
                continue
            yield message
            if late is not None:
                yield late
                late = None


@fails("garbage_does_not_end_it")
class DecodesItself(Right):
    """Raises on what is no JSON, and meets it again at the same place, for ever."""

    patience_s = PATIENCE_S

    async def messages(self):
        while True:
            self.server.reach()
            while self.next < len(self.server.log):
                yield Message(json.loads(self.server.log[self.next]), {"log": self.next + 1})
                self.next += 1
            await asyncio.sleep(LOOK_S)


@fails("the_event_loop_is_not_blocked")
class BlocksTheLoop(Right):
    """Polls with a client that blocks."""

    async def messages(self):
        while True:
            self.server.reach()
            while self.next < len(self.server.log):
                self.next += 1
                yield self.message(self.next)
            time.sleep(0.25)
            await asyncio.sleep(LOOK_S)


@fails("it_ends_when_it_is_cancelled")
class SwallowsCancellation(Right):
    """Catches everything, to be robust."""

    patience_s = 0.3

    async def messages(self):
        caught = 0
        while True:
            try:
                async for message in super().messages():
                    yield message
            except asyncio.CancelledError:
                caught += 1
                if caught > 1:
                    raise


@fails(*ARRIVING, *POSITIONS, *ACKNOWLEDGING, *RESUMING, *OUTAGES)
class ListensLate(Right):
    """Is subscribed a little after `open` has returned."""

    patience_s = 0.4

    async def messages(self):
        while len(self.server.log) < 3:
            await asyncio.sleep(LOOK_S)
        self.next = 3
        async for message in super().messages():
            yield message


@fails("the_snapshot_ends_and_holds_changes", "it_goes_on_from_the_positions_of_a_run_before")
class HasAStrangeSnapshot(Right):
    """Begins with what is no change."""

    async def snapshot(self):
        return [Message({"state": "unknown"})]


@fails(
    "the_snapshot_ends_and_holds_changes",
    "closing_twice_or_without_opening_is_harmless",
    "it_ends_when_it_is_cancelled",
    "the_event_loop_is_not_blocked",
    *ARRIVING,
    *POSITIONS,
    *ACKNOWLEDGING,
    *RESUMING,
    *OUTAGES,
)
class HasAnEndlessSnapshot(Right):
    """Waits for the end of what has no end."""

    patience_s = 0.3

    async def snapshot(self):
        await asyncio.Event().wait()


@fails("closing_twice_or_without_opening_is_harmless")
class ClosesOnce(Right):
    """Can be closed only when it was open."""

    async def open(self, run):
        await super().open(run)
        self.connection = self.server

    async def close(self):
        del self.connection


@fails("an_outage_loses_no_change")
class EndsWithTheConnection(Right):
    """Returns when the connection is lost: for good, says that."""

    patience_s = PATIENCE_S

    async def messages(self):
        try:
            async for message in super().messages():
                yield message
        except ConnectionError:
            return


@fails("a_source_that_is_down_at_the_start_is_waited_for")
class WaitsForEver(Right):
    """Retries by itself, without an end, and without a word."""

    patience_s = PATIENCE_S

    async def open(self, run):
        while not self.server.up:
            await asyncio.sleep(0.01)
        await super().open(run)


globals().update(contracts_of(globals(), OnServer, IngressContract))
