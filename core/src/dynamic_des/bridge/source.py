"""One ingress at work: opened, read, decoded, acknowledged, and opened again."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from queue import Queue
from threading import get_ident
from typing import TYPE_CHECKING, Any, Literal

from dynamic_des.bridge.backoff import Backoff
from dynamic_des.bridge.decoding import MAX_MESSAGE_BYTES, decode, to_change
from dynamic_des.bridge.report import SourceReport
from dynamic_des.bridge.settling import Settling
from dynamic_des.bridge.worker import Worker
from dynamic_des.errors import DecodeError, PermanentError
from dynamic_des.ingress import BaseIngress
from dynamic_des.messages import Change, Message, Outcome
from dynamic_des.serializers import JsonDeserializer, MessageDeserializer
from dynamic_des.sim.arrivals import Arrival

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_des.messages import RunInfo
    from dynamic_des.sim.steering import Steering

__all__ = ["Source", "SourceOptions"]

log = logging.getLogger("dynamic_des.ingress")

SourceState = Literal["connecting", "up", "ended", "failed"]


@dataclass(frozen=True)
class SourceOptions:
    """What core itself does for an ingress.

    Attributes:
        deserializer: Decodes payloads that are bytes or text. JSON by default.
        inbox_size: How many messages may wait to be applied before the ingress has to wait.
        max_message_bytes: Larger messages are refused.
        snapshot_timeout: How long, in wall seconds, the start of time waits for the initial snapshot.
        on_poison: What becomes of a message that is refused: ``"skip"`` counts, reports and acknowledges it;
            ``"stop"`` ends the run with the reason and leaves it unacknowledged.
    """

    deserializer: MessageDeserializer = field(default_factory=JsonDeserializer)
    inbox_size: int = 10_000
    max_message_bytes: int = MAX_MESSAGE_BYTES
    snapshot_timeout: float = 10.0
    on_poison: Literal["skip", "stop"] = "skip"


class Source:
    """Drives one ingress on the I/O loop.

    Attributes:
        name: The ingress's name, which its changes carry as ``source``.
        state: Where it stands.
        reason: Why it is not up, or None.
        received: How many messages it brought.
    """

    def __init__(
        self,
        ingress: BaseIngress,
        name: str,
        options: SourceOptions,
        *,
        run: RunInfo,
        steering: Steering,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.name = name
        self.state: SourceState = "connecting"
        self.reason: str | None = None
        self.received = 0
        self._ingress = ingress
        self._options = options
        self._run = run
        self._steering = steering
        self._loop = loop
        self._settling = Settling(ingress, name, loop)
        self._worker = Worker(f"decode {name}")
        self._taken: dict[str, Any] = {}
        self._refusing = False
        self._on_ready: Callable[[], None] | None = None

    def report(self) -> SourceReport:
        """Return what came in so far."""
        return SourceReport(self.name, self.state, self.received, self.reason)

    async def drive(self, ready: Callable[[], None], ended: Callable[[], None]) -> None:
        """Keep the ingress open until it has ended for good, or until cancelled.

        Args:
            ready: Called once, when the initial snapshot is in the inbox or cannot be had.
            ended: Called once, when nothing more can come.
        """
        self._on_ready = ready
        backoff = Backoff()
        try:
            while True:
                try:
                    await self._session(backoff)
                    self._become("ended", None)
                    return
                except PermanentError as error:
                    self._become("failed", str(error))
                    return
                except Exception as error:  # noqa: BLE001 - a connector is a plugin: counted, reported, reopened
                    pause = backoff.failed()
                    self._become("connecting", f"{type(error).__name__}: {error}")
                await asyncio.sleep(pause)
        finally:
            self._now_ready()
            ended()

    async def finish(self) -> None:
        """Acknowledge what is settled and disconnect."""
        await self._settling.flush()
        self._worker.stop()

    async def _session(self, backoff: Backoff) -> None:
        """One connection: from open to close."""
        ingress, run = self._ingress, replace(self._run, positions={**self._run.positions, **self._taken})
        try:
            await ingress.open(run)
            if self._on_ready is not None:
                for message in await ingress.snapshot():
                    await self._put(message)  # unbounded: time, which would empty the inbox, waits for all of it
                self._now_ready()
            self._become("up", None)
            if type(ingress).run is not BaseIngress.run:
                await ingress.run(_IngressQueue(self))
                return
            async for message in ingress.messages():
                backoff.succeeded()
                await self._take(message)
        finally:
            await self._settling.flush()
            await ingress.close()

    def _now_ready(self) -> None:
        ready, self._on_ready = self._on_ready, None
        if ready is not None:
            ready()

    def _become(self, state: SourceState, reason: str | None) -> None:
        if (state, reason) == (self.state, self.reason):
            return
        level = logging.WARNING if reason else logging.DEBUG
        log.log(level, "ingress %s: %s%s", self.name, state, f": {reason}" if reason else "")
        self.state, self.reason = state, reason

    async def _take(self, message: Any) -> None:
        """Bring one message into the inbox; wait while the inbox is full."""
        while len(self._steering.arrivals) >= self._options.inbox_size:
            await self._settling.progress()
        await self._put(message)

    async def _put(self, message: Any) -> None:
        if not isinstance(message, Message):
            message = Message(message)
        payload = message.payload
        if isinstance(payload, (bytes, bytearray, str)) and type(self._options.deserializer) is not JsonDeserializer:
            try:
                payload = await self._worker.call(self._decode, message)
            except DecodeError as error:
                self._refuse(message, str(error))
                return
        self.accept(message, payload)

    def accept(self, message: Message, payload: Any) -> None:
        """Put a message into the inbox; on the I/O loop only."""
        try:
            data = self._decode(message) if isinstance(payload, (bytes, bytearray, str)) else payload
            change = to_change(data, message, self.name)
        except DecodeError as error:
            self._refuse(message, str(error))
            return
        self._deliver(change, None)

    def _decode(self, message: Message) -> Any:
        options = self._options
        topic = str(message.info.get("topic", self.name))
        return decode(message.payload, options.deserializer, topic, options.max_message_bytes)

    def _refuse(self, message: Message, reason: str) -> None:
        change = Change((), None, None, self.name, message.position, message.info)
        place = ", ".join(f"{key} {value}" for key, value in message.info.items() if key != "headers")
        self._deliver(change, Outcome("refused", f"{self.name}{f' ({place})' if place else ''}: {reason}"))

    def _deliver(self, change: Change, refusal: Outcome | None) -> None:
        self.received += 1
        self._taken.update(change.position)
        entry = self._settling.expect(change.position)
        if refusal is not None and self._options.on_poison == "stop":
            self._steering.arrivals.append(_stopper(refusal))
        else:
            self._steering.arrivals.append(Arrival(change, lambda outcome: self._settled(entry, outcome), refusal))
        self._steering.wake()

    def _settled(self, entry: Any, outcome: Outcome) -> None:
        refused = outcome.status == "refused"
        if refused and not self._refusing:  # once per change of state: system.changes has every single one
            log.warning("ingress %s: a change was refused: %s", self.name, outcome.reason)
        self._refusing = refused
        self._settling.settle(entry)


def _stopper(refusal: Outcome) -> Callable[[], None]:
    def stop() -> None:
        raise DecodeError(f"{refusal.reason} The run was stopped, as on_poison='stop' asks for.")

    return stop


class _IngressQueue(Queue[Any]):
    """The queue of the seeds' form: what is put is in the inbox at once, from whatever thread."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._thread = get_ident()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002
        message = item if isinstance(item, Message) else Message(item)
        if get_ident() == self._thread:
            self._source.accept(message, message.payload)
        else:
            self._source._loop.call_soon_threadsafe(self._source.accept, message, message.payload)
