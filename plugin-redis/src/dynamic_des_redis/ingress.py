"""Changes from Redis: a stream, a consumer group, or a Pub/Sub channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from dynamic_des.errors import ConfigError, show
from dynamic_des.ingress import BaseIngress
from dynamic_des_redis.group_reader import GroupReader
from dynamic_des_redis.server import Server
from dynamic_des_redis.state import current_state
from dynamic_des_redis.stream_reader import Start, StreamReader
from dynamic_des_redis.subscriber import Subscriber

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from redis.asyncio import Redis

    from dynamic_des.messages import Message, RunInfo

__all__ = ["RedisIngress"]

_LONGEST_WAIT_S = 1.0


class RedisIngress(BaseIngress):
    """Steers a twin by the entries of a Redis stream.

    ::

        redis-cli XADD sim_control '*' path Line_A.resources.lathe.current_cap value 3

    An entry is a change by its fields (``path``, ``value``, and perhaps ``at`` and ``id``), or has one field
    ``data`` with a JSON document in any of the usual forms.

    **Promised** for streams: every entry is applied once and in order, through disconnects and restarts of the server;
    several twins on one stream all get everything. With ``start="remembered"`` the server holds how far the twin has
    come, and its next run goes on there; what came meanwhile is applied then.

    **With a group** the members share the entries, and what one of them had not acknowledged when it died comes
    again: to itself, or to another. **With Pub/Sub** nothing is promised about what is published while the twin is
    not connected: it is lost. It subscribes again by itself.

    Args:
        host: Name or address of the server.
        port: Its port.
        channel: The stream's key, or the channel.
        mode: ``"stream"`` or ``"pubsub"``.
        start: Where a run begins that does not go on from another: ``"remembered"``, after what the twin's last run
            settled, and at the end for its first run; ``"beginning"``, with all that the stream holds, applied before
            time starts; ``"end"``.
        group: The name of a consumer group to read as a member of; made if missing.
        consumer: The member's name; the twin's by default.
        claim_after_s: After how many wall seconds without a sign of life a member's entries go to another; never
            when infinite.
        snapshot_hash: A hash of the current state, path → value, to start from.
        snapshot_prefix: Or keys of the current state: this prefix, then the path.
        url: ``redis://…``, ``rediss://…`` or ``unix://…`` instead of host and port.
        timeout_s: How long one answer may take, in wall seconds.
        **kwargs: Further arguments of `redis.asyncio.Redis`, such as ``password``, ``db``, ``ssl``, ``protocol``.
    """

    client = "redis.asyncio:Redis"

    def __init__(
        self,
        host: str = "localhost",
        port: int = 6379,
        channel: str = "sim_control",
        *,
        mode: Literal["stream", "pubsub"] = "stream",
        start: Start = "remembered",
        group: str | None = None,
        consumer: str | None = None,
        claim_after_s: float = 60.0,
        snapshot_hash: str | None = None,
        snapshot_prefix: str | None = None,
        url: str | None = None,
        timeout_s: float = 5.0,
        **kwargs: Any,
    ) -> None:
        if start not in ("remembered", "beginning", "end"):
            raise ConfigError(f"RedisIngress: start is {show(start)}. Give 'remembered', 'beginning' or 'end'.")
        if isinstance(claim_after_s, bool) or not isinstance(claim_after_s, (int, float)) or not claim_after_s > 0:
            raise ConfigError(f"RedisIngress: claim_after_s is {show(claim_after_s)}. Give seconds, above 0.")
        self.channel = channel
        self._server = Server(
            "RedisIngress", (host, port), channel=channel, url=url, timeout_s=timeout_s, options=kwargs
        )
        self._snapshot = (snapshot_hash, snapshot_prefix)
        self._redis: Redis | None = None
        timeout_s = self._server.timeout_s
        block_s = min(_LONGEST_WAIT_S, timeout_s / 2)
        self._reader: StreamReader | GroupReader | Subscriber
        if mode == "pubsub" and group is None:
            self._reader = Subscriber(channel, timeout_s)
        elif mode == "stream" and group is not None:
            self._reader = GroupReader(
                channel, group, consumer, start=start, block_s=block_s, claim_after_s=claim_after_s
            )
        elif mode == "stream":
            self._reader = StreamReader(channel, start, block_s)
        else:
            raise ConfigError(f"RedisIngress: mode is {show(mode)} and group {show(group)}. Streams alone have groups.")

    async def open(self, run: RunInfo) -> None:
        """Connect, and find out where to go on.

        Raises:
            PermanentError: If the server refuses user or password, or the channel's key is no stream.
        """
        self._redis = self._server.connect()
        with self._server.explaining():
            await self._redis.ping()
            await self._reader.open(self._redis, run)

    async def snapshot(self) -> list[Message]:
        """Return the current state, where one is kept, and the stream's history, where it is asked for."""
        assert self._redis is not None
        with self._server.explaining():
            return [*await current_state(self._redis, *self._snapshot), *await self._reader.history()]

    async def messages(self) -> AsyncIterator[Message]:
        """Yield what arrives."""
        with self._server.explaining():
            async for message in self._reader.messages():
                yield message

    async def applied(self, position: Mapping[str, Any]) -> None:
        """Let the server keep the position, or acknowledge to the group."""
        await self._reader.applied(position)

    async def close(self) -> None:
        """Disconnect."""
        redis, self._redis = self._redis, None
        if isinstance(self._reader, Subscriber):
            await self._reader.close()
        if redis is not None:
            await redis.aclose()
