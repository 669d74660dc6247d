"""What to say about a path that is not there: the nearest one that is."""

from __future__ import annotations

from heapq import nsmallest
from typing import TYPE_CHECKING

from dynamic_des.errors import nearest, show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Paths"]

_COMPARED = 16  # known paths that are compared with a wrong one: each takes ten microseconds
_REMEMBERED = 256  # wrong paths whose text is kept: a sender that is wrong is wrong again and again
_LONGEST = 200


class Paths:
    """The words of errors about paths.

    Args:
        known: The paths that are there, looked up at every call.
        noun: What they lead to.
    """

    def __init__(self, known: Mapping[str, object], noun: str = "path") -> None:
        self._known = known
        self._noun = noun
        self._texts: dict[str, str] = {}
        self._parts: list[tuple[frozenset[str], str]] = []

    def forget(self) -> None:
        """Forget what was said: there are new paths, which may be nearer."""
        self._texts.clear()
        self._parts.clear()

    def unknown(self, path: object) -> str:
        """Return why ``path`` cannot be found, whatever it is, and what to write instead."""
        if not isinstance(path, str):
            return f"{show(path)}: a path is text, such as 'Line_A.arrival.standard.rate'."
        text = self._texts.get(path)
        if text is None:
            hint = nearest(path, self._near(path)) or _some(self._known)
            text = f"{show(path)}: no such {self._noun}.{hint}"
            if len(path) <= _LONGEST:
                if len(self._texts) >= _REMEMBERED:
                    self._texts.clear()
                self._texts[path] = text
        return text

    def _near(self, path: str) -> list[str]:
        """Return the few paths worth comparing with ``path``: those that share most of its parts."""
        if not self._parts:
            self._parts = [(frozenset(known.split(".")), known) for known in self._known]
        parts, length = frozenset(path.split(".")), len(path)
        scored = [(-len(parts & other), abs(len(known) - length), known) for other, known in self._parts]
        return [known for _, _, known in nsmallest(_COMPARED, scored)]


def _some(known: Iterable[str]) -> str:
    names = sorted(known)
    if not names:
        return " Nothing is registered yet: call registry.register_sim_parameter first."
    return f" There are {', '.join(names[:5])}{', …' if len(names) > 5 else ''}."
