"""The journal: everything that came in from outside, at its place in the event order, so that a run can be repeated.

A file of JSON lines. The first is the header: what the run was made of. Then, in order, one line for each change
that was settled, and two for each ``run()``: where it began and where it ended. A place is the simulation time and
the number of events processed by then: the same model with the same seed meets the same place again.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import ConfigError, show
from dynamic_des.sim.records import freeze

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dynamic_des.messages import Change, Outcome

__all__ = ["FORMAT", "JournalFile", "JournalWriter", "read_journal"]

FORMAT = 1
_DELAY_S = 0.1

log = logging.getLogger("dynamic_des.journal")


class JournalWriter:
    """Writes a journal in a thread of its own; noting something costs the simulation thread an append.

    What was noted is given to the operating system within 0.1 wall seconds, and at the end of a run before it returns.

    Args:
        path: The file; made anew, with its folders.
        header: What the run is made of.
    """

    def __init__(self, path: str | Path, header: dict[str, Any]) -> None:
        self.path = Path(path)
        self._lines: deque[dict[str, Any]] = deque([{"format": FORMAT, **header}])
        self._seq = 0
        self._closing = Flag()
        self._asked = Flag()
        self._flushed = Flag()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("wb", buffering=0)
        self._failed = False
        self._thread = Thread(target=self._serve, name=f"journal {self.path.name}", daemon=True)
        self._thread.start()

    def note_change(self, time: float, processed: int, change: Change, outcome: Outcome) -> None:
        """Note a settled change; from the simulation thread."""
        self._seq += 1
        self._lines.append(
            {
                "seq": self._seq,
                "time": time,
                "processed": processed,
                "wall": datetime.now(UTC),
                "updates": [[path, freeze(value)] for path, value in change.updates],
                "source": change.source,
                "id": change.id,
                "position": dict(change.position),
                "status": outcome.status,
                "reason": outcome.reason,
            }
        )

    def note_start(self, time: float, processed: int, until: float | str | None) -> None:
        """Note where a ``run()`` begins."""
        self._lines.append({"run": {"time": time, "processed": processed, "until": until}})

    def note_end(self, time: float, processed: int, how: str) -> None:
        """Note where and how it ended; returns when everything so far is written."""
        self._lines.append({"end": {"time": time, "processed": processed, "how": how}})
        self.flush()

    def flush(self) -> None:
        """Return when everything noted so far is written, or cannot be."""
        self._flushed.clear()
        self._asked.set()
        while not self._flushed.wait(0.1) and self._thread.is_alive():
            pass

    def close(self) -> None:
        """Write what is left and close the file."""
        self._closing.set()
        self._asked.set()
        self._thread.join()

    def _serve(self) -> None:
        closing = False
        while not closing:
            self._asked.wait(_DELAY_S)
            closing, asked = self._closing.is_set(), self._asked.is_set()
            self._asked.clear()
            self._write_waiting()
            if asked:
                self._flushed.set()
        self._file.close()

    def _write_waiting(self) -> None:
        count = len(self._lines)
        text = b"".join(_line(self._lines.popleft()) for _ in range(count))
        if not text or self._failed:
            return
        try:
            self._file.write(text)
        except OSError as error:
            self._failed = True
            log.error(
                "journal %s: cannot be written any more: %s. This run cannot be repeated from it.", self.path, error
            )


@dataclass
class JournalFile:
    """A journal as read.

    Attributes:
        header: What the run was made of.
        entries: Changes, starts and ends, in order.
        complete: Whether its last line was whole: a killed process may leave half of one.
    """

    header: dict[str, Any]
    entries: list[dict[str, Any]] = field(default_factory=list)
    complete: bool = True


def read_journal(path: str | Path) -> JournalFile:
    """Read a journal.

    Raises:
        ConfigError: If it is no journal, or damaged before its last line; names the line.
    """
    lines = list(_read_lines(Path(path)))
    if not lines:
        raise ConfigError(f"{path}: is empty. Give a journal that a run has written.")
    parsed: list[dict[str, Any]] = []
    complete = True
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
        except ValueError as error:
            if number == len(lines) and number > 1:
                complete = False
                break
            raise ConfigError(f"{path}, line {number}: is not JSON: {error}.") from error
        if not isinstance(entry, dict):
            raise ConfigError(f"{path}, line {number}: {show(entry)} is not an entry of a journal.")
        parsed.append(entry)
    _check_complete(path, parsed[1:])
    if parsed[0].get("format") != FORMAT:
        found = show(parsed[0].get("format"))
        raise ConfigError(f"{path}, line 1: the format is {found}; this release reads {FORMAT}.")
    return JournalFile(parsed[0], parsed[1:], complete)


def _check_complete(path: str | Path, entries: list[dict[str, Any]]) -> None:
    """Refuse a journal from which changes are missing."""
    expected = 0
    for number, entry in enumerate(entries, 2):
        if "run" in entry or "end" in entry:
            continue
        expected += 1
        if entry.get("seq") != expected:
            raise ConfigError(f"{path}, line {number}: change {expected} is missing: found {show(entry.get('seq'))}.")


def _read_lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.") from error


def _line(entry: dict[str, Any]) -> bytes:
    # Python's own JSON: it keeps NaN, infinities and integers of any size, which a repetition needs
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"), default=_plain).encode() + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    return {"repr": show(value, limit=1000)}  # not repeatable, but readable
