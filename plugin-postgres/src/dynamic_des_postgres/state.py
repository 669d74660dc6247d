"""The current state of parameters, as a table or a view holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_des.messages import Message
from dynamic_des.objects import by_object
from dynamic_des_postgres.change import change_of

if TYPE_CHECKING:
    from dynamic_des_postgres.server import Connection

__all__ = ["current_state"]


async def current_state(connection: Connection, table: str) -> list[Message]:
    """Return the state to start from: one change for each object, of all its fields.

    Args:
        connection: The connection.
        table: The quoted name of the table: ``path`` and ``value``, of any type that has a JSON form.
    """
    rows = await connection.fetch(f"SELECT path::text, to_jsonb(value)::text FROM {table} ORDER BY path")
    return [
        Message(f"[{', '.join(change_of(*row) for row in rows)}]", {}, {"table": table}) for rows in by_object(rows)
    ]
