"""How one connector fares: its state, the reason, and what it is being waited for."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import TYPE_CHECKING, Literal

from dynamic_des.bridge.state_log import StateLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["AT_WORK", "STALL_AFTER_S", "Condition", "State"]

STALL_AFTER_S = 5.0
State = Literal["connecting", "up", "stalled", "ended", "failed", "closed"]

# what runs on the I/O loop inherits it from the task that began it: whoever finds the loop blocked knows by whom
AT_WORK: ContextVar[Condition | None] = ContextVar("AT_WORK", default=None)


class _Call:
    """A call of a connector that has not returned."""

    __slots__ = ("name", "waited_s")

    def __init__(self, name: str) -> None:
        self.name = name
        self.waited_s = 0.0


class Condition:
    """State of one connector, said in the log and told to the monitor whenever it changes.

    A connector is *stalled* when one call of it, `open`, `snapshot`, `write` or `applied`, has not returned for five
    seconds. The wait for the next message is none of them: an ingress may be silent for ever.

    Attributes:
        kind: ``"ingress"`` or ``"egress"``.
        name: The connector's name.
        since: When the present state began, in monotonic seconds.
        progress_at: When it last got something done, in monotonic seconds; None while it never did.
        blocked_s: For how long it has blocked the I/O loop in all, in seconds, as far as that was noticed.
        changed: Called after each change, in the thread that made it.
    """

    def __init__(self, kind: Literal["ingress", "egress"], name: str) -> None:
        self.kind = kind
        self.name = name
        self.since = monotonic()
        self.progress_at: float | None = None
        self.blocked_s = 0.0
        self.changed: Callable[[], None] = _nothing
        self._own: tuple[State, str | None] = ("connecting", None)
        self._stalled: _Call | None = None
        self._calls: dict[str, _Call] = {}
        self._troubles: set[str] = set()
        self._log = StateLog(logging.getLogger(f"dynamic_des.{kind}"), f"{kind} {name}")
        self._said: tuple[State, str | None] = self._own

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.state_and_reason[0]

    @property
    def reason(self) -> str | None:
        """Why it is not up, or None."""
        return self.state_and_reason[1]

    @property
    def state_and_reason(self) -> tuple[State, str | None]:
        """Where it stands and why; from any thread."""
        call, own = self._stalled, self._own
        if call is None or own[0] not in ("connecting", "up"):
            return own
        return "stalled", f"{call.name} has not returned for {call.waited_s:.0f} s"

    def become(self, state: State, reason: str | None = None, note: str = "") -> None:
        """Take note of a state; say it if it is news.

        Args:
            state: Where the connector stands now.
            reason: Why it is not up.
            note: What the line in the log ends with.
        """
        if (state, reason) == self._own:
            return
        if state != self._own[0]:
            self.since = monotonic()
        self._own = (state, reason)
        self.say_if_new(note)
        self.changed()

    def progressed(self) -> None:
        """Take note that it got something done."""
        self.progress_at = monotonic()

    def trouble(self, what: str, text: str) -> None:
        """Say what goes wrong with single records or messages, when it begins to."""
        if what not in self._troubles:
            self._troubles.add(what)
            self._log.say(logging.WARNING, text)

    def trouble_over(self, what: str) -> None:
        """Take note that it went right with the last one."""
        self._troubles.discard(what)

    @contextmanager
    def calling(self, name: str) -> Iterator[None]:
        """Wait for a call of the connector in this block."""
        call = self._calls[name] = _Call(name)
        try:
            yield
        finally:
            if self._calls.get(name) is call:
                del self._calls[name]
            if self._stalled is call:
                self._stalled = None
                self.since = monotonic()
                self.say_if_new()
                self.changed()

    def wait(self, seconds: float, note: str = "") -> None:
        """Take note that every call that has not returned has taken ``seconds`` more."""
        for call in list(self._calls.values()):
            call.waited_s += seconds
            if call.waited_s >= STALL_AFTER_S and self._stalled is None:
                self._stalled = call
                if self._calls.get(call.name) is not call:  # it returned at this very moment
                    self._stalled = None
                    continue
                self.since = monotonic()
                self.say_if_new(note)
                self.changed()

    def catch_up(self) -> None:
        """Say the state, if it was held back and there is room in the log again."""
        if self._log.has_room:
            self.say_if_new()

    def say_if_new(self, note: str = "") -> None:
        """Say the state, unless the log has it already, or too much was said lately."""
        state, reason = self.state_and_reason
        # of the reason only what kind it is: the text may name another port, or another time, at each attempt
        news = (state, reason and (state if state == "stalled" else reason.partition(":")[0]))
        if news == self._said:
            return
        if reason:
            said = self._log.say(logging.WARNING, f"{state}: {reason}{note}")
        elif self._said[1]:
            said = self._log.say(logging.INFO, f"{state} again" if state == "up" else state)
        else:  # the ordinary way of things
            logging.getLogger(f"dynamic_des.{self.kind}").debug("%s: %s", self, state)
            said = True
        if said:
            self._said = news


def _nothing() -> None:
    """Nobody wants to know."""
