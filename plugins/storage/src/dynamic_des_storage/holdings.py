"""What a folder holds of a run already: read back from the files, which nobody has to keep in step.

A file is called ``records_<run>_<first>-<last>_<writer>``: the number of the first record that was put into it, and of
the last one of the batch that this was a part of. Batches come one after the other, the part with a batch's last record
when all others of it are there, and files become one only between two batches. So only the newest batch can be
incomplete, and it is when its last record is nowhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dynamic_des_storage.places import is_hidden

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_des_storage.places import Place

__all__ = ["Holdings", "file_name", "holdings"]


@dataclass(slots=True)
class Holdings:
    """What is there of the model's records of one run.

    Attributes:
        complete: All records up to this number are there, but for those that can never be written; 0 for none.
        folders: The last number in each folder: a folder's records are written in their order.
    """

    complete: int
    folders: dict[str, int]


def file_name(kind: str, run_id: str, first: int, last: int, writer: str) -> str:
    """Return what a file is called, without its ending."""
    return f"{kind}_{run_id}_{first:012d}-{last:012d}_{writer}"


def holdings(place: Place, run_id: str, ending: str, last_of: Callable[[str], int]) -> Holdings:
    """Return what a place holds of a run.

    Args:
        place: The place.
        run_id: The run.
        ending: What the names of its files end with: a folder may hold those of another sink, too.
        last_of: Returns the number of the last record in a file of this name.
    """
    pattern = re.compile(rf"records_{re.escape(run_id)}_(\d+)-(\d+)_\w+\.{re.escape(ending)}(?!\w)")
    files: list[tuple[str, int, int, str]] = []
    for info in place.files():
        name = place.relative(info.path)
        folder, _, own = name.rpartition("/")
        found = pattern.match(own)
        if found and not is_hidden(name):
            files.append((folder, int(found[1]), int(found[2]), name))
    if not files:
        return Holdings(0, {})
    folders = {folder: last_of(name) for folder, name in _newest(files).items()}
    newest_batch = max(of_batch for _, _, of_batch, _ in files)
    complete = max(folders.values())
    if complete < newest_batch:
        older = [one for one in files if one[2] != newest_batch]
        complete = max(map(last_of, _newest(older).values()), default=0)
    return Holdings(complete, folders)


def _newest(files: list[tuple[str, int, int, str]]) -> dict[str, str]:
    """Return folder → the file in which the folder's last record is."""
    return {folder: name for folder, _, _, name in sorted(files)}
