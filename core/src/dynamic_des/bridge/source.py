"""One ingress at work: opened, read, decoded, acknowledged, and opened again."""

from __future__ import annotations

import asyncio
import inspect
import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from dynamic_des.bridge.backoff import Backoff
from dynamic_des.bridge.decoding import MAX_MESSAGE_BYTES, decode, to_change
from dynamic_des.bridge.loop import cancel
from dynamic_des.bridge.queue_form import QueueIngress
from dynamic_des.bridge.report import SourceReport
from dynamic_des.bridge.settling import Settling
from dynamic_des.bridge.worker import Worker
from dynamic_des.errors import ConfigError, DecodeError, PermanentError, UnavailableError, show
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

PATIENCE_S = 5.0  # how long a connector may take to stop, to acknowledge the last position, and to close
_TURN = 32  # messages
SourceState = Literal["connecting", "up", "ended", "failed"]


@dataclass(frozen=True)
class SourceOptions:
    """What core itself does for an ingress.

    Attributes:
        deserializer: Decodes payloads that are bytes or text. JSON by default.
        inbox_size: How many messages may wait to be applied before the ingress has to wait.
        max_message_bytes: Larger messages are refused.
        snapshot_timeout: How long, in wall seconds since it was set up, the start of time waits for the initial
            snapshot.
        on_poison: What becomes of a message that is refused: ``"skip"`` counts, reports and acknowledges it;
            ``"stop"`` ends the run with the reason and leaves it unacknowledged.
    """

    deserializer: MessageDeserializer = field(default_factory=JsonDeserializer)
    inbox_size: int = 10_000
    max_message_bytes: int = MAX_MESSAGE_BYTES
    snapshot_timeout: float = 10.0
    on_poison: Literal["skip", "stop"] = "skip"

    def __post_init__(self) -> None:
        for name in ("inbox_size", "max_message_bytes"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ConfigError(f"setup_ingress: {name} is {show(value)}. Give a whole number of at least 1.")
        timeout = self.snapshot_timeout
        if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout >= 0:
            raise ConfigError(f"setup_ingress: snapshot_timeout is {show(timeout)}. Give seconds, 0 or more.")
        if self.on_poison not in ("skip", "stop"):
            raise ConfigError(f"setup_ingress: on_poison is {show(self.on_poison)}. Give 'skip' or 'stop'.")
        if not hasattr(self.deserializer, "deserialize"):
            raise ConfigError(
                f"setup_ingress: deserializer is {show(self.deserializer)}. Give a MessageDeserializer object."
            )


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
        self._ingress = ingress if type(ingress).run is BaseIngress.run else QueueIngress(ingress)
        self._options = options
        self._deserializer = ingress.deserializer or options.deserializer
        self._run = run
        self._steering = steering
        self._settling = Settling(self._ingress, name, loop)
        self._worker = Worker(f"decode {name}")
        self._taken: dict[str, Any] = {}
        self._refusing = False
        self._open = False
        self._task: asyncio.Task[Any] | None = None
        self._on_ready: Callable[[], None] | None = None

    def report(self) -> SourceReport:
        """Return what came in so far."""
        return SourceReport(self.name, self.state, self.received, self.reason)

    async def drive(self, ready: Callable[[], None], ended: Callable[[], None]) -> None:
        """Keep fetching until the source has ended for good, or until stopped.

        It stays connected when it ends: what it brought is still to be acknowledged. `finish` disconnects.

        Args:
            ready: Called once, when the initial snapshot is in the inbox or cannot be had.
            ended: Called once, when nothing more can come.
        """
        self._task = asyncio.current_task()
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
                    await self._disconnect()
                    return
                except Exception as error:  # noqa: BLE001 - a connector is a plugin: counted, reported, reopened
                    self._become("connecting", f"{type(error).__name__}: {error}")
                    await self._disconnect()
                await asyncio.sleep(backoff.failed())
        finally:
            self._now_ready()
            ended()

    async def stop(self) -> None:
        """Stop fetching, and stay connected."""
        if self._task is not None:
            await cancel(self._task, PATIENCE_S)

    async def finish(self) -> None:
        """Acknowledge what is settled and disconnect. After `stop`."""
        if self._open:
            await self._settling.flush(PATIENCE_S)
        await self._disconnect()
        self._worker.stop()

    async def _session(self, backoff: Backoff) -> None:
        """One connection: from open to its end or its loss."""
        ingress, run = self._ingress, replace(self._run, positions={**self._run.positions, **self._taken})
        self._open = True
        await ingress.open(run)
        self._settling.connect()
        if self._on_ready is not None:
            for message in await ingress.snapshot():
                await self._put(message)  # unbounded: time, which would empty the inbox, waits for all of it
            self._now_ready()
        self._become("up", None)
        stream = ingress.messages()
        if inspect.iscoroutine(stream):
            stream.close()
            raise PermanentError(f"{type(ingress).__name__}.messages() yields nothing. Write `yield` in it.")
        try:
            async for message in stream:
                backoff.succeeded()
                await self._take(message)
        finally:
            if hasattr(stream, "aclose"):
                await stream.aclose()

    async def _disconnect(self) -> None:
        """Close the ingress if it is open; whatever becomes of that, it is closed then."""
        was_open, self._open = self._open, False
        if not was_open:
            return
        await self._settling.disconnect()
        try:
            await asyncio.wait_for(self._ingress.close(), PATIENCE_S)
        except Exception as error:  # noqa: BLE001 - a connector is a plugin
            log.debug("ingress %s: close: %s: %s", self.name, type(error).__name__, error)

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
        # a source that has nothing in the inbox gets a place beyond the limit: a flood must not lock out the others
        while self._settling.waiting and len(self._steering.arrivals) >= self._options.inbox_size:
            await self._settling.progress()
        await self._put(message)
        if self.received % _TURN == 0:
            await asyncio.sleep(0)  # a source that always has something at hand leaves a turn to the others

    async def _put(self, message: Any) -> None:
        if not isinstance(message, Message):
            message = Message(message)
        try:
            change = to_change(await self._decoded(message), message, self.name)
        except PermanentError:
            raise
        except DecodeError as error:
            self._refuse(message, str(error))
        except Exception as error:  # noqa: BLE001 - what came in may be any object, and must not stall what follows
            self._refuse(message, f"{show(message.payload)} is not a change: {type(error).__name__}: {error}")
        else:
            self._deliver(change, None)

    async def _decoded(self, message: Message) -> Any:
        """Return the payload, decoded in a thread of its own when the deserializer may block."""
        if not isinstance(message.payload, (bytes, bytearray, str)):
            return message.payload
        if type(self._deserializer) is JsonDeserializer:
            return self._decode(message)
        backoff = Backoff()
        while True:
            try:
                decoded = await self._worker.call(self._decode, message)
            except UnavailableError as error:  # what comes behind it waits, too: changes are applied in their order
                self._become("connecting", str(error))
                await asyncio.sleep(backoff.failed())
            else:
                if backoff.failures:
                    self._become("up", None)
                return decoded

    def _decode(self, message: Message) -> Any:
        options = self._options
        topic = str(message.info.get("topic", self.name))
        return decode(message.payload, self._deserializer, topic, options.max_message_bytes)

    def _refuse(self, message: Message, reason: str) -> None:
        change = Change((), None, None, self.name, message.position, message.info)
        place = ", ".join(f"{key} {value}" for key, value in message.info.items() if key != "headers")
        self._deliver(change, Outcome("refused", f"{self.name}{f' ({place})' if place else ''}: {reason}"))

    def _deliver(self, change: Change, refusal: Outcome | None) -> None:
        self.received += 1
        self._taken.update(change.position)
        entry = self._settling.expect(change.position)
        self._steering.arrivals.append(Arrival(change, lambda outcome: self._settled(entry, outcome), refusal))
        self._steering.wake()

    def _settled(self, entry: Any, outcome: Outcome) -> None:
        refused = outcome.status == "refused"
        if refused and self._options.on_poison == "stop":
            raise DecodeError(f"{outcome.reason} The run was stopped, as on_poison='stop' asks for.")
        if refused and not self._refusing:  # once per change of state: system.changes has every single one
            log.warning("ingress %s: a change was refused: %s", self.name, outcome.reason)
        self._refusing = refused
        self._settling.settle(entry)
