"""The journal: everything that came in from outside, at its place in the event order, so that a run can be repeated.

A file of JSON lines, written here and read by `dynamic_des.bridge.journal_file`. The first is the header: what the run
was made of. Then, in order, one line for each change that was settled, two for each ``run()``, where it began and
where it ended, and one for the end of all. A place is the simulation time and the number of events processed by then:
the same model with the same seed meets the same place again.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

from dynamic_des.appended_file import AppendedFile
from dynamic_des.bridge.exact_json import to_json
from dynamic_des.bridge.journal_file import FORMAT, JournalFile, read_journal
from dynamic_des.errors import raised
from dynamic_des.sim.records import SCALARS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_des.messages import Change, Outcome
    from dynamic_des.sim.registry import SimulationRegistry

__all__ = ["FORMAT", "JournalFile", "JournalWriter", "digest_of", "parameters_of", "read_journal"]

_DELAY_S = 0.1
_PATIENCE_S = 5.0  # how long the end of a run waits for the disk
_MOST_WAITING = 50_000  # lines in memory
_AT_ONCE = 1000  # lines

log = logging.getLogger("dynamic_des.journal")


class JournalWriter:
    """Writes a journal in a thread of its own; noting something costs the simulation thread an append.

    What was noted is given to the operating system within 0.1 wall seconds, and at the end of a run before it returns.
    What the disk does not take is tried again; a disk that does not answer holds up the run for 5 wall seconds, once.
    Either is said when it begins, and the end of the run says when the journal is incomplete.

    Args:
        path: The file; made anew, with its folders.
        header: What the run is made of.

    Attributes:
        path: The file.
        lost: How many lines will never be written.
    """

    def __init__(self, path: str | Path, header: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.lost = 0
        self._lines: deque[dict[str, Any]] = deque([{"format": FORMAT, **_readable(header)}])
        self._unwritten: list[bytes] = []
        self._seq = self._runs = 0
        self._running = False
        self._news = Condition()
        self._asked = self._done = 0  # how often everything was asked for, and how often it was tried
        self._closing = False
        self._trouble = ""  # why the file takes nothing at the moment
        self._told = 0  # how many missing lines the log knows of
        self._given_up = False
        self._file = AppendedFile(self.path)
        self._file.open().truncate(0)
        self._thread = Thread(target=self._serve, name=f"journal {self.path.name}", daemon=True)
        self._thread.start()

    # -- the simulation thread -----------------------------------------------------------------------------

    def note_change(self, time: float, processed: int, change: Change, outcome: Outcome) -> None:
        """Note a settled change; from the simulation thread."""
        self._seq += 1
        self._note(
            {
                "seq": self._seq,
                "time": time,
                "processed": processed,
                "wall": datetime.now(UTC),
                # what never changes is formed by the other thread
                "updates": [
                    (path, value) if type(value) in SCALARS else (path, _Form(value)) for path, value in change.updates
                ],
                "source": change.source,
                "id": change.id,
                "position": _as_dict(change.position),
                "status": outcome.status,
                "reason": outcome.reason,
            }
        )

    def note_start(self, time: float, processed: int, until: float | str | None, digest: str) -> None:
        """Note where a ``run()`` begins, and what the parameters are like (`digest_of`)."""
        self._runs += 1
        self._running = True
        place = {"number": self._runs, "time": to_json(time), "processed": processed, "until": to_json(until)}
        self._note({"run": {**place, "parameters": digest}})

    def note_end(self, time: float, processed: int, how: str) -> None:
        """Note where and how it ended; returns when everything so far is written, or cannot be."""
        if not self._running:
            return  # it ended before it began
        self._running = False
        place = {"number": self._runs, "time": to_json(time), "processed": processed, "how": how}
        self._note({"end": {**place, "changes": self._seq}})
        self.flush()
        self._say_what_is_missing()

    def close(self, time: float = 0, processed: int = 0) -> None:
        """Note the end of all, write what is left and close the file."""
        place = {"time": to_json(time), "processed": processed}
        self._note({"close": {**place, "changes": self._seq, "runs": self._runs}})
        self.flush()
        with self._news:
            self._closing = True
            self._news.notify_all()
        if self._done >= self._asked:
            self._thread.join(_PATIENCE_S)
        self._say_what_is_missing()

    def flush(self) -> bool:
        """Return when everything noted so far is written, or cannot be, or the disk does not answer.

        Returns:
            Whether the disk has answered.
        """
        with self._news:
            hangs = self._asked > self._done  # it was waited for already
            self._asked += 1
            goal = self._asked
            self._news.notify_all()
            answered = self._news.wait_for(lambda: self._done >= goal, 0 if hangs else _PATIENCE_S)
        if not answered and not hangs:
            log.error("journal %s: the disk has not answered for %g s. The run goes on.", self.path, _PATIENCE_S)
        return answered

    def _note(self, entry: dict[str, Any]) -> None:
        if len(self._lines) >= _MOST_WAITING and not self._given_up:
            self.flush()
            self._given_up = len(self._lines) >= _MOST_WAITING
        if self._given_up:  # what comes after a gap is of no use
            self.lost += 1
        else:
            self._lines.append(entry)

    def _say_what_is_missing(self) -> None:
        missing = self.lost + len(self._unwritten) + len(self._lines)
        if missing > self._told:
            log.error(
                "journal %s: is incomplete: %d of its lines are not written%s. As it is it repeats no run.",
                self.path,
                missing,
                f" ({self._trouble})" if self._trouble else "",
            )
        self._told = missing

    # -- its own thread ------------------------------------------------------------------------------------

    def _serve(self) -> None:
        closing = False
        while not closing:
            with self._news:
                self._news.wait_for(lambda: self._asked > self._done or self._closing, _DELAY_S)
                asked, closing = self._asked, self._closing
            try:
                self._write_waiting()
            except Exception as error:  # noqa: BLE001 - whatever it is, the lines after it are to be written
                self._say_trouble(raised(error))
            with self._news:
                self._done = asked
                self._news.notify_all()
        self._file.close()

    def _write_waiting(self) -> None:
        while self._unwritten or self._lines:
            self._encode_some()
            try:
                self._file.append(b"".join(self._unwritten))
            except OSError as error:
                self._say_trouble(error.strerror or str(error))
                return
            self._unwritten = []
            if self._trouble:
                self._trouble = ""
                left_out = f"{self.lost} lines are lost" if self.lost else "nothing was left out"
                log.warning("journal %s: is written again; %s.", self.path, left_out)

    def _encode_some(self) -> None:
        if self._unwritten:
            return
        for _ in range(min(len(self._lines), _AT_ONCE)):
            entry = self._lines.popleft()
            try:
                self._unwritten.append(_line(entry))
            except Exception as error:  # noqa: BLE001 - the lines after it are to be written
                self.lost += 1
                log.error("journal %s: a line cannot be written: %s.", self.path, raised(error))

    def _say_trouble(self, trouble: str) -> None:
        if not self._trouble:
            log.error("journal %s: cannot be written at the moment: %s. It is tried again.", self.path, trouble)
            self._trouble = trouble


def parameters_of(registry: SimulationRegistry) -> dict[str, Any]:
    """Return all parameters with their values."""
    return {path: registry.get(path).value for path in registry.paths()}


def digest_of(registry: SimulationRegistry) -> str:
    """Return a few letters that are others when a parameter is another, or has another value."""
    forms = [[path, _lasting(to_json(value))] for path, value in parameters_of(registry).items()]
    return blake2b(json.dumps(forms).encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()


def _lasting(form: Any) -> Any:
    """Return a form without the repr of what has no other form: it may hold the place in memory."""
    if isinstance(form, list):
        return [_lasting(item) for item in form]
    if isinstance(form, dict):
        return {key: _lasting(item) for key, item in form.items() if key != "of" or form.get("$") != "unknown"}
    return form


def _as_dict(position: Any) -> Any:
    try:
        return dict(position)
    except Exception:  # noqa: BLE001 - a foreign mapping may raise anything
        return position


def _readable(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return a header with its moments as plain text."""
    return {
        key: {path: to_json(item) for path, item in value.items()}
        if key == "parameters"
        else value.isoformat(timespec="microseconds")
        if isinstance(value, datetime)
        else to_json(value)
        for key, value in header.items()
    }


class _Form:
    """The form of a value as it is now: the model may change it later."""

    __slots__ = ("form",)

    def __init__(self, value: Any) -> None:
        self.form = to_json(value)


def _line(entry: dict[str, Any]) -> bytes:
    if "seq" in entry:
        entry = {key: _formed(key, value) for key, value in entry.items()}
    # Python's own JSON: it keeps NaN and infinities, which a repetition needs
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _formed(key: str, value: Any) -> Any:
    if key == "updates":
        return [[to_json(path), new.form if type(new) is _Form else to_json(new)] for path, new in value]
    return value.isoformat(timespec="microseconds") if type(value) is datetime else to_json(value)
