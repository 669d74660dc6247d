"""The values of records, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamic_des_storage.inference import ABSENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Values", "with_text_keys"]

_TEXT = frozenset((str,))


class Values:
    """Values as dictionaries whose keys are text: what is no dictionary is the field ``value``.

    Args:
        given: The values as they were published.

    Attributes:
        given: The same.
        rows: One dictionary for each.
        shapes: Which fields, in which order, dictionaries among them have.
    """

    def __init__(self, given: Sequence[Any]) -> None:
        self.given = given
        self.rows: Sequence[Mapping[str, Any]] = given
        if not {dict}.issuperset(map(type, given)):
            self.rows = [value if type(value) is dict else {"value": value} for value in given]
        self.shapes: set[tuple[str, ...]] = set(map(tuple, self.rows))
        if not all(map(_TEXT.issuperset, (map(type, names) for names in self.shapes))):
            self.rows = [with_text_keys(value) for value in self.rows]
            self.shapes = set(map(tuple, self.rows))

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, places: Sequence[int]) -> Values:
        """Return some of them."""
        return Values([self.rows[place] for place in places])

    def names(self) -> list[str]:
        """Return the fields' names, in the order in which they are met."""
        return list(dict.fromkeys(name for value in self.rows for name in value))

    def column(self, name: str, missing: Any = None) -> Sequence[Any]:
        """Return a field of each, ``missing`` for those that do not have it."""
        if len(self.shapes) == 1:  # no objects that live for a moment: five thousand of them wake the garbage collector
            (shape,) = self.shapes
            return [value[name] for value in self.rows] if name in shape else [missing] * len(self)
        return [value.get(name, missing) for value in self.rows]

    def required(self, name: str) -> Sequence[Any]:
        """Return a field that each dictionary must have; `ABSENT` for what is none and has no fields."""
        pairs = zip(self.given, self.rows, strict=True)
        return [row.get(name, None if type(value) is dict else ABSENT) for value, row in pairs]


def with_text_keys(value: Mapping[Any, Any]) -> Mapping[str, Any]:
    """Return a dictionary whose keys are text: the one that is given, if they are."""
    if _TEXT.issuperset(map(type, value)):
        return value
    return {name if isinstance(name, str) else str(name): item for name, item in value.items()}
