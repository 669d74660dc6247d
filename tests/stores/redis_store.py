"""Redis, as the tests of both stores see one."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import redis
from tests.services import redis as service
from tests.services.proxy import Proxy
from tests.stores.runs import PATH

from dynamic_des_redis import RedisEgress, RedisIngress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.services.redis import Redis

__all__ = ["RedisStore"]


class RedisStore:
    """A server, and what the two connectors do with it, seen with the plain client.

    A *place* is a stream.

    Args:
        url: Its address.
        server: The server, if it was started by the tests.
    """

    kind = "redis"
    service = service.SERVICE
    example = "examples/redis/line.toml"

    def __init__(self, url: str, server: Redis | None = None) -> None:
        self.url = url
        self.server = server
        self.proxy = server.proxy if server else Proxy.before(url, 6379).start()
        self.proxied = self.proxy.on_the_way_to(url)

    @classmethod
    def of(cls, server: Redis) -> RedisStore:
        return cls(server.url, server)

    def close(self) -> None:
        if self.server is None:
            self.proxy.close()

    @contextmanager
    def client(self, **options: Any) -> Iterator[Any]:
        with redis.Redis.from_url(self.url, **options) as client:
            yield client

    def egress(self, place: str, *, proxied: bool = False, **options: Any) -> RedisEgress:
        return RedisEgress(url=self.proxied if proxied else self.url, channel=place, **options)

    def ingress(self, place: str, *, proxied: bool = False, **options: Any) -> RedisIngress:
        return RedisIngress(url=self.proxied if proxied else self.url, channel=place, **options)

    def note_order(self, place: str) -> None:
        """Do nothing: a stream has an order."""

    def change(self, place: str, values: Iterable[Any], path: str = PATH) -> None:
        """Bring one change for each value."""
        with self.client() as client, client.pipeline() as pipeline:
            for value in values:
                pipeline.xadd(place, {"path": path, "value": json.dumps(value)})
            pipeline.execute()

    def records(self, place: str) -> list[dict[str, Any]]:
        """Return what is written, in the order in which it came."""
        with self.client() as client:
            return [json.loads(fields[b"data"]) for _, fields in client.xrange(place)]

    def seqs(self, place: str) -> list[int]:
        """Return the numbers of what is written, in the order in which it came."""
        return [record["seq"] for record in self.records(place)]

    def prepare_example(self) -> None:
        """Forget earlier runs of the example."""
        with self.client() as client:
            client.delete("line_records")

    def steer_example(self) -> None:
        """Steer the example as its page says."""
        self._cli("XADD", "line_control", "*", "path", "Line_A.resources.lathe.current_cap", "value", "3")

    def example_says(self) -> str:
        """Return which capacity the example's last record has; nothing when there is none."""
        said = self._cli("XREVRANGE", "line_records", "+", "-", "COUNT", "1")
        return said.partition('"lathes":')[2][:1]

    def _cli(self, *arguments: str) -> str:
        command = ["redis-cli", "-u", self.url, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()
