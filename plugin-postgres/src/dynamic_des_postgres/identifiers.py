"""Names of tables, quoted; and text, for SQL that is shown."""

from __future__ import annotations

from dynamic_des.errors import ConfigError, show

__all__ = ["literal", "quoted"]

_LONGEST = 63  # bytes; PostgreSQL cuts what is longer, without an error


def quoted(name: str, suffix: str = "") -> str:
    """Return the name of a table as SQL: ``"schema"."table"``.

    Args:
        name: The table, or the schema, a dot and the table.
        suffix: What is appended to the table's name.

    Raises:
        ConfigError: If it cannot be the name of a table.
    """
    parts = f"{name}{suffix}".split(".") if isinstance(name, str) else []
    for part in parts:
        if not part or "\0" in part or len(part.encode("utf-8", "surrogatepass")) > _LONGEST:
            parts = []
            break
    if not 1 <= len(parts) <= 2:
        raise ConfigError(
            f"{show(name)} cannot be the name of a table. Give 'table' or 'schema.table', each of at most {_LONGEST} "
            "bytes."
        )
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(text: str) -> str:
    """Return text as SQL, for a statement that somebody may run: the plugin's own have parameters."""
    return "'" + text.replace("'", "''") + "'"
