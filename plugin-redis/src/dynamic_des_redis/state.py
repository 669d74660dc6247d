"""The current state of parameters, as Redis keeps it: a hash, or one key for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamic_des.messages import Message
from dynamic_des_redis.entries import as_text, json_or_text

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["current_state"]

_AT_ONCE = 1000


async def current_state(redis: Redis, hash_key: str | None, prefix: str | None) -> list[Message]:
    """Return the state to start from: one change for each object, of all its fields.

    The fields of one object belong together (``low`` and ``high``): they are applied completely or not at all. One
    object that is refused leaves the others alone.

    Args:
        redis: The client.
        hash_key: A hash: path → value.
        prefix: What the keys begin with whose rest is a path.
    """
    found: dict[str, Any] = {}
    if hash_key:
        for path, value in (await redis.hgetall(hash_key)).items():
            found[as_text(path)] = json_or_text(value)
    if prefix:
        found |= await _with_prefix(redis, prefix)
    objects: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(found):
        objects.setdefault(_object_of(path), []).append({"path": path, "value": found[path]})
    info = {"hash": hash_key} if hash_key else {"prefix": prefix}
    return [Message(changes, {}, info) for changes in objects.values()]


async def _with_prefix(redis: Redis, prefix: str) -> dict[str, Any]:
    pattern = "".join(f"\\{sign}" if sign in r"*?[]\^-" else sign for sign in prefix) + "*"
    keys = sorted({key async for key in redis.scan_iter(match=pattern, count=_AT_ONCE)})
    found: dict[str, Any] = {}
    for first in range(0, len(keys), _AT_ONCE):
        page = keys[first : first + _AT_ONCE]
        for key, value in zip(page, await redis.mget(page), strict=True):
            if value is not None:  # no text: a hash, a list, or gone meanwhile
                found[as_text(key).removeprefix(prefix)] = json_or_text(value)
    return found


def _object_of(path: str) -> str:
    """Return what a field belongs to: ``Line_A.service.turning`` of ``Line_A.service.turning.low``."""
    owner, _, _ = path.rpartition(".")
    return owner if owner.count(".") >= 2 else path  # a variable stands for itself
