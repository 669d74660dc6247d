"""What the tests of dead letters share: destinations that go wrong, and ways to look at letters."""

import asyncio
import json
import threading

from tests.bridge.test_acknowledging import wait_until_taken

from dynamic_des import BaseEgress, BaseIngress, Message
from dynamic_des.errors import PermanentError

GOOD = {"path": "L.variables.n", "value": 1}


class Letters(BaseEgress):
    """Keeps letters; goes wrong as it is told.

    Args:
        failing: How many of the first writes fail.
        absent: How many of the first attempts to open it fail.
        refusing: Numbers of the letters that it sets aside.
        gate: Whether every write waits for the gate.
        gives_up: Whether it fails for good when it is opened.
    """

    def __init__(self, *, failing=0, absent=0, refusing=(), gate=False, gives_up=False):
        self.failing, self.absent, self.refusing, self.gives_up = failing, absent, set(refusing), gives_up
        self.gate = threading.Event()
        self.entered = threading.Event()
        if not gate:
            self.gate.set()
        self.letters = []
        self.runs = []

    async def open(self, run):
        self.runs.append(run)
        if self.gives_up:
            raise PermanentError("wrong password. Set the right one.")
        if self.absent:
            self.absent -= 1
            raise ConnectionRefusedError("nobody listens")

    async def write(self, batch):
        self.entered.set()
        while not self.gate.is_set():
            await asyncio.sleep(0.001)
        if self.failing:
            self.failing -= 1
            raise ConnectionError("connection reset")
        self.letters.extend(letter for letter in batch if letter["seq"] not in self.refusing)
        return [(letter["seq"], "too large") for letter in batch if letter["seq"] in self.refusing]

    @property
    def values(self):
        return [letter["value"] for letter in self.letters]

    @property
    def seqs(self):
        return [letter["seq"] for letter in self.letters]


class Parted(BaseIngress):
    """Yields payloads, each at the next position of its part, and notes what is acknowledged.

    Args:
        plan: ``(part, payload)``.
    """

    def __init__(self, plan):
        self.plan = plan
        self.told = []
        self.acknowledged = {}
        self.news = threading.Condition()

    async def messages(self):
        reached = {}
        for part, payload in self.plan:
            reached[part] = reached.get(part, 0) + 1
            yield Message(payload, {part: reached[part]}, {"topic": "t", "partition": part, "offset": reached[part]})

    async def applied(self, position):
        with self.news:
            self.told.append(dict(position))
            self.acknowledged.update(position)
            self.news.notify_all()

    def wait_for(self, acknowledged):
        with self.news:
            assert self.news.wait_for(lambda: self.acknowledged == acknowledged, 5), self.acknowledged


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def wait_until(env, condition):
    """A model that goes on until something has happened."""
    while not condition():
        yield env.timeout(1)


__all__ = ["GOOD", "Letters", "Parted", "lines", "wait_until", "wait_until_taken"]
