"""How far each twin has come in a stream: kept on the server, for its next run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_des_redis.entries import as_text

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["Positions", "is_before", "newest_id"]


class Positions:
    """The hash ``<stream>:positions``: twin → id of the last entry that is settled.

    Args:
        redis: The client.
        stream: The stream's key.
        twin: The twin's name.
    """

    def __init__(self, redis: Redis, stream: str, twin: str) -> None:
        self._redis = redis
        self._key = f"{stream}:positions"
        self._twin = twin

    async def get(self) -> str | None:
        """Return the twin's position, if it has one."""
        held = await self._redis.hget(self._key, self._twin)
        return None if held is None else as_text(held)

    async def begin(self, position: str) -> None:
        """Note where a twin begins that has no position yet."""
        await self._redis.hsetnx(self._key, self._twin, position)

    async def put(self, position: str) -> None:
        """Note how far it has come."""
        await self._redis.hset(self._key, self._twin, position)


def is_before(one: str, other: str) -> bool:
    """Return whether an id is lower than another."""
    return _parts(one) < _parts(other)


def _parts(entry: str) -> tuple[int, int]:
    milliseconds, _, number = entry.partition("-")
    return int(milliseconds), int(number or 0)


async def newest_id(redis: Redis, stream: str) -> str:
    """Return the id of the newest entry that the stream ever had; ``0-0`` when there is none."""
    if not await redis.exists(stream):
        return "0-0"
    info = await redis.xinfo_stream(stream)
    newest = info["last-generated-id"]
    return as_text(newest)
