"""Egresses that go wrong in one way each. All keep the contract otherwise, and count what they durably hold."""

import asyncio
import threading
from queue import Empty

from dynamic_des import BaseEgress, JsonSerializer
from dynamic_des.errors import PermanentError


class Keeping(BaseEgress):
    """Keeps the numbers of the model records, and everything core does to it."""

    def __init__(self):
        self.seqs = []
        self.calls = []

    async def open(self, run):
        self.calls.append("open")

    async def write(self, batch):
        self.keep(batch)

    async def close(self):
        self.calls.append("close")

    def keep(self, batch):
        if not batch.system:
            self.seqs.extend(record["seq"] for record in batch)
            self.calls.append(len(batch))


class FailsSometimes(Keeping):
    """Fails in the given writes, counted from 1, before anything is kept: a transaction that was rolled back."""

    def __init__(self, *failing):
        super().__init__()
        self.failing = set(failing)
        self.writes = 0

    async def write(self, batch):
        self.writes += 1
        if self.writes in self.failing:
            raise ConnectionError("connection reset")
        self.keep(batch)


class Absent(Keeping):
    """Cannot be opened the first few times."""

    def __init__(self, attempts):
        super().__init__()
        self.attempts = attempts

    async def open(self, run):
        await super().open(run)
        if self.attempts:
            self.attempts -= 1
            raise ConnectionRefusedError("nobody listens")


class Gated(Keeping):
    """Hangs in every write until the gate is opened from outside."""

    def __init__(self):
        super().__init__()
        self.gate = threading.Event()
        self.entered = threading.Event()

    async def write(self, batch):
        self.entered.set()
        while not self.gate.is_set():
            await asyncio.sleep(0.001)
        self.keep(batch)


class GatedThread(Gated):
    """The same with a plain ``def write``."""

    def write(self, batch):
        self.entered.set()
        self.gate.wait()
        self.keep(batch)


class Slow(Keeping):
    async def write(self, batch):
        await asyncio.sleep(0.005)
        self.keep(batch)


class Refusing(Keeping):
    """Sets single records aside for good."""

    def __init__(self, *refused):
        super().__init__()
        self.refused = set(refused)

    async def write(self, batch):
        if batch.system:
            return None
        bad = [record["seq"] for record in batch if record["seq"] in self.refused]
        self.seqs.extend(record["seq"] for record in batch if record["seq"] not in self.refused)
        return [(seq, "violates a constraint") for seq in bad]


class Encoding(Keeping):
    """Writes bytes, as most do."""

    async def write(self, batch):
        for record, line in zip(batch, batch.encode(JsonSerializer()), strict=True):
            if line is not None and not batch.system:
                self.seqs.append(record["seq"])


class Blocking(Keeping):
    """A plain ``def write``, which fails in the given writes."""

    def __init__(self, *failing):
        super().__init__()
        self.failing = set(failing)
        self.writes = 0
        self.threads = set()

    def write(self, batch):
        self.threads.add(threading.current_thread().name)
        self.writes += 1
        if self.writes in self.failing:
            raise OSError("disk full")
        self.keep(batch)


class GivesUp(Keeping):
    """Fails for good in the given write."""

    def __init__(self, failing):
        super().__init__()
        self.failing = failing
        self.writes = 0

    async def write(self, batch):
        self.writes += 1
        if self.writes == self.failing:
            raise PermanentError("the table was dropped. Create it.")
        self.keep(batch)


class Seeds(BaseEgress):
    """The form of the earliest connectors."""

    def __init__(self, fails_at=()):
        self.seqs = []
        self.fails_at = set(fails_at)
        self.taken = 0
        self.ends = []

    async def run(self, egress_queue):
        try:
            while True:
                try:
                    batch = egress_queue.get_nowait()
                except Empty:
                    await asyncio.sleep(0.001)
                    continue
                self.taken += 1
                if self.taken in self.fails_at:
                    raise ConnectionError("connection reset")
                self.seqs.extend(record["seq"] for record in batch if "seq" in record)
        except asyncio.CancelledError:
            self.ends.append("cancelled")
            raise


class SeedsAskingFirst(Seeds):
    """The same, looking before it takes."""

    async def run(self, egress_queue):
        while True:
            while not egress_queue.empty():
                self.seqs.extend(record["seq"] for record in egress_queue.get() if "seq" in record)
            await asyncio.sleep(0.001)


class SeedsInAThread(Seeds):
    """The same, waiting for each batch in a thread."""

    async def run(self, egress_queue):
        while True:
            batch = await asyncio.to_thread(egress_queue.get)
            self.seqs.extend(record["seq"] for record in batch if "seq" in record)
