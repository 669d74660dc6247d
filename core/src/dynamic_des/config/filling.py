"""``${VAR}`` and ``${VAR:-default}`` in a configuration, filled in from the environment."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dynamic_des.config.problems import Problems

__all__ = ["fill"]

_REFERENCE = re.compile(r"\$\$|\$\{(?P<name>[^}:]*)(?::-(?P<default>[^}]*))?\}|\$\{")


def fill(tables: dict[str, Any], problems: Problems) -> dict[str, Any]:
    """Return the tables with every reference replaced. ``$$`` is a plain ``$``."""
    return {key: _fill(value, "", key, problems) for key, value in tables.items()}


def _fill(value: Any, table: str, key: str, problems: Problems) -> Any:
    if isinstance(value, dict):
        inner = f"{table}.{key}" if table else key
        return {name: _fill(item, inner, name, problems) for name, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, table, key, problems) for item in value]
    if isinstance(value, str) and "$" in value:
        return _REFERENCE.sub(lambda found: _value_of(found, table, key, problems), value)
    return value


def _value_of(found: re.Match[str], table: str, key: str, problems: Problems) -> str:
    if found[0] == "$$":
        return "$"
    name = found["name"]
    if name is None or not name.isidentifier():
        problems.add(table, key, f"{found[0]} is no reference to a variable. Write ${{NAME}} or ${{NAME:-default}}.")
        return ""
    value = os.environ.get(name, found["default"])
    if value is None:
        problems.add(table, key, f"the environment has no {name}. Set it, or write ${{{name}:-default}}.")
        return ""
    return value
