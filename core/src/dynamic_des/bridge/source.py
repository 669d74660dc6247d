"""One ingress at work: opened, read, decoded, acknowledged, and opened again."""

from __future__ import annotations

import asyncio
import inspect
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dynamic_des.bridge.backoff import Backoff
from dynamic_des.bridge.condition import AT_WORK, Condition, State
from dynamic_des.bridge.dead_letters import LETTERS
from dynamic_des.bridge.decoding import as_message, decode, place_of, to_change
from dynamic_des.bridge.letters import of_message
from dynamic_des.bridge.loop import cancel, contained
from dynamic_des.bridge.queue_form import QueueIngress
from dynamic_des.bridge.report import SourceReport
from dynamic_des.bridge.settling import Settling
from dynamic_des.bridge.worker import Worker
from dynamic_des.errors import DecodeError, PermanentError, UnavailableError, show, told, told_by_connector
from dynamic_des.ingress import BaseIngress
from dynamic_des.messages import Change, Message, Outcome
from dynamic_des.serializers import JsonDeserializer
from dynamic_des.sim.arrivals import Arrival

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_des.bridge.dead_letters import DeadLetters
    from dynamic_des.bridge.source_options import SourceOptions
    from dynamic_des.messages import RunInfo
    from dynamic_des.sim.steering import Steering

__all__ = ["Source"]

log = logging.getLogger("dynamic_des.ingress")

PATIENCE_S = 5.0  # how long a connector may take to stop, to acknowledge the last position, and to close
_TURN = 32  # messages


class Source:
    """Drives one ingress on the I/O loop.

    Attributes:
        name: The ingress's name, which its changes carry as ``source``.
        condition: How it fares.
        worker: The thread of a deserializer that may block.
        received: How many messages it brought.
        refused: How many of them were refused.
        dead_lettered: How many of those are in the dead letters.
        unwritable: How many of those the dead letters refused, too.
        reopened: How many connections were lost, or could not be made, and were followed by another.
        in_snapshot: Whether it is being asked for the state to start from, or that is being taken in.
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
        letters: DeadLetters | None = None,
    ) -> None:
        self.name = name
        self.condition = Condition("ingress", name)
        self.received = 0
        self.refused = 0
        self.reopened = 0
        self.in_snapshot = False
        self.dead_lettered = 0
        self.unwritable = 0
        self._letters = letters
        self._ingress = ingress if type(ingress).run is BaseIngress.run else QueueIngress(ingress)
        self._options = options
        self._deserializer = ingress.deserializer or options.deserializer
        self._run = run
        self._steering = steering
        self._settling = Settling(self._ingress, self.condition, loop)
        self.worker = Worker(f"decode {name}")
        self._taken: dict[str, Any] = {}
        self._open = False
        self._task: asyncio.Task[Any] | None = None
        self._on_ready: Callable[[], None] | None = None

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.condition.state

    @property
    def reason(self) -> str | None:
        """Why it is not up, or None."""
        return self.condition.reason

    @property
    def waiting(self) -> int:
        """How many messages are not settled."""
        return self._settling.waiting

    def oldest_s(self) -> float:
        """Return for how long the oldest of them has been waiting, in seconds."""
        return self._settling.oldest_s()

    def report(self) -> SourceReport:
        """Return what came in so far."""
        undelivered = 0 if self._letters is None else self.refused - self.dead_lettered
        return SourceReport(
            self.name,
            self.state,
            self.received,
            self.reason,
            self.refused,
            self.dead_lettered,
            undelivered,
            self.reopened,
            self.condition.blocked_s,
        )

    async def drive(self, ready: Callable[[], None], ended: Callable[[], None]) -> None:
        """Keep fetching until the source has ended for good, or until stopped.

        It stays connected when it ends: what it brought is still to be acknowledged. `finish` disconnects.

        Args:
            ready: Called once, when the initial snapshot is in the inbox or cannot be had.
            ended: Called once, when nothing more can come.
        """
        self._task = asyncio.current_task()
        self._on_ready = ready
        AT_WORK.set(self.condition)
        backoff = Backoff()
        try:
            while True:
                try:
                    await contained(self._session, backoff)
                    self.condition.become("ended")
                    return
                except PermanentError as error:
                    self.condition.become("failed", str(error))
                    await self._disconnect()
                    return
                except Exception as error:  # noqa: BLE001 - a connector is a plugin: counted, reported, reopened
                    self.reopened += 1
                    self.condition.become("connecting", told_by_connector(error))
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
        AT_WORK.set(self.condition)
        if self._open:
            await self._settling.flush(PATIENCE_S)
        await self._disconnect()
        self.worker.stop()

    async def _session(self, backoff: Backoff) -> None:
        """One connection: from open to its end or its loss."""
        ingress, run = self._ingress, replace(self._run, positions={**self._run.positions, **self._taken})
        self._open = True
        with self.condition.calling("open"):
            await contained(ingress.open, run)
        self._settling.connect()
        if self._on_ready is not None:
            await self._take_snapshot()
        self.condition.become("up")
        self.condition.progressed()
        stream = ingress.messages()
        if inspect.iscoroutine(stream):
            stream.close()
            raise PermanentError(f"{type(ingress).__name__}.messages() yields nothing. Write `yield` in it.")
        if not hasattr(stream, "__aiter__"):
            kind = type(ingress).__name__
            raise PermanentError(f"{kind}.messages() returns {show(stream)}. Write `async def messages` with `yield`.")
        try:
            async for message in stream:
                backoff.succeeded()
                await self._take(message)
        finally:
            if hasattr(stream, "aclose"):
                await stream.aclose()

    async def _take_snapshot(self) -> None:
        self.in_snapshot = True
        try:
            with self.condition.calling("snapshot"):
                messages = await self._ingress.snapshot()
            for message in messages:
                await self._put(message)  # unbounded: time, which would empty the inbox, waits for all of it
                if self.received % _TURN == 0:
                    await asyncio.sleep(0)  # a plan of a million lines leaves a turn to the others
            self._now_ready()
        finally:
            self.in_snapshot = False

    async def _disconnect(self) -> None:
        """Close the ingress if it is open; whatever becomes of that, it is closed then."""
        was_open, self._open = self._open, False
        if not was_open:
            return
        await self._settling.disconnect()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await contained(self._ingress.close)
        except Exception as error:  # noqa: BLE001 - a connector is a plugin
            log.debug("ingress %s: close: %s", self.name, told(error))

    def _now_ready(self) -> None:
        ready, self._on_ready = self._on_ready, None
        if ready is not None:
            ready()

    async def _take(self, message: Any) -> None:
        """Bring one message into the inbox; wait while the inbox is full."""
        # a source that has nothing in the inbox gets a place beyond the limit: a flood must not lock out the others
        while self._settling.waiting and len(self._steering.arrivals) >= self._options.inbox_size:
            await self._settling.progress()
        if self._letters is not None:
            await self._wait_for_letters(self._letters)
        await self._put(message)
        if self.received % _TURN == 0:
            await asyncio.sleep(0)  # a source that always has something at hand leaves a turn to the others

    async def _wait_for_letters(self, letters: DeadLetters) -> None:
        """Wait while the dead letters take no more; end when they never will."""
        await letters.room()
        if letters.failed and self.refused - self.dead_lettered - self.unwritable >= LETTERS:
            raise PermanentError(f"{LETTERS} refused messages wait for {letters.sink.name}: {letters.sink.reason}")

    async def _put(self, item: Any) -> None:
        try:
            message, wrong = as_message(item)
        except BaseException as error:  # noqa: BLE001 - the same
            message, wrong = Message(None), f"{type(item).__name__} cannot be read: {told(error)}. Mend the ingress."
        if wrong is not None:
            self._refuse(message, wrong)
            return
        try:
            change = to_change(await self._decoded(message), message, self.name)
        except PermanentError:
            raise
        except DecodeError as error:
            self._refuse(message, str(error))
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - what came in may be any object, and must not stall what follows
            self._refuse(message, f"{show(message.payload)} is not a change: {told(error)}")
        else:
            self._deliver(change, message, None)

    async def _decoded(self, message: Message) -> Any:
        """Return the payload, decoded in a thread of its own when the deserializer may block."""
        if not isinstance(message.payload, (bytes, bytearray, str)):
            return message.payload
        if type(self._deserializer) is JsonDeserializer:
            return self._decode(message)
        backoff = Backoff()
        while True:
            try:
                with self.condition.calling("deserialize"):
                    decoded = await self.worker.call(self._decode, message)
            except UnavailableError as error:  # what comes behind it waits, too: changes are applied in their order
                self.condition.become("connecting", str(error))
                await asyncio.sleep(backoff.failed())
            else:
                if backoff.failures:
                    self.condition.become("up")
                return decoded

    def _decode(self, message: Message) -> Any:
        options = self._options
        topic = str(message.info.get("topic", self.name))
        return decode(message.payload, self._deserializer, topic, options.max_message_bytes)

    def _refuse(self, message: Message, reason: str) -> None:
        change = Change((), None, None, self.name, message.position, message.info)
        self._deliver(change, message, Outcome("refused", f"{place_of(self.name, message)}: {reason}"))

    def _deliver(self, change: Change, message: Message, refusal: Outcome | None) -> None:
        self.received += 1
        self.condition.progressed()
        self._taken.update(change.position)
        entry = self._settling.expect(change.position)
        kept = None if self._letters is None else message  # until it is known whether it is refused

        def settle(outcome: Outcome) -> None:
            if outcome.status == "refused":
                reason = outcome.reason if refusal else f"{place_of(self.name, change)}: {outcome.reason}"
                self._refused(entry, str(reason), kept)
            else:
                self.condition.trouble_over("refused")
                self._settling.settle(entry)

        self._steering.arrivals.append(Arrival(change, settle, refusal))
        self._steering.wake()

    def _refused(self, entry: Any, reason: str, kept: Message | None) -> None:
        """Do with a refused message what was asked for. In the simulation thread."""
        self.refused += 1
        if self._options.on_poison == "stop":
            raise DecodeError(f"{reason} The run was stopped, as on_poison='stop' asks for.")
        # said when it begins: system.changes has every single one
        self.condition.trouble("refused", f"a change was refused: {reason}")
        if self._letters is None or kept is None:
            self._settling.settle(entry)
            return

        def told(lost: str | None) -> None:
            self.dead_lettered += lost is None
            self.unwritable += lost is not None
            self._settling.settle(entry)

        self._letters.put(of_message(self.name, kept, reason, sim_ts=self._steering.now, told=told))
