"""Records into streams: in order, none twice, whatever becomes of the connection."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from redis.exceptions import ResponseError

from dynamic_des.errors import PermanentError, show
from dynamic_des_redis.entries import as_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redis.asyncio import Redis

    from dynamic_des.messages import RunInfo

__all__ = ["Entry", "StreamWriter"]

_SCRIPT = Path(__file__).with_name("append.lua")
_KEEP_MARK_S = 30 * 24 * 3600
_CALL_RECORDS = 1000  # the server does nothing else during a call: a few milliseconds
_CALL_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A record on its way.

    Attributes:
        seq: Its number.
        stream: Where it goes.
        data: Its bytes.
    """

    seq: int
    stream: str
    data: bytes


class StreamWriter:
    """Appends the records of one numbering, each exactly once.

    In one step with the records the server keeps a mark: how far this run has come. Ids are ``<start of the run in
    milliseconds>-<seq>``, or above what the stream holds where somebody else's ids are higher.

    Args:
        where: Who writes, for error texts.
        mark: What the key of the mark begins with.
        maxlen: About how many entries a stream keeps; None for all.
    """

    def __init__(self, where: str, mark: str, maxlen: int | None) -> None:
        self._where = where
        self._prefix = mark
        self._maxlen = "" if maxlen is None else str(maxlen)
        self._owner = secrets.token_hex(8)  # tells a call that comes again from another egress of the run
        self._going_on = False
        self._redis: Redis | None = None
        self._mark = ""
        self._run = ""
        self._start_ms = "0"

    def open(self, redis: Redis, run: RunInfo) -> None:
        """Write through this client from now on."""
        self._redis = redis
        self._run = run.run_id
        self._start_ms = str(max(0, int(run.started.timestamp() * 1000)))
        self._mark = f"{self._prefix}:{run.name}:{self._start_ms}"
        self._append = redis.register_script(_SCRIPT.read_text())

    async def written(self) -> int | None:
        """Return the last number that the server holds; what is appended from now on follows it."""
        assert self._redis is not None
        held = await self._redis.hget(self._mark, "seq")
        self._going_on = True
        return None if held is None else int(held)

    async def append(self, entries: Sequence[Entry]) -> list[tuple[int, str]]:
        """Append the entries, of rising numbers; return those whose streams take none for good, and why."""
        aside: list[tuple[int, str]] = []
        for part in _calls(entries):
            streams = list(dict.fromkeys(entry.stream for entry in part))
            places = {stream: str(place) for place, stream in enumerate(streams, 2)}
            aside += await self._call(streams, [
                self._run,
                self._owner,
                "1" if self._going_on else "0",
                self._start_ms,
                self._maxlen,
                str(_KEEP_MARK_S),
                " ".join([str(entry.seq) for entry in part]),
                "" if len(streams) == 1 else " ".join([places[entry.stream] for entry in part]),
                *[entry.data for entry in part],
            ])  # fmt: skip
            self._going_on = False
        named = {entry.seq: entry.stream for entry in entries} if aside else {}
        return [(seq, f"{show(named[seq])}: {reason}") for seq, reason in aside]

    async def _call(self, streams: list[str], arguments: list[str | bytes]) -> list[tuple[int, str]]:
        try:
            said = await self._append(keys=[self._mark, *streams], args=arguments)
        except ResponseError as error:
            if str(error).startswith("TWOSINKS"):
                raise PermanentError(
                    f"{self._where}: another egress of this run writes to {', '.join(streams)}, too, and each would "
                    "take the other's records for its own. Give them different names: sink = …"
                ) from error
            raise
        return [(int(seq), as_text(reason)) for seq, reason in zip(said[::2], said[1::2], strict=True)]


def _calls(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Yield the entries in portions that keep the server busy for a moment only."""
    part: list[Entry] = []
    size = 0
    for entry in entries:
        if part and (len(part) >= _CALL_RECORDS or size + len(entry.data) > _CALL_BYTES):
            yield part
            part, size = [], 0
        part.append(entry)
        size += len(entry.data)
    if part:
        yield part
