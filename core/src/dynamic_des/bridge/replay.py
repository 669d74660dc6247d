"""Repeating a run from its journal: flat out, and record for record the same."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from simpy.core import EmptySchedule
from simpy.events import Event, EventPriority

from dynamic_des.bridge.journal import digest_of
from dynamic_des.errors import ConfigError, DynamicDesError
from dynamic_des.messages import Change, Outcome
from dynamic_des.sim.steering import Steering

if TYPE_CHECKING:
    from dynamic_des.bridge.environment import DynamicRealtimeEnvironment
    from dynamic_des.bridge.journal import JournalFile

__all__ = ["DivergedError", "replay"]


_QUESTION = "Is this the same model, with the same parameters?"


class DivergedError(DynamicDesError, RuntimeError):
    """A repeated run left the path of the one that wrote the journal: the model, or what it reads, is another."""


class _EndOfJournal(Exception):  # noqa: N818 - the end of a run that was ended from outside
    """The place at which a run was ended by a signal."""


def replay(journal: JournalFile, env: DynamicRealtimeEnvironment) -> None:
    """Repeat every ``run()`` of a journal in an environment that is in the state of the original before the first.

    Make the environment with ``factor=0`` and the header's ``seed``, ``initial_time`` and ``start_time``, register the
    parameters, set the header's values, connect egresses but no ingress, and build the model; then call this. What the
    original scheduled from outside of the model (a ``run(until=env.timeout(5))``) has to be in the model here. What was
    done with ``step()`` is repeated; what was changed from outside of the model with ``registry.update`` is not in a
    journal.

    Args:
        journal: What `read_journal` returned.
        env: The environment.

    Raises:
        ConfigError: If ``env`` does not run flat out, or the journal holds no run.
        DivergedError: If the run takes another course than the one that wrote the journal, or was given a value that a
            journal has no form for.
    """
    if env.factor:
        raise ConfigError(f"replay: the environment has factor {env.factor:g}. Make it with factor=0.")
    if not any("run" in entry for entry in journal.entries):
        raise ConfigError(f"{journal.path}: the journal holds no run. Give one of an environment that was run.")
    steering = _Repeating(env, journal)
    env._steering = steering
    while (start := steering.next_start()) is not None:
        until = None if start["until"] == "event" else start["until"]
        try:
            env.run(until=until)
        except _EndOfJournal:
            steering.leave_stop_event(start)
        steering.check_end()


class _Repeating(Steering):
    """A steering whose changes come from a journal, each at its place in the event order."""

    def __init__(self, env: DynamicRealtimeEnvironment, journal: JournalFile) -> None:
        super().__init__(env, env._steering.clock, 0.0)
        self._journal = journal
        self._entries = journal.entries
        self._next = 0

    def next_start(self) -> dict[str, Any] | None:
        """Return the next ``run()`` of the journal, after repeating what was done when none was on."""
        while (index := self._next) < len(self._entries):
            entry = self._entries[index]
            self._step_to(entry.get("run", entry)["processed"])
            if self._next != index:
                continue  # it was a change, and was due before one of these steps
            self._next += 1
            if "run" in entry:
                start: dict[str, Any] = entry["run"]
                self._check_start(start)
                return start
            self._repeat(entry)
        if self._journal.close is not None:
            self._step_to(self._journal.close["processed"])
        return None

    def _step_to(self, processed: int) -> None:
        """Repeat what the original did with ``step()`` instead of ``run()``."""
        try:
            while self.processed < processed:
                self._env.step()
        except EmptySchedule:
            raise DivergedError(
                f"{self._here()}: no event is left after {self.processed}; the original went on to {processed}. "
                f"{_QUESTION}"
            ) from None

    def _check_start(self, start: dict[str, Any]) -> None:
        """Compare the state before a run with that of the original."""
        where = self._journal.place(self._next - 1)
        if (self.processed, self._env._now) != (start["processed"], start["time"]):
            raise DivergedError(
                f"{where}: run {start['number']} begins at t={self._env._now} after {self.processed} events, the "
                f"original at t={start['time']} after {start['processed']}. {_QUESTION}"
            )
        if digest_of(self._env.registry) != start["parameters"]:
            raise DivergedError(
                f"{where}: the parameters at the start of run {start['number']} are not those of the original. "
                f"{_QUESTION} What a script changes with registry.update between two runs, from outside of the model, "
                "is not in a journal: use env.post there."
            )

    def _here(self) -> str:
        return self._journal.place(self._next)

    def apply_due(self) -> float:
        """Apply the changes of this place; be asked again before the next event."""
        while self._next < len(self._entries):
            entry = self._entries[self._next]
            if "end" in entry:
                end = entry["end"]
                if self.processed >= end["processed"] and end["how"] in ("error", "until") and self._cut_off(end):
                    raise _EndOfJournal
                break
            if "run" in entry or entry["processed"] > self.processed:
                break
            self._next += 1
            self._repeat(entry)
        if not self._queue:
            raise EmptySchedule
        return -inf

    def _cut_off(self, end: dict[str, Any]) -> bool:
        """Return whether the run ended here without an event doing it: by a signal, or because its event happened."""
        return end["how"] == "error" or self.until_at == inf

    def _repeat(self, entry: dict[str, Any]) -> None:
        where = self._journal.place(self._next - 1)
        if entry["status"] == "applied" and "unrepeatable" in entry:
            raise DivergedError(
                f"{where}: change {entry['seq']} cannot be repeated: a journal has no form for its value "
                f"{entry['unrepeatable']}. Send numbers, text, and lists and dictionaries of them."
            )
        updates = tuple((path, value) for path, value in entry["updates"])
        change = Change(updates, None, entry["id"], entry["source"], entry["position"])
        self._env._now = entry["time"]
        known = Outcome(entry["status"], entry["reason"])  # of a message that was no change
        outcome = self._env.registry.update_many(updates) if updates else known
        if outcome.status != entry["status"]:
            raise DivergedError(
                f"{where}: change {entry['seq']} at t={entry['time']} was {entry['status']}, and is {outcome.status} "
                f"now{f' ({outcome.reason})' if outcome.reason else ''}. {_QUESTION}"
            )
        self.report(change, outcome)

    def check_end(self) -> None:
        """Compare where the run ended with where the journal says it ended."""
        if self._next >= len(self._entries):
            return  # the process that wrote it was killed
        entry = self._entries[self._next]
        if "end" not in entry:
            raise DivergedError(f"{self._here()}: the run ended before change {entry['seq']} was due. {_QUESTION}")
        self._next += 1
        end = entry["end"]
        if (self.processed, self._env._now) != (end["processed"], end["time"]):
            raise DivergedError(
                f"{self._journal.place(self._next - 1)}: run {end['number']} ended at t={self._env._now} after "
                f"{self.processed} events, the original at t={end['time']} after {end['processed']}. {_QUESTION}"
            )

    def leave_stop_event(self, start: dict[str, Any]) -> None:
        """Leave behind what SimPy leaves behind when ``run(until=event)`` stops: the event, scheduled once more."""
        entry = self._entries[self._next]
        if start["until"] == "event" and entry["end"]["how"] == "until":
            stop = Event(self._env)
            stop._ok, stop._value = True, None
            self._env.schedule(stop, EventPriority(-1))
