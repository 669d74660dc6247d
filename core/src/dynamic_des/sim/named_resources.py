"""What a configuration file calls resources, by name."""

from __future__ import annotations

from typing import Any, NoReturn

from dynamic_des.errors import UnknownPathError, show, suggest

__all__ = ["NamedResources"]


class NamedResources(dict[str, Any]):
    """A dictionary that names the nearest name when there is none of the one asked for."""

    def __missing__(self, name: object) -> NoReturn:
        """Raise `UnknownPathError`, which is a KeyError."""
        text = f"env.resources: there is no resource {show(name)}.{suggest(name, self)}"
        raise UnknownPathError(f"{text} In a configuration file it is a table [resources.<name>].")
