"""Checks of the numbers that a component is made with."""

from __future__ import annotations

from math import isfinite
from numbers import Integral, Real
from typing import Any

from dynamic_des.errors import ConfigError, ParameterError, nearest, show

__all__ = ["at_least", "one_of", "positive_number"]


def at_least(number: Any, least: int, where: str) -> int:
    """Return ``number`` if it is a whole number of ``least`` or more.

    Raises:
        ParameterError: (a ValueError) If it is not.
    """
    if type(number) is int and number >= least:
        return number
    if isinstance(number, Integral) and not isinstance(number, bool) and int(number) >= least:
        return int(number)
    raise ParameterError(f"{where}: {show(number)} is not a whole number of {least} or more.")


def positive_number(value: Any, where: str, *, zero: bool = False) -> float:
    """Return ``value`` as a float, if it is a finite number above 0 (or 0, if ``zero``).

    Raises:
        ParameterError: (a ValueError) If it is not.
    """
    if isinstance(value, Real) and not isinstance(value, bool):
        number = float(value)
        if isfinite(number) and (number > 0 or (zero and number == 0)):
            return number
    raise ParameterError(f"{where}: {show(value)} is not a finite number {'of 0 or more' if zero else 'above 0'}.")


def one_of(setting: str, known: tuple[str, ...], where: str) -> int:
    """Return the place of ``setting`` among what is known.

    Raises:
        ConfigError: (a ValueError) If it is not known.
    """
    if setting in known:
        return known.index(setting)
    hint = nearest(setting, known) or f" Give {' or '.join(map(repr, known))}."
    raise ConfigError(f"{where}: {show(setting)} is unknown.{hint}")
