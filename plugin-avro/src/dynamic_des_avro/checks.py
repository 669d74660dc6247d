"""What a value has to be to fit one kind of Avro schema.

The writer refuses most of what does not fit by itself, but not all: it makes 1 of 1.5 and true of ``"false"``, and cuts
integers that are too large. So there are two questions: `Check.fits`, asked of every value, looks only at what
the writer would get wrong; `Check.problem`, asked when something is wrong, names the place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamic_des.errors import nearest, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = [
    "Check",
    "FixedCheck",
    "ItemsCheck",
    "LongCheck",
    "NumberCheck",
    "RecordCheck",
    "SymbolCheck",
    "UnionCheck",
    "ValuesCheck",
]


class _Absent:
    """Stands for a field that is not there."""


_ABSENT = _Absent()


class Check:
    """Whether values fit one schema that is told by Python's types.

    Args:
        name: What the schema is called in the texts of errors: ``"a string"``.
        types: The Python types of its values.
        trusted: Whether the writer refuses all others by itself.

    Attributes:
        by_type: Whether `fits` looks at nothing but the type.
        cuts: Whether it is, or has in it, a number of which the writer would cut something although a union let it
            pass.
    """

    by_type = True
    cuts = False

    def __init__(self, name: str, types: tuple[type, ...] = (), *, trusted: bool = True) -> None:
        self.name = name
        self.types = frozenset(types)
        self.trusted = trusted

    def fits(self, value: Any) -> bool:
        """Return False if the value does not fit and the writer would not say so."""
        return self.trusted or type(value) in self.types

    def quick(self) -> Callable[[Any], bool]:
        """Return `fits`, or something that says the same in less time."""
        return self.fits

    def problem(self, value: Any, place: str) -> str | None:
        """Return what of the value does not fit, or None if it does.

        Args:
            value: The value.
            place: Where it stands, such as ``"PredictionEvent.confidence"``.
        """
        return None if type(value) in self.types else self.wrong(value, place)

    def wrong(self, value: Any, place: str) -> str:
        """Return the text of a problem with the value as a whole."""
        return f"{place or 'the value'}: {show(value)} is not {self.name}"


class NumberCheck(Check):
    """A number that has to be within a range."""

    by_type = False

    def __init__(self, name: str, types: tuple[type, ...], within: Callable[[Any], bool], *, cuts: bool) -> None:
        super().__init__(name, types, trusted=False)
        self.cuts = cuts
        self._within = within

    def fits(self, value: Any) -> bool:
        return type(value) in self.types and self._within(value)

    def problem(self, value: Any, place: str) -> str | None:
        return None if self.fits(value) else self.wrong(value, place)


class LongCheck(Check):
    """A long. Larger ones are refused by the writer."""

    def problem(self, value: Any, place: str) -> str | None:
        fits = type(value) in self.types and (type(value) is not int or -(2**63) <= value < 2**63)
        return None if fits else self.wrong(value, place)


class SymbolCheck(Check):
    """A symbol of an enumeration."""

    def __init__(self, name: str, symbols: Sequence[str]) -> None:
        super().__init__(name, (str,))
        self._symbols = symbols

    def problem(self, value: Any, place: str) -> str | None:
        if type(value) is not str or value in self._symbols:
            return super().problem(value, place)
        hint = nearest(value, self._symbols).removesuffix("?")
        return f"{self.wrong(value, place)}: it is none of {', '.join(self._symbols)}.{hint}".removesuffix(".")


class FixedCheck(Check):
    """So many bytes."""

    def __init__(self, name: str, size: int) -> None:
        super().__init__(f"{name} of {size} bytes", (bytes,))
        self._size = size

    def problem(self, value: Any, place: str) -> str | None:
        return None if type(value) is bytes and len(value) == self._size else self.wrong(value, place)


class ItemsCheck(Check):
    """An array. The writer would take a text for one of letters, and a dictionary for one of its keys."""

    by_type = False

    def __init__(self, item: Check) -> None:
        super().__init__("an array", (list, tuple), trusted=False)
        self._item = item
        self.cuts = item.cuts

    def fits(self, value: Any) -> bool:
        return type(value) in self.types and (self._item.trusted or _all_fit(self._item, value))

    def problem(self, value: Any, place: str) -> str | None:
        if type(value) not in self.types:
            return self.wrong(value, place)
        return _first(self._item.problem(item, f"{place}[{number}]") for number, item in enumerate(value))


class ValuesCheck(Check):
    """A map. The writer would take anything empty for an empty one."""

    by_type = False

    def __init__(self, item: Check) -> None:
        super().__init__("a map", (dict,), trusted=False)
        self._item = item
        self.cuts = item.cuts

    def fits(self, value: Any) -> bool:
        return type(value) is dict and (self._item.trusted or _all_fit(self._item, value.values()))

    def problem(self, value: Any, place: str) -> str | None:
        if type(value) is not dict:
            return self.wrong(value, place)
        wrong = next((key for key in value if type(key) is not str), None)
        if wrong is not None:
            return f"{place}: the key {show(wrong)} is not text"
        return _first(self._item.problem(item, f"{place}[{show(key)}]") for key, item in value.items())


class RecordCheck(Check):
    """A record. It may contain itself, so its fields are added after it was made."""

    by_type = False

    def __init__(self, name: str) -> None:
        # while its own fields are added nobody knows what is in it: it is looked at where it contains itself
        super().__init__(f"a record {name}", (dict,), trusted=False)
        self._plain: list[tuple[str, frozenset[type]]] = []
        self._deep: list[tuple[str, bool, Check]] = []
        self._fields: dict[str, tuple[bool, Check]] = {}

    def add(self, name: str, *, optional: bool, check: Check) -> None:
        """Add a field.

        Args:
            name: Its name.
            optional: Whether it may be left out.
            check: That of its schema.
        """
        self._fields[name] = (optional, check)
        self.cuts |= check.cuts
        if check.trusted:
            return
        if check.by_type:
            self._plain.append((name, check.types | {_Absent} if optional else check.types))
        else:
            self._deep.append((name, optional, check))

    def complete(self) -> None:
        """Say that all fields were added."""
        self.trusted = bool(self._fields) and not self._plain and not self._deep

    def fits(self, value: Any) -> bool:
        if type(value) is not dict:
            return False
        get = value.get
        for name, types in self._plain:
            if type(get(name, _ABSENT)) not in types:
                return False
        for name, optional, check in self._deep:
            item = get(name, _ABSENT)
            if not (optional if item is _ABSENT else check.fits(item)):
                return False
        return True

    def quick(self) -> Callable[[Any], bool]:
        """Return `fits` as one expression: half the time. Made as `dataclasses` makes its methods."""
        names: dict[str, Any] = {"absent": _ABSENT}
        parts = ["type(value) is dict"]
        for number, (name, types) in enumerate(self._plain):
            found = f"value.get({name!r}, absent)" if _Absent in types else f"value[{name!r}]"
            ordered = sorted(types, key=lambda one: one is not float)  # the likeliest first
            names |= {f"type_{number}_{place}": one for place, one in enumerate(ordered)}
            others = [f" or kind is type_{number}_{place}" for place in range(1, len(ordered))]
            parts.append(f"((kind := type({found})) is type_{number}_0{''.join(others)})")
        for number, (name, optional, check) in enumerate(self._deep):
            names[f"fits_{number}"] = check.fits
            absent = f"{name!r} not in value or " if optional else ""
            parts.append(f"({absent}fits_{number}(value[{name!r}]))")
        lines = ("def fits(value):", " try:", f"  return {' and '.join(parts)}", " except KeyError:", "  return False")
        exec("\n".join(lines), names)  # noqa: S102 - of names that stand in it as texts alone
        made: Callable[[Any], bool] = names["fits"]
        return made

    def problem(self, value: Any, place: str) -> str | None:
        if type(value) is not dict:
            return self.wrong(value, place)
        for name, (optional, check) in self._fields.items():
            inner = f"{place}.{name}" if place else name
            if name in value:
                found = check.problem(value[name], inner)
            elif optional:
                found = None
            else:
                hint = nearest(name, [key for key in value if key not in self._fields]).removesuffix("?")
                found = f"{inner} is missing, and has no default.{hint}".removesuffix(".")
            if found:
                return found
        return None


class UnionCheck(Check):
    """One of several. The writer looks for the branch that a value fits, but not at what it would cut."""

    by_type = False

    def __init__(self, names: list[str], branches: list[Check]) -> None:
        cuts = any(branch.cuts for branch in branches)
        super().__init__(" or ".join(branch.name for branch in branches), trusted=not cuts)
        self.cuts = cuts
        self._branches = branches
        self._named = dict(zip(names, branches, strict=True))

    def fits(self, value: Any) -> bool:
        return self.trusted or self.problem(value, "") is None

    def problem(self, value: Any, place: str) -> str | None:
        if type(value) is tuple and len(value) == 2 and value[0] in self._named:
            return self._named[value[0]].problem(value[1], place)  # fastavro's way to say which branch is meant
        found = [branch.problem(value, place) for branch in self._branches]
        if None in found:
            return None
        records = [one for one in self._branches if isinstance(one, RecordCheck)]
        if type(value) is dict and len(records) == 1:  # what is wrong in the record says more than that there is none
            return records[0].problem(value, place)
        return self.wrong(value, place)


def _all_fit(check: Check, items: Iterable[Any]) -> bool:
    return check.types.issuperset(map(type, items)) if check.by_type else all(map(check.fits, items))


def _first(problems: Iterable[str | None]) -> str | None:
    return next((problem for problem in problems if problem), None)
