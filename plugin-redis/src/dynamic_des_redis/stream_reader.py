"""Changes from a stream that every twin reads for itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

from redis.exceptions import TimeoutError as RedisTimeoutError

from dynamic_des.portion import Portion
from dynamic_des_redis.entries import entries_of, message_of
from dynamic_des_redis.positions import Positions, is_before, newest_id
from dynamic_des_redis.server import heed_cancellation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from redis.asyncio import Redis

    from dynamic_des.messages import Message, RunInfo

__all__ = ["Start", "StreamReader"]

log = logging.getLogger("dynamic_des.redis")

Start = Literal["remembered", "beginning", "end"]
_AT_ONCE = 1000


class StreamReader:
    """Reads with ``XREAD`` from the id after the last one that is settled.

    Args:
        stream: The stream's key.
        start: Where a run begins that does not go on from another.
        block_s: How long one call waits for entries, in wall seconds.
    """

    def __init__(self, stream: str, start: Start, block_s: float) -> None:
        self._stream = stream
        self._start = start
        self._block_ms = max(1, int(block_s * 1000))
        self._run = ""
        self._portion = Portion(_AT_ONCE, RedisTimeoutError)
        self._begin = "0-0"
        self._last = "0-0"

    async def open(self, redis: Redis, run: RunInfo) -> None:
        """Find out where to go on."""
        self._redis = redis
        self._positions = Positions(redis, self._stream, run.name)
        await redis.exists(self._stream) and await redis.xlen(self._stream)  # says so if it is no stream
        if self._run != run.run_id and self._stream not in run.positions:
            self._begin = await self._first_position(trial=run.trial)
        self._run = run.run_id
        self._last = str(run.positions.get(self._stream, self._begin))
        self._goes_on = self._stream in run.positions
        await self._look_at_what_is_left()

    async def history(self) -> list[Message]:
        """Return what the stream holds, for a run that begins at its beginning."""
        if self._start != "beginning" or self._goes_on:
            return []
        newest = await newest_id(self._redis, self._stream)
        messages: list[Message] = []
        while page := await self._page(newest):
            for entry, fields in entries_of([(None, page)]):
                self._last = entry
                messages.append(message_of(self._stream, entry, fields))
        return messages

    async def _page(self, newest: str) -> Any:
        with self._portion.asked() as count:
            return await self._redis.xrange(self._stream, f"({self._last}", newest, count)

    async def messages(self) -> AsyncIterator[Message]:
        """Yield entries as they come."""
        while True:
            with self._portion.asked() as count:
                reply = await self._redis.xread({self._stream: self._last}, count, self._block_ms)
            heed_cancellation()
            if not reply and is_before(await newest_id(self._redis, self._stream), self._last):
                log.warning("stream %s was made anew: it is read from its beginning", self._stream)
                self._last = "0-0"
            for entry, fields in entries_of(reply):
                self._last = entry
                yield message_of(self._stream, entry, fields)

    async def applied(self, position: Mapping[str, str]) -> None:
        """Keep the position for the twin's next run."""
        if self._start == "remembered":
            await self._positions.put(position[self._stream])

    async def _look_at_what_is_left(self) -> None:
        """Say what this twin cannot read any more."""
        newest = await newest_id(self._redis, self._stream)
        if is_before(newest, self._last):
            log.warning(
                "stream %s ends at %s, before %s, where this twin is: it was made anew, or the server has lost entries."
                " What comes from now on is read",
                self._stream,
                newest,
                self._last,
            )
            self._last = newest
        elif is_before(self._last, newest) and self._last != "0-0":
            first = [entry for entry, _ in entries_of([(None, await self._redis.xrange(self._stream, "-", "+", 1))])]
            if not first or is_before(self._last, first[0]):
                log.warning(
                    "stream %s has lost the entry %s, where this twin is: those behind it may have been removed, too, "
                    "unread. Let it keep more (MAXLEN)",
                    self._stream,
                    self._last,
                )

    async def _first_position(self, *, trial: bool) -> str:
        if self._start == "beginning":
            return "0-0"
        held = await self._positions.get() if self._start == "remembered" else None
        if held is not None:
            return held
        newest = await newest_id(self._redis, self._stream)
        if self._start == "remembered" and not trial:
            await self._positions.begin(newest)  # what comes while the twin is down is for its next run
        return newest
