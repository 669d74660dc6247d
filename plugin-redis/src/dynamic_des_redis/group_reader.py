"""Changes from a stream that several twins share: each entry steers one of them."""

from __future__ import annotations

import time
from collections import deque
from math import isfinite
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from dynamic_des.portion import Portion
from dynamic_des_redis.entries import as_text, entries_of, message_of
from dynamic_des_redis.positions import is_before, newest_id
from dynamic_des_redis.server import heed_cancellation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from redis.asyncio import Redis

    from dynamic_des.messages import Message, RunInfo
    from dynamic_des_redis.stream_reader import Start

__all__ = ["GroupReader"]

_AT_ONCE = 1000


class GroupReader:
    """Reads as a member of a consumer group; the group holds what each member has not acknowledged.

    What a member held when it died comes to it again at its next start; when it does not come back, to another
    member. So a change may be applied twice, once by each; also when the group itself was destroyed meanwhile. Entries
    that a living member holds for longer, because their time has not come, are not taken from it.

    Args:
        stream: The stream's key.
        group: The group's name; made if missing.
        consumer: This member's name; the twin's when None.
        start: ``"beginning"`` lets a new group begin with what the stream holds already.
        block_s: How long one call waits for entries, in wall seconds.
        claim_after_s: After how many wall seconds without a sign of life a member's entries go to another.
    """

    def __init__(
        self, stream: str, group: str, consumer: str | None, *, start: Start, block_s: float, claim_after_s: float
    ) -> None:
        self._stream = stream
        self._group = group
        self._named = consumer
        self._start = start
        self._block_s = block_s
        self._claim_after_s = claim_after_s
        self._claimed = f"{stream}/claimed"  # their ids do not rise with the others': a part of their own
        self._unsettled: dict[str, deque[str]] = {stream: deque(), self._claimed: deque()}
        self._portion = Portion(_AT_ONCE, RedisTimeoutError)
        self._run = ""
        self._given = ""  # the last entry that came to this member, or to the group before it

    async def open(self, redis: Redis, run: RunInfo) -> None:
        """Join the group."""
        self._redis = redis
        self._consumer = self._named or run.name
        if run.trial:
            await redis.exists(self._stream) and await redis.xlen(self._stream)
            return
        if self._run != run.run_id:
            self._run, self._given = run.run_id, ""
            for held in self._unsettled.values():
                held.clear()
        try:
            await redis.xgroup_create(self._stream, self._group, await self._first(), mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
        if not self._given:
            groups = {as_text(group["name"]): group for group in await redis.xinfo_groups(self._stream)}
            self._given = as_text(groups[self._group]["last-delivered-id"])

    async def _first(self) -> str:
        """Return after which entry the group begins, where it is to be made."""
        if not self._given:
            return "0" if self._start == "beginning" else "$"
        # it was there, and was destroyed: nothing that came meanwhile is passed over
        made_anew = is_before(await newest_id(self._redis, self._stream), self._given)
        return "0" if made_anew else self._given

    async def history(self) -> list[Message]:
        """Return nothing: what a group begins with is shared among its members."""
        return []

    async def messages(self) -> AsyncIterator[Message]:
        """Yield what this member holds from before, then what comes; now and then what others left behind."""
        async for message in self._left_over():
            yield message
        look = 0.0
        while True:
            if time.monotonic() >= look and isfinite(self._claim_after_s):
                async for message in self._left_by_others():
                    yield message
                look = time.monotonic() + self._claim_after_s / 2
            for entry, fields in entries_of(await self._read(">")):
                self._given = entry
                yield self._take(self._stream, entry, fields)

    async def applied(self, position: Mapping[str, str]) -> None:
        """Acknowledge everything up to the position."""
        for part, last in position.items():
            held = self._unsettled[part]
            if last not in held:
                continue
            settled = [held[at] for at in range(held.index(last) + 1)]
            for first in range(0, len(settled), _AT_ONCE):
                await self._redis.xack(self._stream, self._group, *settled[first : first + _AT_ONCE])
            for _ in settled:
                held.popleft()

    async def _left_over(self) -> AsyncIterator[Message]:
        """Yield what this member was given and has not acknowledged, but for what it is at work on."""
        known = {entry for held in self._unsettled.values() for entry in held}
        last = "0"
        while page := list(entries_of(await self._read(last))):
            for last, fields in page:
                if last in known:
                    continue
                if fields:
                    yield self._take(self._stream, last, fields)
                else:  # deleted or trimmed meanwhile: there is nothing to apply
                    await self._redis.xack(self._stream, self._group, last)

    async def _left_by_others(self) -> AsyncIterator[Message]:
        held = [entry for entries in self._unsettled.values() for entry in entries]
        for first in range(0, len(held), _AT_ONCE):  # a sign of life
            entries: Any = held[first : first + _AT_ONCE]
            await self._redis.xclaim(self._stream, self._group, self._consumer, 0, entries, justid=True)
        known, idle_ms, cursor = set(held), int(self._claim_after_s * 1000), "0-0"
        while True:
            with self._portion.asked() as count:
                reply = await self._redis.xautoclaim(
                    self._stream, self._group, self._consumer, idle_ms, cursor, count=count
                )
            for entry, fields in entries_of([(None, reply[1])]):
                if entry not in known and fields:
                    yield self._take(self._claimed, entry, fields)
            cursor = as_text(reply[0])
            if cursor == "0-0":
                return

    async def _read(self, after: str) -> Any:
        block = int(self._block_s * 1000) if after == ">" else None
        with self._portion.asked() as count:
            reply = await self._redis.xreadgroup(self._group, self._consumer, {self._stream: after}, count, block)
        heed_cancellation()
        return reply

    def _take(self, part: str, entry: str, fields: Mapping[bytes, bytes]) -> Message:
        self._unsettled[part].append(entry)
        return message_of(self._stream, entry, fields, part)
