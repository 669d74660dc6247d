"""Which of many parameters belong together: those of one object are applied completely or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["by_object"]

T = TypeVar("T")


def by_object(values: Iterable[tuple[Any, T]]) -> list[list[tuple[Any, T]]]:
    """Return pairs of a path and its value, those of one object together (``low`` and ``high`` of a distribution).

    For connectors that give the current state to start from: a change for each object means that one which is refused
    leaves the others alone.

    Args:
        values: The pairs; what is no path is left to whoever decodes it.
    """
    objects: dict[Any, list[tuple[Any, T]]] = {}
    for path, value in values:
        objects.setdefault(_object_of(path), []).append((path, value))
    return list(objects.values())


def _object_of(path: Any) -> Any:
    """Return what a field belongs to: ``Line_A.service.turning`` of ``Line_A.service.turning.low``."""
    if not isinstance(path, str):
        return id(path)
    owner, _, _ = path.rpartition(".")
    return owner if owner.count(".") >= 2 else path  # a variable stands for itself
