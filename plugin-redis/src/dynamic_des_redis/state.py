"""The current state of parameters, as Redis keeps it: a hash, or one key for each."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import PermanentError
from dynamic_des.messages import Message
from dynamic_des.objects import by_object
from dynamic_des_redis.entries import as_text, json_or_text

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["current_state"]

log = logging.getLogger("dynamic_des.redis")

_AT_ONCE = 1000


async def current_state(redis: Redis, hash_key: str | None, prefix: str | None) -> list[Message]:
    """Return the state to start from: one change for each object, of all its fields.

    Args:
        redis: The client.
        hash_key: A hash: path → value.
        prefix: What the keys begin with whose rest is a path.

    Raises:
        PermanentError: If the key holds no hash.
    """
    found: dict[str, Any] = {}
    if hash_key:
        found |= await _in_hash(redis, hash_key)
    if prefix:
        found |= await _with_prefix(redis, prefix)
    info = {"hash": hash_key} if hash_key else {"prefix": prefix}
    return [
        Message([{"path": path, "value": value} for path, value in changes], {}, info)
        for changes in by_object(sorted(found.items(), key=lambda pair: pair[0]))
    ]


async def _in_hash(redis: Redis, key: str) -> dict[str, Any]:
    kind = as_text(await redis.type(key))
    if kind == "none":
        log.warning("there is no hash %s: the run begins without it", key)
        return {}
    if kind != "hash":
        raise PermanentError(f"RedisIngress: snapshot_hash: {key} holds a {kind}. Name a hash of path → value.")
    return {as_text(path): json_or_text(value) for path, value in (await redis.hgetall(key)).items()}


async def _with_prefix(redis: Redis, prefix: str) -> dict[str, Any]:
    pattern = "".join(f"\\{sign}" if sign in r"*?[]\^-" else sign for sign in prefix) + "*"
    keys = sorted({key async for key in redis.scan_iter(match=pattern, count=_AT_ONCE)})
    found: dict[str, Any] = {}
    passed_over: list[str] = []
    for first in range(0, len(keys), _AT_ONCE):
        page = keys[first : first + _AT_ONCE]
        for key, value in zip(map(as_text, page), await redis.mget(page), strict=True):
            if value is None:  # a hash, a list, or gone meanwhile
                passed_over.append(key)
            else:
                found[key.removeprefix(prefix)] = json_or_text(value)
    if passed_over:
        log.warning("%d keys hold no text and are passed over, first %s", len(passed_over), passed_over[0])
    return found
