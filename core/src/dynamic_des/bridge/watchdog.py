"""Who blocks the I/O loop, which all connectors share."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePath
from threading import Lock
from typing import TYPE_CHECKING, Any

from dynamic_des.bridge.condition import AT_WORK, Condition

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from dynamic_des.bridge.loop import IoThread

__all__ = ["BLOCKED_AFTER_S", "Block", "Watchdog"]

log = logging.getLogger("dynamic_des")

BLOCKED_AFTER_S = 0.5
_QUIET_S = 30.0
_COLLECTOR = Lock()  # held while the garbage collector is: more than one monitor may look
_FRAMES = 6


@dataclass(frozen=True)
class Block:
    """A time during which the I/O loop did nothing for anybody.

    Attributes:
        connector: Who kept it busy, such as ``"egress kafka"``; None when that is not known.
        where: The functions that it was in, the innermost last, with file and line; not those in the middle of many.
        seconds: For how long, as far as was noticed.
        ongoing: Whether the loop is still blocked.
    """

    connector: str | None
    where: str
    seconds: float
    ongoing: bool


class Watchdog:
    """Asks the loop for a sign of life, and looks into its thread when none comes.

    Time is counted in looks, not by the clock: a process that was stopped, or a machine that lets nobody work, takes
    the time from who looks as well. The loop is blocked when it was in one and the same callback at every look for
    half a second.

    Attributes:
        block: The block that is on, or the last one; None when there was none.
    """

    def __init__(self, io: IoThread) -> None:
        self.block: Block | None = None
        self._io = io
        self._asked = False
        self._answered = True
        self._callback: Any = None  # the one that the loop was found in at the last look
        self._seconds = 0.0
        self._quiet_s: dict[str | None, float] = {}  # connector → for how long it has blocked nothing since

    @property
    def culprit(self) -> Condition | None:
        """The connector that blocks the loop now, when it is known."""
        return _connector_of(self._callback) if self.blocked else None

    @property
    def blocked(self) -> bool:
        """Whether the loop is blocked now."""
        return self.block is not None and self.block.ongoing

    def look(self, passed_s: float) -> None:
        """Look whether the loop lives; from one thread, ``passed_s`` seconds after the last look."""
        for connector, quiet_s in list(self._quiet_s.items()):
            self._quiet_s[connector] = quiet_s + passed_s
        if self._io.parked:
            self.overslept()
            return
        if self._answered:
            self._end_block()
            self._ask()
            return
        frames = _frames(self._io)
        callback = _callback_of(frames)
        if callback is None or callback is not self._callback:
            self._end_block()
            self._callback, self._seconds = callback, 0.0
            return
        self._seconds += passed_s
        if self._seconds >= BLOCKED_AFTER_S:
            self._note_block(frames, passed_s)

    def overslept(self) -> None:
        """Start over: who looks has slept longer than it wanted, and so may have the loop."""
        if not self.blocked:
            self._callback, self._seconds = None, 0.0

    def _ask(self) -> None:
        self._answered = False
        self._callback, self._seconds = None, 0.0
        with suppress(RuntimeError):  # the loop is closed: torn down
            self._io.loop.call_soon_threadsafe(self._answer)

    def _answer(self) -> None:
        self._answered = True

    def _note_block(self, frames: list[FrameType], passed_s: float) -> None:
        culprit = _connector_of(self._callback)
        connector = str(culprit) if culprit else None
        begins = not self.blocked
        if culprit is not None:
            culprit.blocked_s += self._seconds if begins else passed_s
        self.block = Block(connector, _where(frames), self._seconds, ongoing=True)
        if begins and self._quiet_s.get(connector, _QUIET_S) >= _QUIET_S:
            log.warning(
                "%s blocks the I/O loop, and with it all other connectors, for %.1f s so far: in %s. "
                "Await what takes time, or write a plain `def write`, which has a thread of its own.",
                connector or "something",
                self._seconds,
                self.block.where,
            )
        self._quiet_s[connector] = 0.0
        if begins and culprit is not None:
            culprit.changed()

    def _end_block(self) -> None:
        block = self.block
        if block is not None and block.ongoing:
            log.info("%s has let go of the I/O loop after %.1f s", block.connector or "something", block.seconds)
            self.block = Block(block.connector, block.where, block.seconds, ongoing=False)
            culprit = _connector_of(self._callback)
            if culprit is not None:
                culprit.changed()


def _frames(io: IoThread) -> list[FrameType]:
    """Return the frames of the loop's thread inside of the callback that it is in, innermost first; else none.

    The first frame after them is that of the callback itself.
    """
    frames: list[FrameType] = []
    frame = _innermost_frame(io.ident)
    while frame is not None:
        frames.append(frame)
        if frame.f_code is asyncio.Handle._run.__code__:
            return frames
        frame = frame.f_back
    return []


def _innermost_frame(thread: int | None) -> FrameType | None:
    """Return what a thread is doing.

    Python 3.11 holds a lock of the interpreter while it lists the frames. Were garbage collected meanwhile, a finalizer
    that lets another thread run would stop the whole process for good (CPython's issue 106883).
    """
    if thread is None:
        return None
    if sys.version_info >= (3, 12):
        return sys._current_frames().get(thread)
    with _COLLECTOR:
        collecting = gc.isenabled()
        gc.disable()
        try:
            return sys._current_frames().get(thread)
        finally:
            if collecting:
                gc.enable()


def _callback_of(frames: list[FrameType]) -> Any:
    return frames[-1].f_locals.get("self") if frames else None


def _connector_of(callback: Any) -> Condition | None:
    context = getattr(callback, "_context", None)
    return context.get(AT_WORK) if context is not None else None


def _where(frames: list[FrameType]) -> str:
    places = list(_places(frames))
    if len(places) > _FRAMES:  # where it left core, and where it has got to
        places[1 : 1 - _FRAMES] = ["…"]
    return " > ".join(places)


def _places(frames: list[FrameType]) -> Iterator[str]:
    """Yield the places of frames, the outermost first, without asyncio's and the bridge's own around them."""
    theirs = False
    for frame in reversed(frames[:-1]):
        module = frame.f_globals.get("__name__", "")
        theirs = theirs or not module.startswith(("asyncio.", "dynamic_des.bridge."))
        if theirs or frame is frames[0]:
            yield f"{frame.f_code.co_qualname} ({PurePath(frame.f_code.co_filename).name}, line {frame.f_lineno})"
