"""What is wrong with a configuration file: everything at once, each with its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from dynamic_des.config.places import Table, dotted, line_numbers, printable

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

__all__ = ["SET", "Problems"]

_NAME = re.compile(r"\.([^.\[]+)")
SET: Table = ("--set",)  # in the place of a table: what was given by this option


class _Problem(NamedTuple):
    table: Table
    key: str | None
    inside: str
    text: str


class Problems:
    """Collects what is wrong, so that one look at the output mends the whole file.

    Args:
        file: The file.
        text: What it holds: to find the lines.
        options: Keys of ``[simulation]`` that were given as options of the command line instead.
    """

    def __init__(self, file: Path, text: str = "", options: Collection[str] = ()) -> None:
        self._file = file
        self._text = text
        self._options = options
        self._found: list[_Problem] = []

    def __len__(self) -> int:
        return len(self._found)

    def add(self, table: Table, key: str | None, text: str, inside: str = "") -> None:
        """Note a problem.

        Args:
            table: The names of the table, such as ``("egress", "screen")``; empty for the file itself.
            key: The key in it, or None for the table as a whole.
            text: What is wrong, and what to do.
            inside: Where in the value of the key, such as ``"[0][1]"``.
        """
        problem = _Problem(table, key, inside, text)
        if problem not in self._found:
            self._found.append(problem)

    def has(self, table: Table, key: str) -> bool:
        """Return whether something is wrong with a key."""
        return any((problem.table, problem.key) == (table, key) for problem in self._found)

    def text(self) -> str:
        """Return everything that was noted: one line for each problem, in the order of the file."""
        lines = line_numbers(self._text)
        end = self._text.count("\n") + 2
        placed = [(_line(problem, lines), problem) for problem in self._found]
        placed.sort(key=lambda pair: pair[0] or end)
        return "\n".join(self._worded(line, problem) for line, problem in placed)

    def _worded(self, line: int | None, problem: _Problem) -> str:
        text = printable(problem.text.replace("\n", " "))
        if problem.table == ("simulation",) and problem.key in self._options:
            return f"--{problem.key}: {text}"
        if problem.table == SET:
            return f"{printable(' '.join((*SET, problem.key or '')).rstrip())}: {text}"
        where = f"{self._file}:{line}" if line else f"{self._file}"
        parts = [f"[{dotted(problem.table)}]"] if problem.table else []
        if problem.key is not None:
            parts.append(dotted((problem.key,)) + problem.inside)
        return f"{where}: {' '.join(parts)}: {text}" if parts else f"{where}: {text}"


def _line(problem: _Problem, lines: dict[Table, int]) -> int | None:
    """Return the line of the key; else that of the table, or of what it is in."""
    path = problem.table if problem.key is None else (*problem.table, problem.key, *_NAME.findall(problem.inside))
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None
