"""``${VAR}`` and ``${VAR:-default}`` in a configuration, filled in from the environment."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from dynamic_des.config.secrets import is_secret_key
from dynamic_des.errors import show

if TYPE_CHECKING:
    from dynamic_des.config.places import Table
    from dynamic_des.config.problems import Problems
    from dynamic_des.config.secrets import Secrets

__all__ = ["fill"]

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-[^}]*)?\}|\$\{[^}]{0,40}\}?")


def fill(tables: dict[str, Any], problems: Problems, secrets: Secrets) -> dict[str, Any]:
    """Return the tables with every reference replaced; ``$${`` is a plain ``${``.

    As in a shell, ``${VAR:-default}`` takes the default also when the variable is empty. What comes from a variable
    is taken as it is: references in it are not followed.
    """
    return {key: _fill(value, (), key, problems, secrets) for key, value in tables.items()}


def _fill(value: Any, table: Table, key: str, problems: Problems, secrets: Secrets) -> Any:
    if isinstance(value, dict):
        return {name: _fill(item, (*table, key), name, problems, secrets) for name, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, table, key, problems, secrets) for item in value]
    if isinstance(value, str) and "${" in value:
        return _REFERENCE.sub(lambda found: _value_of(found, table, key, problems, secrets), value)
    return value


def _value_of(found: re.Match[str], table: Table, key: str, problems: Problems, secrets: Secrets) -> str:
    if found[0] == "$${":
        return "${"
    name, default = found["name"], found["default"]
    if name is None:
        given = "this" if is_secret_key(key) else show(found[0])
        problems.add(table, key, f"{given} names no variable. Write ${{NAME}} or ${{NAME:-default}}.")
        return ""
    value = os.environ.get(name)
    if default is not None and not value:
        value = default[2:]
    if value is None:
        problems.add(table, key, f"the environment has no {name}. Set it, or write ${{{name}:-default}}.")
        return ""
    if is_secret_key(name):
        secrets.add(value)
    return value
