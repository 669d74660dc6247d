"""Egresses that deliver wrongly, in one way each. Run by test_wrong_plugins.py."""

import asyncio
import json
import time
from contextlib import suppress
from queue import Empty

from tests.contracts.wrong.expectations import contracts_of, fails
from tests.contracts.wrong.server import PATIENCE_S, OnServer

from dynamic_des import BaseEgress, JsonSerializer, PermanentError
from dynamic_des.testing import EgressContract


@fails()
class Right(BaseEgress):
    """Keeps every rule: what the wrong ones are wrong in comparison to."""

    def __init__(self, server):
        self.server = server
        self.twin = ""

    async def open(self, run):
        self.server.reach()
        self.twin = run.name

    async def write(self, batch):
        self.server.store(self.twin, batch)

    async def written(self):
        return max((seq for twin, seq in self.server.rows if twin == self.twin), default=None)


@fails()
class RightAndBlocking(Right):
    """A plain ``def write`` runs in a thread of its own, and may take its time."""

    def write(self, batch):
        time.sleep(0.3 if len(batch) > 100 else 0)
        self.server.store(self.twin, batch)


@fails("a_record_that_cannot_be_encoded_is_set_aside_alone")
class WithAQueue(BaseEgress):
    """The older form: takes batches from a queue. It has no means to set a record aside, and leaves it out."""

    def __init__(self, server):
        self.server = server

    async def run(self, egress_queue):
        while True:
            try:
                batch = egress_queue.get_nowait()
            except Empty:
                await asyncio.sleep(0.001)
                continue
            for record in batch:
                with suppress(TypeError, ValueError):
                    if "seq" in record:
                        self.server.put("twin", json.loads(json.dumps(record).encode()))


@fails("records_are_stored_when_write_returns")
class AcknowledgesEarly(Right):
    """Stores a batch when the next one comes, and says that it has stored it."""

    def __init__(self, server):
        super().__init__(server)
        self.waiting = []

    async def write(self, batch):
        self.store_waiting()
        batch.encode(JsonSerializer())
        self.waiting.append(batch)

    async def close(self):
        self.store_waiting()

    def store_waiting(self):
        while self.waiting:
            self.server.store(self.twin, self.waiting[0])
            self.waiting.pop(0)


@fails("records_are_stored_when_write_returns", "write_raises_when_it_cannot_write")
class WritesWhenClosed(AcknowledgesEarly):
    """Collects everything, and writes it at the end."""

    async def write(self, batch):
        batch.encode(JsonSerializer())
        self.waiting.append(batch)


@fails("an_outage_loses_nothing")
class LosesOnRetry(Right):
    """Notes what it has seen before it has written it, and skips that when it comes again."""

    def __init__(self, server):
        super().__init__(server)
        self.seen = set()

    async def write(self, batch):
        new = batch.system or not all(record["seq"] in self.seen for record in batch)
        self.seen.update(record["seq"] for record in batch if not batch.system)
        if new:
            self.server.store(self.twin, batch)


@fails("every_record_arrives_once_and_in_order")
class Reorders(Right):
    """Sends the halves of a large batch over two connections, of which the second is the faster one."""

    async def write(self, batch):
        self.server.reach()
        half = len(batch) // 2 if len(batch) == 50 else 0
        lines = [line for line in batch.encode(JsonSerializer()) if line is not None and not batch.system]
        for line in lines[half:] + lines[:half]:
            self.server.put(self.twin, json.loads(line))


@fails("write_raises_when_it_cannot_write", "an_outage_loses_nothing")
class SwallowsErrors(Right):
    """Logs, as they say."""

    async def write(self, batch):
        with suppress(ConnectionError):
            self.server.store(self.twin, batch)


@fails("write_raises_when_it_cannot_write", "a_sink_that_is_down_at_the_start_is_waited_for")
class WaitsForEver(Right):
    """Retries by itself, without an end, and without a word."""

    patience_s = PATIENCE_S

    async def open(self, run):
        self.twin = run.name
        await self.wait()

    async def wait(self):
        while not self.server.up:
            await asyncio.sleep(0.01)

    async def write(self, batch):
        await self.wait()
        self.server.store(self.twin, batch)


@fails("a_sink_that_is_down_at_the_start_is_waited_for")
class GivesUp(Right):
    """Takes a server that is down for one that will never come back."""

    async def open(self, run):
        self.twin = run.name
        if not self.server.up:
            raise PermanentError("the server is down")


@fails("the_event_loop_is_not_blocked")
class BlocksTheLoop(Right):
    """Uses a client that blocks, in an ``async def``."""

    async def write(self, batch):
        time.sleep(0.3 if len(batch) > 100 else 0)
        self.server.store(self.twin, batch)


@fails("a_batch_that_comes_again_is_not_written_twice")
class WritesTwice(Right):
    """Appends, whatever is there already, and does not say so."""

    appended = 0

    async def write(self, batch):
        self.server.reach()
        for line in batch.encode(JsonSerializer()):
            if line is not None and not batch.system:
                self.appended += 1
                self.server.rows[self.twin, json.loads(line)["seq"], self.appended] = json.loads(line)

    written = BaseEgress.written


@fails(
    "what_was_written_is_still_there_after_a_reconnection",
    "a_batch_that_comes_again_is_not_written_twice",
    "an_outage_loses_nothing",
    "written_is_the_last_seq_that_is_stored",
    "written_does_not_count_system_records",
)
class StartsAfreshOnOpen(Right):
    """Empties the table whenever it connects."""

    async def open(self, run):
        await super().open(run)
        self.server.rows.clear()


@fails(
    "what_is_prepared_is_written_when_its_turn_comes",
    maybe=(
        "every_record_arrives_once_and_in_order",
        "a_batch_that_comes_again_is_not_written_twice",
        "what_was_written_is_still_there_after_a_reconnection",
        "an_outage_loses_nothing",
        "a_sink_that_is_down_at_the_start_is_waited_for",
        "written_is_the_last_seq_that_is_stored",
    ),
)
class TakesPreparedForWritten(Right):
    """Does not write what it has prepared."""

    prepared = None

    async def prepare(self, batch):
        self.prepared = batch

    async def write(self, batch):
        if batch is not self.prepared:
            await super().write(batch)


@fails("closing_twice_or_without_opening_is_harmless")
class ClosesOnce(Right):
    """Can be closed only when it was open."""

    async def open(self, run):
        await super().open(run)
        self.connection = self.server

    async def close(self):
        del self.connection


globals().update(contracts_of(globals(), OnServer, EgressContract))
