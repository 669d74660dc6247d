"""Checks of the numbers that a component is made with."""

from __future__ import annotations

from math import inf
from typing import Any

from dynamic_des.errors import ConfigError, ParameterError, nearest, show

__all__ = ["checked_number", "one_of", "positive_number", "whole"]


def whole(value: Any, least: int | None, where: str) -> int:
    """Return ``value`` as a whole number, of ``least`` or more unless that is None.

    Raises:
        ParameterError: (a ValueError) If it is not.
    """
    if type(value) is int and (least is None or value >= least):
        return value
    try:
        if not isinstance(value, (bool, str)) and value == int(value) and (least is None or value >= least):
            return int(value)
    except (TypeError, ValueError, OverflowError):
        pass
    bound = "" if least is None else f", {least} or more"
    raise ParameterError(f"{where}: {show(value)} is not a whole number{bound}. Give one.")


def checked_number(value: Any, where: str) -> float:
    """Return ``value`` as it is, if it is a finite number of 0 or more.

    Raises:
        ParameterError: (a ValueError) If it is not.
    """
    try:
        if not isinstance(value, (bool, str)) and 0 <= value < inf:
            return value  # type: ignore[no-any-return] # of whatever type the model counts its time in
    except TypeError:
        pass
    raise ParameterError(f"{where}: {show(value)} is not a finite number, 0 or more. Give one, in simulated seconds.")


def positive_number(value: Any, where: str, *, zero: bool = False) -> float:
    """Return ``value`` as a float, if it is a finite number above 0 (or 0, if ``zero``).

    Raises:
        ParameterError: (a ValueError) If it is not.
    """
    try:
        if not isinstance(value, (bool, str)) and (0 < value < inf or (zero and value == 0)):
            return float(value)
    except (TypeError, ValueError):
        pass
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
