"""Several files become one, without a moment at which a record is missing.

The file that holds the records of all of them takes the place of the first one, at once; then the others are removed.
What is to be removed is noted before, in the hidden folder: whoever opens the place next carries out what a killed
process left undone, and `superseded` tells readers what no longer counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from dynamic_des_storage.places import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dynamic_des_storage.places import Place

__all__ = ["complete_merges", "merge", "superseded"]


def merge(place: Place, merged: str, parts: list[str]) -> bool:
    """Put a hidden file in the place of the files that it holds everything of.

    Args:
        place: Where they are.
        merged: The hidden file.
        parts: The files, oldest first: the first one's name is kept.

    Returns:
        Whether it was done: not when the two could not be told apart by their sizes.
    """
    size = place.size(merged)
    if size is None or size == place.size(parts[0]):
        return False
    note = place.hidden_name("merge")
    place.put(note, orjson.dumps({"into": parts[0], "size": size, "merged": merged, "obsolete": parts[1:]}))
    place.rename(merged, parts[0])
    _remove_obsolete(place, parts[1:], note)
    return True


def complete_merges(place: Place) -> None:
    """Remove what was merged and not removed. Merges that did not take place are left as they are."""
    for name, note in list(_notes(place)):
        if place.size(note["into"]) == note["size"]:
            place.remove(note["merged"])
            _remove_obsolete(place, note["obsolete"], name)


def superseded(place: Place) -> set[str]:
    """Return the files whose records are in another one by now."""
    return {part for _, note in _notes(place) if place.size(note["into"]) == note["size"] for part in note["obsolete"]}


def _remove_obsolete(place: Place, parts: list[str], note: str) -> None:
    for part in parts:
        place.remove(part)
    if all(place.size(part) is None for part in parts):
        place.remove(note)


def _notes(place: Place) -> Iterator[tuple[str, dict[str, Any]]]:
    for info in list(place.files(HIDDEN)):
        if info.path.endswith(".merge"):
            try:
                yield place.relative(info.path), orjson.loads(place.read(place.relative(info.path)))
            except (OSError, orjson.JSONDecodeError):
                continue  # carried out by somebody else meanwhile
