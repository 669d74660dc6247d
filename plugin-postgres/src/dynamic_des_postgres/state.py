"""The current state of parameters, as a table or a view holds it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dynamic_des.messages import Message

if TYPE_CHECKING:
    from dynamic_des_postgres.server import Connection

__all__ = ["current_state"]


async def current_state(connection: Connection, table: str) -> list[Message]:
    """Return the state to start from: one change for each object, of all its fields.

    The fields of one object belong together (``low`` and ``high``): they are applied completely or not at all. One
    object that is refused leaves the others alone.

    Args:
        connection: The connection.
        table: The quoted name of the table: ``path`` and ``value``, of any type that has a JSON form.
    """
    rows = await connection.fetch(f"SELECT path, to_jsonb(value)::text AS value FROM {table} ORDER BY path")
    objects: dict[str, list[dict[str, Any]]] = {}
    for path, text in rows:
        value = None if text is None else json.loads(text)
        objects.setdefault(_object_of(path), []).append({"path": path, "value": value})
    return [Message(changes, {}, {"table": table}) for changes in objects.values()]


def _object_of(path: str) -> str:
    """Return what a field belongs to: ``Line_A.service.turning`` of ``Line_A.service.turning.low``."""
    owner, _, _ = path.rpartition(".")
    return owner if owner.count(".") >= 2 else path  # a variable stands for itself
