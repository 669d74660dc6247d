"""Redis, as the tests of both stores see one."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import redis
from tests.services import redis as redis_service
from tests.stores.runs import PATH
from tests.stores.store import Store

from dynamic_des_redis import RedisEgress, RedisIngress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["RedisStore"]


class RedisStore(Store):
    """A place is a stream, which has an order of its own."""

    kind, service, port = "redis", redis_service.SERVICE, 6379
    egress_class, ingress_class = RedisEgress, RedisIngress
    address, place = "url", "channel"
    example = "examples/redis/line.toml"

    def __init__(self, url: str, server: Any = None) -> None:
        super().__init__(url.replace("redis://:", "redis://default:"), server)  # redis-cli takes no empty user

    @contextmanager
    def client(self, **options: Any) -> Iterator[Any]:
        with redis.Redis.from_url(self.url, **options) as client:
            yield client

    def change(self, place: str, values: Iterable[Any]) -> None:
        with self.client() as client, client.pipeline() as pipeline:
            for value in values:
                pipeline.xadd(place, {"path": PATH, "value": json.dumps(value)})
            pipeline.execute()

    def change_as_json(self, place: str, path: str, value: str) -> None:
        with self.client() as client:
            client.xadd(place, {"data": f'{{"path": "{path}", "value": {value}}}'})

    def records(self, place: str) -> list[dict[str, Any]]:
        with self.client() as client:
            return [json.loads(fields[b"data"]) for _, fields in client.xrange(place)]

    def seqs(self, place: str) -> list[int]:
        return [record["seq"] for record in self.records(place)]

    def forget(self, *prefixes: str) -> None:
        with self.client() as client:
            for prefix in prefixes:
                for key in client.keys(f"{prefix}*"):
                    client.delete(key)

    def steer_example(self) -> None:
        self._cli("XADD", "line_control", "*", "path", "Line_A.resources.lathe.current_cap", "value", "3")

    def example_says(self) -> str:
        said = self._cli("XREVRANGE", "line_records", "+", "-", "COUNT", "1")
        return said.partition('"lathes":')[2][:1]

    def _cli(self, *arguments: str) -> str:
        command = ["redis-cli", "-u", self.url, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()
