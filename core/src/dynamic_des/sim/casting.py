"""From what the outside world sends to the type that a parameter was declared with.

Strict where a guess would be dangerous (``true`` is not a capacity, 0.5 is not a whole number), lenient where
the meaning is plain (``"5"``, ``5.0`` and ``"false"``).
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from enum import Enum
from numbers import Integral, Rational, Real
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import show

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Refusal",
    "caster_like",
    "copied",
    "to_amount",
    "to_number",
    "to_numbers",
    "to_places",
    "to_text",
    "to_units",
]

_NUMBER = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,4})?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,400}", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(inf|infinity|nan)", re.ASCII | re.IGNORECASE)
_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}
_DEEPEST = 100  # a fixed number: where Python's own recursion ends differs between a run and its replay
_LARGEST_CAPACITY = 2**63 - 1  # what every sink can write, and a float can hold


class Refusal(Exception):  # noqa: N818 - not an error of the program: the answer to a wish
    """Why a value cannot be taken. Never leaves the registry."""


def to_integer(value: Any) -> int:
    """Return a whole number: from an int, an integral number of another type, or the text of one."""
    if type(value) is int:
        return value
    if isinstance(value, bool):
        raise Refusal(f"{value} is a flag, not a whole number")
    if isinstance(value, Integral):
        return int(value)
    exact = value
    if isinstance(value, str):
        text = value.strip()
        if _INTEGER.fullmatch(text):
            return int(text)
        _parse(text)
        exact = Decimal(text)  # a float would lose digits of 9007199254740993.0
    number = to_number(exact)
    if not isinstance(exact, (Decimal, Rational)):
        exact = number
    whole = int(exact)
    if whole != exact:
        raise Refusal(f"{show(value)} is not a whole number")
    return whole


def to_float(value: Any) -> float:
    """Return a float, finite or not: from a number or the text of one."""
    if type(value) is float:
        return value
    if isinstance(value, bool):
        raise Refusal(f"{value} is a flag, not a number")
    if isinstance(value, str):
        return _parse(value.strip())
    if isinstance(value, (int, Decimal)) or isinstance(value, Real):  # noqa: SIM101 - asking an ABC takes long
        try:
            number = float(value)
        except OverflowError:
            raise Refusal(f"{show(value)} is too large for a number") from None
        except ValueError:  # a signalling NaN
            raise Refusal(f"{show(value)} is not a number") from None
        if math.isinf(number) and value != number:
            raise Refusal(f"{show(value)} is too large for a number")
        return number
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
    if number > _LARGEST_CAPACITY:
        raise Refusal(f"{show(number)} is above {_LARGEST_CAPACITY}, the largest capacity there is")
    return number


def to_places(value: Any) -> int | float:
    """Return a capacity in whole places, or infinity."""
    number = value if type(value) is int else to_extended(value)
    return number if number == math.inf else to_units(value)


def to_amount(value: Any) -> int | float:
    """Return a capacity as an amount: 0 or more, whole or not, or infinity."""
    if type(value) is int:
        return to_units(value)
    number = to_extended(value)
    if number < 0:
        raise Refusal(f"{show(number)} is negative")
    return number


def to_numbers(value: Any) -> list[float]:
    """Return a new list of finite floats, not empty."""
    value = _plain(value)
    if not isinstance(value, (list, tuple)):
        raise Refusal(f"{show(value)} is not a list of numbers")
    if not value:
        raise Refusal("the list of numbers is empty")
    return [to_number(item) for item in value]


def to_text(value: Any) -> str:
    """Return text: from text or a number."""
    if type(value) is str:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Real) and not isinstance(value, bool):
        text = show(_plain(value), limit=400)
        if _NUMBER.fullmatch(text) or _NOT_FINITE.fullmatch(text):
            return text
    raise Refusal(f"{show(value)} is not text")


def to_flag(value: Any) -> bool:
    """Return a flag: from a bool, 0 or 1, or one of true/false, yes/no, on/off."""
    value = _plain(value)
    if type(value) is bool:
        return value
    text = value.strip().lower() if isinstance(value, str) else ""
    if text in _TRUE or (type(value) in (int, float) and value == 1):
        return True
    if text in _FALSE or (type(value) in (int, float) and value == 0):
        return False
    raise Refusal(f"{show(value)} is not a flag (true or false)")


def copied(value: Any) -> Any:
    """Return ``value`` with its dictionaries and lists copied through; what they hold is kept as it is.

    Raises:
        Refusal: If it is nested more than 100 deep, or contains itself.
    """
    return _copy(value, _DEEPEST)


def caster_like(first: Any) -> Callable[[Any], Any]:
    """Return the cast for a variable from its first value.

    A float variable that starts infinite takes infinities, one that starts as NaN takes NaN too: the declaration
    shows that the model means them. One that starts as a member of an enumeration takes the members, and their
    values and names. One that starts as None, or as an object of the model's own, takes anything.
    """
    if isinstance(first, Enum):
        return _member_of(type(first))
    if isinstance(_plain(first), bool):
        return to_flag
    if isinstance(first, Integral):
        return to_integer
    if isinstance(first, Real):
        number = float(first)
        return to_number if math.isfinite(number) else to_float if number != number else to_extended
    if isinstance(first, str):
        return to_text
    if isinstance(first, dict):
        return _same_kind(dict, "an object")
    if isinstance(first, (list, tuple)):
        return _same_kind((list, tuple), "a list")
    return copied


def _same_kind(kind: type | tuple[type, ...], name: str) -> Callable[[Any], Any]:
    def cast(value: Any) -> Any:
        if not isinstance(value, kind):
            raise Refusal(f"{show(value)} is not {name}")
        return copied(value)

    return cast


def _member_of(enumeration: type[Enum]) -> Callable[[Any], Enum]:
    def cast(value: Any) -> Enum:
        for member in enumeration:
            if value is member or (type(value) is type(member.value) and value == member.value):
                return member
        if isinstance(value, str) and value in enumeration.__members__:
            return enumeration.__members__[value]
        names = ", ".join(enumeration.__members__)
        raise Refusal(f"{show(value)} is not one of {names}")

    return cast


def _copy(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind is not dict and kind is not list and kind is not tuple:
        return value
    if not depth:
        raise Refusal(f"the value is nested more than {_DEEPEST} deep")
    if kind is dict:
        return {key: _copy(item, depth - 1) for key, item in value.items()}
    items = [_copy(item, depth - 1) for item in value]
    return items if kind is list else tuple(items)


def _plain(value: Any) -> Any:
    """Return numpy's arrays and scalars as Python's own, without importing numpy; anything else as it is."""
    return value.tolist() if type(value).__module__ == "numpy" and hasattr(value, "tolist") else value


def _parse(text: str) -> float:
    if _NUMBER.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise Refusal(f"{show(text)} is too large for a number")
        return number
    if _NOT_FINITE.fullmatch(text):
        return float(text)
    raise Refusal(f"{show(text)} is not a number")
