"""Records into Redis: streams, or Pub/Sub channels."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from dynamic_des.egress import BaseEgress, Batch
from dynamic_des.errors import ConfigError, show, told
from dynamic_des.serializers import JsonSerializer, MessageSerializer
from dynamic_des_redis.server import Server
from dynamic_des_redis.stream_writer import Entry, StreamWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis

    from dynamic_des.messages import RunInfo

__all__ = ["RedisEgress"]

_LARGEST = 512_000_000  # bytes; a server's own limit (proto-max-bulk-len) is a little more
_PUBLISH_AT_ONCE = 1000


class RedisEgress(BaseEgress):
    """Appends every record to a Redis stream, or publishes it to a channel.

    An entry has one field, ``data``: the record as JSON. Its id is ``<start of the run in milliseconds>-<seq>``.

    **Promised** for streams: every record once and in order, through retries, restarts of the server and a run that
    goes on from another; several twins may share a stream. **Not promised**: that a server which keeps nothing on disk
    (``appendfsync always``) has after a crash what it acknowledged before; that entries stay beyond ``maxlen``.

    **Not promised** for ``mode="pubsub"``: that anybody hears it, or hears it only once.

    Args:
        host: Name or address of the server.
        port: Its port.
        channel: The stream's key, or the channel.
        mode: ``"stream"`` or ``"pubsub"``.
        maxlen: About how many entries each stream keeps (``MAXLEN ~``); None for all, until memory is full.
        router: Chooses the stream or channel of each of the model's records: record → name.
        system_channel: Where the framework's own ``system.*`` records go; ``<channel>:system`` when None, nowhere
            when empty.
        serializer: How a record becomes bytes. JSON by default.
        sink: Tells two egresses apart that write from one twin to one channel.
        url: ``redis://…``, ``rediss://…`` or ``unix://…`` instead of host and port.
        timeout_s: How long one answer may take, in wall seconds.
        **kwargs: Further arguments of `redis.asyncio.Redis`, such as ``password``, ``db``, ``ssl``, ``protocol``.
    """

    client = "redis.asyncio:Redis"

    def __init__(
        self,
        host: str = "localhost",
        port: int = 6379,
        channel: str = "sim_stream",
        *,
        mode: Literal["stream", "pubsub"] = "stream",
        maxlen: int | None = 1_000_000,
        router: Callable[[dict[str, Any]], str] | None = None,
        system_channel: str | None = None,
        serializer: MessageSerializer | None = None,
        sink: str = "",
        url: str | None = None,
        timeout_s: float = 5.0,
        **kwargs: Any,
    ) -> None:
        if mode not in ("stream", "pubsub"):
            raise ConfigError(f"RedisEgress: mode is {show(mode)}. Give 'stream' or 'pubsub'.")
        if maxlen is not None and (type(maxlen) is not int or maxlen < 1):
            raise ConfigError(f"RedisEgress: maxlen is {show(maxlen)}. Give a whole number of at least 1, or None.")
        self.channel = channel
        self._system_channel = f"{channel}:system" if system_channel is None else system_channel
        self._router = router
        self._serializer = serializer or JsonSerializer()
        self._server = Server(
            "RedisEgress", (host, port), channel=channel, url=url, timeout_s=timeout_s, options=kwargs
        )
        self._redis: Redis | None = None
        mark = f"{channel}:written{f':{sink}' if sink else ''}"
        self._model = StreamWriter("RedisEgress", mark, maxlen) if mode == "stream" else None
        self._system = StreamWriter("RedisEgress", f"{mark}:system", maxlen) if mode == "stream" else None

    async def open(self, run: RunInfo) -> None:
        """Connect.

        Raises:
            PermanentError: If the server refuses user or password, or the channel's key is no stream.
        """
        self._redis = redis = self._server.connect()
        with self._server.explaining():
            await redis.ping()
            if self._model is not None and self._system is not None:
                if await redis.exists(self.channel):
                    await redis.xlen(self.channel)  # says so if it is something else
                self._model.open(redis, run)
                self._system.open(redis, run)

    async def write(self, batch: Batch) -> list[tuple[int, str]] | None:
        """Append or publish the batch; return when the server has said that it holds it."""
        if batch.system and not self._system_channel:
            return None
        lines = await self._encode(batch)
        entries, aside = self._entries(batch, lines)
        with self._server.explaining():
            writer = self._system if batch.system else self._model
            if writer is not None:
                aside += await writer.append(entries)
            else:
                await self._publish(entries)
        return aside

    async def written(self) -> int | None:
        """Return the last ``seq`` of this run's model records that the streams hold; None for Pub/Sub."""
        if self._model is None:
            return None
        with self._server.explaining():
            return await self._model.written()

    async def close(self) -> None:
        """Disconnect."""
        redis, self._redis = self._redis, None
        if redis is not None:
            await redis.aclose()

    async def _encode(self, batch: Batch) -> list[bytes | None]:
        if type(self._serializer) is not JsonSerializer:  # another may block, on a schema registry
            with suppress(RuntimeError):  # no thread is to be had once the interpreter shuts down
                return await asyncio.to_thread(batch.encode, self._serializer, self.channel)
        return batch.encode(self._serializer, self.channel)

    def _entries(self, batch: Batch, lines: list[bytes | None]) -> tuple[list[Entry], list[tuple[int, str]]]:
        """Return what is to be written, and what never can be."""
        number = "sys_seq" if batch.system else "seq"
        entries: list[Entry] = []
        aside: list[tuple[int, str]] = []
        for record, line in zip(batch, lines, strict=True):
            if line is None:
                continue
            try:
                if len(line) > _LARGEST:
                    raise ValueError(f"the record has {len(line)} bytes; Redis takes {_LARGEST}.")
                entries.append(Entry(record[number], self._place(record, batch), line))
            except Exception as error:  # noqa: BLE001 - a router is a plugin: counted, reported, set aside
                aside.append((record[number], told(error)))
        return entries, aside

    def _place(self, record: dict[str, Any], batch: Batch) -> str:
        if batch.system:
            return self._system_channel
        if self._router is None:
            return self.channel
        place = self._router(record)
        if not isinstance(place, str) or not place:
            raise ConfigError(f"RedisEgress: router returned {show(place)}. Return the name of a stream.")
        place.encode()  # half a surrogate pair cannot be sent
        return place

    async def _publish(self, entries: list[Entry]) -> None:
        assert self._redis is not None
        for first in range(0, len(entries), _PUBLISH_AT_ONCE):
            pipeline = self._redis.pipeline(transaction=False)
            for entry in entries[first : first + _PUBLISH_AT_ONCE]:
                pipeline.publish(entry.stream, entry.data)
            await pipeline.execute()
