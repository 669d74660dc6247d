"""Where something stands in a TOML file: in words, and by the number of its line."""

from __future__ import annotations

import re
import tomllib
from typing import Any

__all__ = ["Table", "dotted", "line_numbers", "printable"]

Table = tuple[str, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_MAY_END = re.compile(r"[\]}\"']\s*(#.*)?$")


def dotted(table: Table) -> str:
    """Return the name of a table as it is written in the file: ``bounds."Line_A.rate"``."""
    quoted = (printable(part[:200].replace("\\", "\\\\").replace('"', '\\"')) for part in table)
    return ".".join(part if _BARE.fullmatch(part) else f'"{text}"' for part, text in zip(table, quoted, strict=True))


def printable(text: str) -> str:
    """Return a text in which what controls a terminal is replaced by its number."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def line_numbers(text: str) -> dict[Table, int]:
    """Return the line of every table and key in a file that is valid TOML.

    A statement is what `tomllib` accepts by itself: a header, or a key and its value. What is inside of an inline
    table has the line on which its statement begins.
    """
    found: dict[Table, int] = {}
    table: Table = ()
    statement, start = "", 1
    for number, line in enumerate(text.split("\n"), 1):
        first = not statement
        if first:
            start = number
        statement += f"{line}\n"
        if not first and not _MAY_END.search(line):
            continue  # inside a long list: trying at every line would be quadratic
        try:
            inner = tomllib.loads(statement)
        except ValueError:
            continue
        if line.lstrip().startswith("[") and first:
            table = _header(inner)
            for depth in range(1, len(table) + 1):  # what it is in may have no header of its own
                found.setdefault(table[:depth], start)
        else:
            _collect(inner, table, start, found)
        statement = ""
    return found


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def _header(inner: dict[str, Any]) -> Table:
    """Return the path of the one table that a header makes."""
    path: list[str] = []
    here: Any = inner
    while isinstance(here, dict) and here:
        name, here = next(iter(here.items()))
        path.append(name)
    return tuple(path)


def _collect(inner: Any, path: Table, line: int, found: dict[Table, int]) -> None:
    if isinstance(inner, dict):
        for name, value in inner.items():
            found.setdefault((*path, name), line)
            _collect(value, (*path, name), line, found)
