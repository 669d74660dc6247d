"""Which folder a record goes to: Hive partitions, ``stream_type=event/date=2026-01-31``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from dynamic_des.errors import ConfigError, show, suggest, told

if TYPE_CHECKING:
    from dynamic_des.messages import RunInfo
    from dynamic_des_storage.records import Records

__all__ = ["Router", "Routing", "partitions"]

Router = Callable[[dict[str, Any]], Mapping[str, Any]]
_COLUMNS = ("seq", "sys_seq", "sim_ts", "timestamp", "key", "path_id", "detail")
_LONGEST = 255  # bytes: of the name of a folder, on all systems
_NOTHING = "__HIVE_DEFAULT_PARTITION__"  # what Hive and Spark call a missing value


class Routing:
    """Tells the folder of each record.

    Args:
        router: Names of partitions, outermost first; or a function that returns name → value for a record.

    Attributes:
        names: Names of the partitions; of a function's, those that it has named by now.

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
        if len(set(router)) < len(self.names):
            raise ConfigError(f"router: {show(list(router))} has one partition twice. Give each once.")

    def begin(self, run: RunInfo) -> None:
        """Take note of the run."""
        self._run = run

    def groups(self, records: Records) -> tuple[dict[str, Sequence[int]], list[tuple[int, str]]]:
        """Return folder → places in ``records``; and (place, reason) of those that cannot be routed."""
        aside: list[tuple[int, str]] = []
        if self._function is not None:
            values = [self._asked(place, record, aside) for place, record in enumerate(records.payloads)]
            found = _places(values)
            folders = _folders(found, aside)
            self.names = tuple(dict.fromkeys([*self.names, *(name for value in found for name, _ in value)]))
            return folders, aside
        columns = [_PARTITIONS[name](records, self._run) for name in self.names]
        if all(column.count(column[0]) == len(column) for column in columns if column):
            first = tuple((name, column[0]) for name, column in zip(self.names, columns, strict=True) if column)
            return _folders({first: range(len(records))}, aside), aside
        rows = [tuple(zip(self.names, row, strict=True)) for row in zip(*columns, strict=True)]
        return _folders(_places(rows), aside), aside

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


def partitions(path: str) -> dict[str, str | None]:
    """Return name → value of the folders that a file is in: what they were made of."""
    pairs = (folder.partition("=") for folder in path.split("/")[:-1] if "=" in folder)
    return {unquote(name): None if value == _NOTHING else unquote(value) for name, _, value in pairs}


Value = tuple[tuple[str, Any], ...]


def _places(values: Sequence[Value | None]) -> dict[Value, Sequence[int]]:
    groups: dict[Value, list[int]] = {}
    for place, value in enumerate(values):
        if value is not None:
            groups.setdefault(value, []).append(place)
    return dict(groups)


def _folders(groups: dict[Value, Sequence[int]], aside: list[tuple[int, str]]) -> dict[str, Sequence[int]]:
    """Return folder → places; what has no folder, leaves the groups and goes aside."""
    folders: dict[str, Sequence[int]] = {}
    for value in list(groups):
        try:
            folder = "/".join(_folder(name, one) for name, one in value)
        except ValueError as error:
            reason = f"router: {error}"
            aside += [(place, reason) for place in groups.pop(value)]
        else:
            there = folders.get(folder)
            folders[folder] = groups[value] if there is None else sorted([*there, *groups[value]])
    return folders


def _folder(name: str, value: Any) -> str:
    if name in _COLUMNS:
        raise ValueError(f"a partition cannot be called {name!r}, which is a column. Give it another name.")
    if not name or name.startswith("."):  # readers leave alone what begins with a point
        raise ValueError(f"{name!r} is no name of a partition. Give one that begins with a letter.")
    try:
        text = _NOTHING if value is None or value == "" else quote(str(value), safe=" ")
        folder = f"{quote(name, safe='')}={text}"
    except UnicodeError:
        raise ValueError(f"{show(value)} is no text, and no value of the partition {show(name)}.") from None
    if len(folder) > _LONGEST:
        raise ValueError(f"{show(value)} is too long for the partition {show(name)}, which is a folder's name.")
    return folder


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
