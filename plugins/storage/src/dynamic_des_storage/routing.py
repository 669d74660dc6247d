"""Which folder a record goes to: Hive partitions, ``stream_type=event/date=2026-01-31``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dynamic_des.errors import ConfigError, show, suggest, told

if TYPE_CHECKING:
    from dynamic_des.messages import RunInfo
    from dynamic_des_storage.records import Records

__all__ = ["Router", "Routing"]

Router = Callable[[dict[str, Any]], Mapping[str, Any]]
_NOTHING = "__HIVE_DEFAULT_PARTITION__"  # what Hive and Spark call a missing value


class Routing:
    """Tells the folder of each record.

    Args:
        router: Names of partitions, outermost first; or a function that returns name → value for a record.

    Attributes:
        names: Names of the partitions, empty when a function decides.

    Raises:
        ConfigError: If a name is not known.
    """

    def __init__(self, router: Sequence[str] | Router) -> None:
        self._run: RunInfo | None = None
        self._function: Router | None = None
        self.names: tuple[str, ...] = ()
        if callable(router):
            self._function = router
            return
        if isinstance(router, str) or not isinstance(router, Sequence):
            raise ConfigError(f"router: {show(router)} is neither a list of names nor a function. Give one of them.")
        for name in router:
            if name not in _PARTITIONS:
                raise ConfigError(f"router: there is no partition {show(name)}.{suggest(name, _PARTITIONS)}")
        self.names = tuple(router)

    def begin(self, run: RunInfo) -> None:
        """Take note of the run."""
        self._run = run

    def groups(self, records: Records) -> tuple[dict[str, Sequence[int]], list[tuple[int, str]]]:
        """Return folder → places in ``records``; and (place, reason) of those that cannot be routed."""
        aside: list[tuple[int, str]] = []
        if self._function is not None:
            values = [self._asked(place, record, aside) for place, record in enumerate(records.payloads)]
            return _by_folder(values), aside
        columns = [_PARTITIONS[name](records, self._run) for name in self.names]
        if all(column.count(column[0]) == len(column) for column in columns if column):
            first = tuple((name, column[0]) for name, column in zip(self.names, columns, strict=True) if column)
            return {_folder(first): range(len(records))}, aside
        return _by_folder([tuple(zip(self.names, row, strict=True)) for row in zip(*columns, strict=True)]), aside

    def _asked(
        self, place: int, record: dict[str, Any], aside: list[tuple[int, str]]
    ) -> tuple[tuple[str, Any], ...] | None:
        assert self._function is not None
        try:
            answer = self._function(record)
            return tuple((str(name), str(value) if value is not None else None) for name, value in answer.items())
        except Exception as error:  # noqa: BLE001 - the user's function: counted, reported, set aside
            aside.append((place, f"router: {told(error)}"))
            return None


def _by_folder(values: Sequence[tuple[tuple[str, Any], ...] | None]) -> dict[str, Sequence[int]]:
    groups: dict[Any, list[int]] = {}
    for place, value in enumerate(values):
        if value is not None:
            groups.setdefault(value, []).append(place)
    folders: dict[str, list[int]] = {}
    for value, found in groups.items():
        folders.setdefault(_folder(value), []).extend(found)
    return {folder: sorted(found) for folder, found in folders.items()}


def _folder(values: tuple[tuple[str, Any], ...]) -> str:
    return "/".join(
        f"{quote(name, safe='')}={_NOTHING if value is None or value == '' else quote(str(value), safe=' ')}"
        for name, value in values
    )


Column = Sequence[str | None]


def _stream_type(records: Records, _: RunInfo | None) -> Column:
    return ["system"] * len(records) if records.system else records.stream_type


def _date(records: Records, run: RunInfo | None) -> Column:
    return records.dates(run.started.utcoffset() if run else None)


def _sim_id(records: Records, _: RunInfo | None) -> Column:
    """The first part of the path; of an event, of the path in its value."""
    paths = records.names("path_id") or [None] * len(records)
    pairs = zip(paths, records.value, strict=True)
    return [_first_part(_path_in(value) if path is None else path) for path, value in pairs]


def _path_in(value: Any) -> Any:
    return value.get("sim_id") or value.get("path_id") if isinstance(value, dict) else None


def _first_part(path: Any) -> str | None:
    return path.partition(".")[0] if isinstance(path, str) else None


_PARTITIONS: dict[str, Callable[[Records, RunInfo | None], Column]] = {
    "stream_type": _stream_type,
    "date": _date,
    "sim_id": _sim_id,
    "twin": lambda records, run: [run.name if run else None] * len(records),
    "run_id": lambda records, run: [run.run_id if run else None] * len(records),
}
