"""What is inside of a value, where a dataclass, a pydantic model, or lists and tables of them are asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

from dynamic_des.config.annotations import LISTS, holds_secret, members, parts

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["secrets_in", "unknown_keys"]

_LISTS = (*LISTS, tuple, set, frozenset)


class _Inner(NamedTuple):
    """One thing inside: where, what is asked for, what is there; and what is known there instead, if it is not."""

    place: str
    annotation: Any
    value: Any
    known: list[str] | None = None


def unknown_keys(annotation: Any, value: Any) -> Iterator[tuple[str, str, list[str]]]:
    """Yield the place of each key that its class does not know, the key, and those that it knows.

    A dataclass or a model that ignores such keys would swallow every typing error.
    """
    for inner in _inside(annotation, value):
        if inner.known is not None:
            yield inner.place, inner.place.rpartition(".")[2], inner.known


def secrets_in(annotation: Any, value: Any) -> Iterator[Any]:
    """Yield what must not be shown: what a ``SecretStr`` is asked for, or what stands where a table with one should."""
    for one in (_Inner("", annotation, value), *_inside(annotation, value)):
        if holds_secret(one.annotation) or (not isinstance(one.value, (dict, list)) and _has_secret(one.annotation)):
            yield one.value


def _has_secret(annotation: Any) -> bool:
    """Return whether a table with a secret is asked for."""
    return any(holds_secret(field) for part in parts(annotation) for field in _fields(part).values())


def _inside(annotation: Any, value: Any, place: str = "") -> Iterator[_Inner]:
    tables = [one for one in map(_bare, members(annotation)) if _takes(one, value)]
    if len(tables) != 1:
        return  # none, or which one is meant is not to be seen
    [one] = tables
    arguments = get_args(one)
    if isinstance(value, list):
        found = [_Inner(f"{place}[{number}]", arguments[0], item) for number, item in enumerate(value)]
    elif arguments:
        found = [_Inner(f"{place}.{key}", arguments[1], item) for key, item in value.items()]
    else:
        fields = _fields(one)
        known = None if _takes_more(one) else list(fields)
        found = [
            _Inner(f"{place}.{key}", fields[key], item) if key in fields else _Inner(f"{place}.{key}", Any, item, known)
            for key, item in value.items()
        ]
    for inner in found:
        yield inner
        yield from _inside(inner.annotation, inner.value, inner.place)


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _takes(annotation: Any, value: Any) -> bool:
    """Return whether there is something to look at in a value, if it is for this annotation."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if isinstance(value, list):
        return origin in _LISTS and bool(inner)
    if isinstance(value, dict):
        return (origin in (dict, Mapping) and len(inner) == 2) or bool(_fields(annotation))
    return False


def _fields(cls: Any) -> dict[str, Any]:
    """Return the fields of a dataclass or a pydantic model, also by their other names, and their annotations."""
    if isinstance(cls, type) and dataclasses.is_dataclass(cls):
        try:
            hints = get_type_hints(cls)
        except Exception:  # noqa: BLE001 - a name that exists for type checkers only: not checked
            hints = {}
        return {field.name: hints.get(field.name, Any) for field in dataclasses.fields(cls) if field.init}
    found: dict[str, Any] = {}
    for name, field in (getattr(cls, "model_fields", None) or {}).items():
        for key in (name, field.alias, field.validation_alias):
            if isinstance(key, str):
                found[key] = field.annotation
    return found


def _takes_more(cls: Any) -> bool:
    return bool(getattr(cls, "model_config", {}).get("extra") == "allow")
