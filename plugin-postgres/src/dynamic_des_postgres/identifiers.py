"""Names of tables, quoted; and text, for SQL that is shown."""

from __future__ import annotations

from dynamic_des.errors import ConfigError, show

__all__ = ["literal", "quoted"]

_LONGEST = 63  # bytes; PostgreSQL cuts what is longer, without an error


def quoted(name: str) -> str:
    """Return the name of a table as SQL: ``"schema"."table"``.

    Args:
        name: The table, or the schema, a dot and the table.

    Raises:
        ConfigError: If it cannot be the name of a table.
    """
    parts = name.split(".") if isinstance(name, str) else []
    if not all(map(_possible, parts)):
        parts = []
    if not 1 <= len(parts) <= 2:
        raise ConfigError(
            f"{show(name)} cannot be the name of a table. Give 'table' or 'schema.table', each of at most {_LONGEST} "
            "bytes."
        )
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def _possible(part: str) -> bool:
    try:
        return bool(part) and "\0" not in part and len(part.encode()) <= _LONGEST
    except UnicodeEncodeError:  # half a surrogate pair
        return False


def literal(text: str) -> str:
    """Return text as SQL, for a statement that somebody may run: the plugin's own have parameters."""
    return "'" + text.replace("'", "''") + "'"
