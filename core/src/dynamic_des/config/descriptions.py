"""What the docstring of a class says about its parameters."""

from __future__ import annotations

import inspect
import re
from typing import Any

__all__ = ["described"]

_SECTION = re.compile(r"^(Args|Attributes):\s*$")
_ENTRY = re.compile(r"^    (\w+)(?: \(.*\))?: (.*)$")


def described(cls: type[Any]) -> dict[str, dict[str, str]]:
    """Return name → ``{"description": text}``, from the sections ``Args`` and ``Attributes`` in Google style."""
    found: dict[str, dict[str, str]] = {}
    name, inside = "", False
    for line in (inspect.getdoc(cls) or "").splitlines():
        entry = _ENTRY.match(line)
        if line and not line.startswith(" "):
            name, inside = "", _SECTION.match(line) is not None
        elif inside and entry:
            name = entry[1]
            found[name] = {"description": entry[2]}
        elif inside and name and line.strip():
            found[name]["description"] += f" {line.strip()}"
    return found
