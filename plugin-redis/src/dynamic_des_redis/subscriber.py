"""Changes from a Pub/Sub channel."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError as RedisConnectionError

from dynamic_des.messages import Message
from dynamic_des_redis.server import heed_cancellation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from redis.asyncio import Redis

    from dynamic_des.messages import RunInfo

__all__ = ["Subscriber"]


class Subscriber:
    """Hears what is published while it is connected; what is published meanwhile is gone.

    Args:
        channel: The channel.
        timeout_s: After how many wall seconds of silence, a ping included, the connection counts as lost.
    """

    def __init__(self, channel: str, timeout_s: float) -> None:
        self._channel = channel
        self._beat_s = timeout_s / 2
        self._timeout_s = timeout_s
        self._pubsub: Any = None

    async def open(self, redis: Redis, run: RunInfo) -> None:  # noqa: ARG002 - the readers' common signature
        """Subscribe; return when the server has confirmed it."""
        self._pubsub = redis.pubsub()
        await self._pubsub.subscribe(self._channel)
        if await self._pubsub.get_message(timeout=self._timeout_s) is None:
            raise RedisConnectionError(f"the subscription was not confirmed within {self._timeout_s:g} s")

    async def history(self) -> list[Message]:
        """Return nothing: a channel keeps nothing."""
        return []

    async def messages(self) -> AsyncIterator[Message]:
        """Yield what is published."""
        asked = False
        while True:
            heard = await self._pubsub.get_message(timeout=self._beat_s)
            heed_cancellation()
            if heard is None and asked:
                raise RedisConnectionError(f"no answer to a ping within {self._beat_s:g} s")
            asked = heard is None
            if asked:
                await self._pubsub.ping()
            elif heard["type"] == "message":
                yield Message(heard["data"], {}, {"channel": self._channel})

    async def applied(self, position: Mapping[str, str]) -> None:
        """Do nothing: a channel has no positions."""

    async def close(self) -> None:
        """Give the connection back."""
        pubsub, self._pubsub = self._pubsub, None
        if pubsub is not None:
            with suppress(RedisConnectionError):
                await pubsub.aclose()
