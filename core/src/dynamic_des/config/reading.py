"""From a file to tables, whatever is in the file."""

from __future__ import annotations

import re
import tomllib
from ast import literal_eval
from typing import TYPE_CHECKING, Any

from dynamic_des.config.places import dotted
from dynamic_des.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_tables"]

_DEEPEST = 32
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|(end of document))\)$")
_TWICE = re.compile(r"Cannot declare (\(.*\)) twice$")


def read_tables(file: Path) -> tuple[str, dict[str, Any]]:
    """Return the text of a TOML file and its tables.

    Raises:
        ConfigError: If it cannot be read, or is not TOML.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{file}: there is no such file. Give the path of a TOML file.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is not UTF-8 at byte {error.start}. Save it as UTF-8.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{file}: cannot be read: {reason}. Give the path of a TOML file.") from None
    try:
        tables = tomllib.loads(text)
    except RecursionError:
        raise ConfigError(f"{file}: is nested too deeply. Write at most {_DEEPEST} levels.") from None
    except ValueError as error:  # not only TOMLDecodeError: an integer of 5000 digits raises it, too
        raise ConfigError(_not_toml(file, str(error))) from None
    _check_depth(file, tables)
    return text, tables


def _not_toml(file: Path, reason: str) -> str:
    if "set_int_max_str_digits" in reason:
        reason = "an integer has too many digits"
    found = _PLACE.search(reason)
    where = f"{file}:{found[1]}" if found and found[1] else f"{file}"
    column = f" at column {found[2]}" if found and found[2] else " at the end" if found else ""
    reason, remedy = _PLACE.sub("", reason), "Write key = value under a [table]"
    if twice := _TWICE.match(reason):
        return f"{where}: [{dotted(literal_eval(twice[1]))}] is there twice. Give one of the two another name."
    if reason == "Cannot overwrite a value":
        remedy = "A key is there twice, or is also a table: leave one of the two"
    return f"{where}: is not TOML{column}: {reason}. {remedy}."


def _check_depth(file: Path, tables: dict[str, Any]) -> None:
    """Refuse what would exhaust the stack of everything that looks at it afterwards."""
    level: list[tuple[str, Any]] = list(tables.items())
    for _ in range(_DEEPEST):
        level = [(name, inner) for name, value in level for inner in _inside(value)]
        if not level:
            return
    raise ConfigError(f"{file}: [{level[0][0]}] is nested too deeply. Write at most {_DEEPEST} levels.")


def _inside(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
