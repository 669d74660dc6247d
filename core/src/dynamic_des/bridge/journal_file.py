"""Reading a journal, and refusing one from which something is missing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynamic_des.bridge.exact_json import NotRepeatableError, from_json
from dynamic_des.errors import ConfigError, show

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FORMAT", "JournalFile", "read_journal"]

FORMAT = 2
_WHOLE = "Give the journal as the run wrote it."
_HEADER = ("name", "seed", "initial_time", "start_time", "parameters")
_KEYS = {
    "run": ("number", "time", "processed", "until", "parameters"),
    "end": ("number", "time", "processed", "how", "changes"),
    "close": ("time", "processed", "changes", "runs"),
}
_CHANGE = ("seq", "time", "processed", "updates", "source", "id", "position", "status", "reason")


@dataclass
class JournalFile:
    """A journal as read.

    Attributes:
        header: What the run was made of; its parameters without those that cannot be read back.
        entries: Changes, starts and ends, in order. A change has ``unrepeatable``, saying which value, in place of
            ``updates`` when one of its values was of a type that a journal has no form for.
        complete: Whether its last line was whole: a killed process may leave half of one.
        path: The file.
        close: Where the environment was torn down; None when the process was killed before.
    """

    header: dict[str, Any]
    entries: list[dict[str, Any]] = field(default_factory=list)
    complete: bool = True
    path: str = "journal"
    close: dict[str, Any] | None = None

    def place(self, index: int) -> str:
        """Return file and line of an entry."""
        return f"{self.path}, line {index + 2}"


def read_journal(path: str | Path) -> JournalFile:
    """Read a journal.

    Raises:
        ConfigError: If it is no journal, or lines are missing or damaged before its last one; names the line.
    """
    lines, complete = _parsed(path)
    header = lines[0]
    if header.get("format") != FORMAT:
        found = show(header.get("format"))
        raise ConfigError(f"{path}, line 1: the format is {found}; this release reads {FORMAT}.")
    for key in _HEADER:
        if key not in header:
            raise ConfigError(f"{path}, line 1: {key!r} is missing. {_WHOLE}")
    entries = [_entry(f"{path}, line {number}", line) for number, line in enumerate(lines[1:], 2)]
    _Order(path).check(entries)
    close = entries.pop()["close"] if entries and "close" in entries[-1] else None
    return JournalFile(_revived_header(header, f"{path}, line 1"), entries, complete, str(path), close)


def _parsed(path: str | Path) -> tuple[list[dict[str, Any]], bool]:
    """Return the lines of a file, and whether the last of them is whole."""
    lines = list(_read_lines(Path(path)))
    if not lines:
        raise ConfigError(f"{path}: is empty. Give a journal that a run has written.")
    parsed: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            if number == len(lines) and number > 1:
                return parsed, False
            raise ConfigError(f"{path}, line {number}: is not JSON: {error}. {_WHOLE}") from error
        if not isinstance(entry, dict):
            raise ConfigError(f"{path}, line {number}: {show(entry)} is not an entry of a journal.")
        parsed.append(entry)
    return parsed, True


def _read_lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.") from error


def _entry(where: str, line: dict[str, Any]) -> dict[str, Any]:
    """Return an entry with its values as they were."""
    kind = next((kind for kind in _KEYS if kind in line), "")
    inner = line[kind] if kind else line
    for key in _KEYS.get(kind, _CHANGE):
        if not isinstance(inner, dict) or key not in inner:
            raise ConfigError(f"{where}: {key!r} is missing: {show(line)}. {_WHOLE}")
    revived = {key: _revived(where, value) for key, value in inner.items() if key != "updates"}
    if kind:
        return {kind: revived}
    try:
        revived["updates"] = from_json(inner["updates"])
    except NotRepeatableError as error:
        revived["updates"], revived["unrepeatable"] = [], str(error)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}. {_WHOLE}") from error
    return revived


def _revived(where: str, form: Any) -> Any:
    """Return a value as it was; its form if that cannot be: nothing is made of it when the run is repeated."""
    try:
        return from_json(form)
    except NotRepeatableError:
        return form
    except ValueError as error:
        raise ConfigError(f"{where}: {error}. {_WHOLE}") from error


def _revived_header(header: dict[str, Any], where: str) -> dict[str, Any]:
    parameters = {}
    for path, form in header["parameters"].items():
        try:
            parameters[path] = from_json(form)
        except NotRepeatableError:
            continue  # the model's own object: only the model can make it again
        except ValueError as error:
            raise ConfigError(f"{where}: {path}: {error}. {_WHOLE}") from error
    rest = {key: _revived(where, form) for key, form in header.items() if key != "parameters"}
    return {**rest, "parameters": parameters}


class _Order:
    """Follows a journal line by line, and refuses it where one is missing."""

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self._changes = self._runs = 0
        self._running = False

    def check(self, entries: list[dict[str, Any]]) -> None:
        """Raise ConfigError at the first gap."""
        for number, entry in enumerate(entries, 2):
            missing = self._missing(entry)
            if missing:
                raise ConfigError(f"{self._path}, line {number}: {missing}. {_WHOLE}")
            if "close" in entry and number < len(entries) + 1:
                raise ConfigError(f"{self._path}, line {number}: the journal ends here, but goes on. {_WHOLE}")

    def _missing(self, entry: dict[str, Any]) -> str:
        if "run" in entry:
            self._runs += 1
            if self._running:
                return f"the end of run {self._runs - 1} is missing before it"
            self._running = True
            return self._another("run", self._runs, entry["run"]["number"])
        if "end" in entry:
            if not self._running:
                return f"the start of run {show(entry['end']['number'])} is missing before it"
            self._running = False
            return self._another("run", self._runs, entry["end"]["number"]) or self._fewer(entry["end"])
        if "close" in entry:
            if self._running:
                return f"the end of run {self._runs} is missing before it"
            if entry["close"]["runs"] != self._runs:
                return f"run {self._runs + 1} is missing before it"
            return self._fewer(entry["close"])
        self._changes += 1
        return self._another("change", self._changes, entry["seq"])

    def _another(self, kind: str, expected: int, found: Any) -> str:
        return "" if found == expected else f"{kind} {expected} is missing: found {show(found)}"

    def _fewer(self, place: dict[str, Any]) -> str:
        if place["changes"] == self._changes:
            return ""
        return f"change {self._changes + 1} is missing before it: there were {show(place['changes'])}"
