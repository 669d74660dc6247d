"""Ingresses that bring changes wrongly, in one way each. Run by test_wrong_plugins.py."""

import asyncio
import json
import time

from tests.contracts.wrong.expectations import contracts_of, fails
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
    """The older form: puts on a queue what it finds, and keeps what that form can promise."""

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
    """Polls with a client that blocks when it has much to look through."""

    async def messages(self):
        while True:
            self.server.reach()
            while self.next < len(self.server.log):
                self.next += 1
                yield self.message(self.next)
            time.sleep(0.25 if len(self.server.log) >= 20 else 0)
            await asyncio.sleep(LOOK_S)


globals().update(contracts_of(globals(), OnServer, IngressContract))
