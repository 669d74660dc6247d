"""Values as the writers of all formats know them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import Enum
from typing import Any

__all__ = ["plain"]

_SIMPLE = (str, int, float, bool, bytes)


def plain(value: Any) -> Any:
    """Return ``value`` as dictionaries, lists and Python's own scalars; what has no such form is left as it is.

    Models and dataclasses become dictionaries, sets sorted lists, members of an enumeration their values, numpy's
    scalars and arrays Python's numbers and lists.
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or type(value) in _SIMPLE:
        return value
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value)) if type(value) in (list, tuple) else list(map(plain, value))
    if hasattr(value, "model_dump"):  # pydantic, without importing it
        return plain(value.model_dump())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (set, frozenset)):
        return sorted(map(plain, value), key=repr)  # a set has no order, a record must have one
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return value.tolist()
    for base in _SIMPLE[:3]:
        if isinstance(value, base):  # a subclass that adds nothing to the value
            return base(value)
    return value
