"""From what the outside world sends to the type that a parameter was declared with.

Strict where a guess would be dangerous (``true`` is not a capacity, 0.5 is not a whole number), lenient where
the meaning is plain (``"5"``, ``5.0`` and ``"false"``).
"""

from __future__ import annotations

import math
import re
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import show

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Refusal", "caster_like", "to_amount", "to_number", "to_numbers", "to_text", "to_units"]

_NUMBER = re.compile(r"[+-]?(\d{1,400}(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,400}", re.ASCII)
_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}


class Refusal(Exception):  # noqa: N818 - not an error of the program: the answer to a wish
    """Why a value cannot be taken. Never leaves the registry."""


def to_integer(value: Any) -> int:
    """Return a whole number: from an int, an integral float, or the text of one."""
    if type(value) is int:
        return value
    if isinstance(value, bool):
        raise Refusal(f"{value} is a flag, not a whole number")
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, str):
        text = value.strip()
        if _INTEGER.fullmatch(text):
            return int(text)
        value = _parse(text)
    if isinstance(value, Real):
        number = float(value)
        if not math.isfinite(number):
            raise Refusal(f"{number} is not finite")
        if number != int(number):
            raise Refusal(f"{show(value)} is not a whole number")
        return int(number)
    raise Refusal(f"{show(value)} is not a whole number")


def to_float(value: Any) -> float:
    """Return a float, finite or not: from a number or the text of one."""
    if type(value) is float:
        return value
    if isinstance(value, bool):
        raise Refusal(f"{value} is a flag, not a number")
    if isinstance(value, str):
        return _parse(value.strip())
    if isinstance(value, Real):
        try:
            return float(value)
        except OverflowError:
            raise Refusal(f"{show(value)} is too large for a number") from None
    raise Refusal(f"{show(value)} is not a number")


def to_number(value: Any) -> float:
    """Return a finite float."""
    number = value if type(value) is float else to_float(value)
    if number - number != 0.0:  # true for NaN and the infinities alone
        raise Refusal(f"{number} is not finite")
    return number


def to_extended(value: Any) -> float:
    """Return a float that may be infinite, but not NaN."""
    number = to_float(value)
    if number != number:
        raise Refusal(f"{number} is not a number")
    return number


def to_units(value: Any) -> int:
    """Return a capacity in whole units: 0 or more."""
    number = value if type(value) is int else to_integer(value)
    if number < 0:
        raise Refusal(f"{show(number)} is negative")
    return number


def to_places(value: Any) -> int | float:
    """Return a capacity in whole places, or infinity."""
    if isinstance(value, float) and value == math.inf:
        return value
    return to_units(value)


def to_amount(value: Any) -> int | float:
    """Return a capacity as an amount: 0 or more, whole or not, or infinity."""
    number = value if type(value) is int else to_extended(value)
    if number < 0:
        raise Refusal(f"{show(number)} is negative")
    return number


def to_numbers(value: Any) -> list[float]:
    """Return a list of finite floats, not empty."""
    if not isinstance(value, (list, tuple)) or not value:
        raise Refusal(f"{show(value)} is not a list of numbers")
    return [to_number(item) for item in value]


def to_text(value: Any) -> str:
    """Return text: from text or a number."""
    if isinstance(value, str):
        return value
    if isinstance(value, Real) and not isinstance(value, bool):
        return show(value, limit=400)
    raise Refusal(f"{show(value)} is not text")


def to_flag(value: Any) -> bool:
    """Return a flag: from a bool, 0 or 1, or one of true/false, yes/no, on/off."""
    if type(value) is bool:
        return value
    text = (
        value.strip().lower()
        if isinstance(value, str)
        else str(value)
        if type(value) is int and value in (0, 1)
        else ""
    )
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise Refusal(f"{show(value)} is not a flag (true or false)")


def caster_like(first: Any) -> Callable[[Any], Any]:
    """Return the cast for a variable from its first value.

    A float variable that starts infinite takes infinities, one that starts as NaN takes NaN too: the declaration
    shows that the model means them. One that starts as None, or as an object of the model's own, takes anything.
    """
    if isinstance(first, bool):
        return to_flag
    if isinstance(first, int):
        return to_integer
    if isinstance(first, float):
        return to_number if math.isfinite(first) else to_float if first != first else to_extended
    if isinstance(first, str):
        return to_text
    if isinstance(first, dict):
        return _same_kind(dict, "an object")
    if isinstance(first, (list, tuple)):
        return _same_kind((list, tuple), "a list")
    return _anything


def _anything(value: Any) -> Any:
    return value


def _same_kind(kind: type | tuple[type, ...], name: str) -> Callable[[Any], Any]:
    def cast(value: Any) -> Any:
        if not isinstance(value, kind):
            raise Refusal(f"{show(value)} is not {name}")
        return value

    return cast


def _parse(text: str) -> float:
    if _NUMBER.fullmatch(text):
        return float(text)
    if text.lower().lstrip("+-") in ("inf", "infinity", "nan"):
        return float(text)
    raise Refusal(f"{show(text)} is not a number")
