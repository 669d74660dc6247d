"""Keys inside of a value: what a table may hold where a dataclass or a pydantic model is asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

from dynamic_des.config.annotations import LISTS, members

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["unknown_keys"]

_LISTS = (*LISTS, tuple, set, frozenset)


def unknown_keys(annotation: Any, value: Any, inside: str = "") -> Iterator[tuple[str, str, list[str]]]:
    """Yield where in a value there is a key that its class does not know, the key, and those that it knows.

    A dataclass or a model that ignores such keys would swallow every typing error.
    """
    tables = [one for one in map(_bare, members(annotation)) if _takes(one, value)]
    if len(tables) != 1:
        return  # none, or which one is meant is not to be seen
    [one] = tables
    inner = get_args(one)
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from unknown_keys(inner[0], item, f"{inside}[{number}]")
    elif inner:
        for key, item in value.items():
            yield from unknown_keys(inner[1], item, f"{inside}.{key}")
    else:
        fields = _fields(one)
        for key, item in value.items():
            if key in fields:
                yield from unknown_keys(fields[key], item, f"{inside}.{key}")
            elif not _takes_more(one):
                yield f"{inside}.{key}", key, list(fields)


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
