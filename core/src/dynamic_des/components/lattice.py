"""The whole multiples of a step, without the drift of adding a float to itself."""

from __future__ import annotations

from fractions import Fraction

from dynamic_des.errors import ParameterError, show

__all__ = ["Lattice", "exact_fraction"]


class Lattice:
    """The points ``k * step`` for whole ``k``, each the double nearest to its exact value.

    The step is taken as people write it: 0.1 is a tenth, not the double next to it. So the third point of 0.1 is
    0.3, the same number that a model writes, where ``3 * 0.1`` would be 0.30000000000000004.
    """

    def __init__(self, step: float) -> None:
        exact = exact_fraction(step)
        self._numerator = exact.numerator
        self._denominator = exact.denominator

    def point(self, index: int) -> float:
        """Return the point ``index``."""
        return index * self._numerator / self._denominator

    def index(self, value: float) -> int:
        """Return the index of the last point that is not above ``value``.

        Raises:
            ParameterError: (a ValueError) If ``value`` is so large that neighbouring points are the same double.
        """
        numerator, denominator = value.as_integer_ratio()
        index = numerator * self._denominator // (denominator * self._numerator)
        if self.point(index + 1) <= value:  # exactly above, but rounded to the same double
            index += 1
            if self.point(index + 1) <= value:
                step = self._numerator / self._denominator
                raise ParameterError(
                    f"{show(value)}: doubles of this size cannot tell times apart that are {step} s from each other. "
                    "Count time from a later origin, or in a larger unit."
                )
        return index

    def index_from(self, value: float) -> int:
        """Return the index of the first point that is not below ``value``."""
        index = self.index(value)
        return index if self.point(index) == value else index + 1


def exact_fraction(number: float) -> Fraction:
    """Return the simplest fraction that reads as ``number``: a tenth for 0.1, a third for 1 / 3."""
    short = Fraction(number).limit_denominator(1_000_000)
    return short if float(short) == number else Fraction(repr(number))
