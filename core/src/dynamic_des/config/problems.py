"""What is wrong with a configuration file: everything at once, each with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_des.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Problems"]


class Problems:
    """Collects what is wrong, so that one look at the output mends the whole file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._found: list[str] = []

    def __len__(self) -> int:
        return len(self._found)

    def add(self, table: str, key: str | None, text: str) -> None:
        """Note a problem.

        Args:
            table: The table's name as in the file, such as ``"egress.screen"``; empty for the file itself.
            key: The key in it, or None for the table as a whole.
            text: What is wrong, and what to do.
        """
        place = " ".join(part for part in (f"[{table}]" if table else "", key) if part)
        self._found.append(f"{self._file}: {place}: {text}" if place else f"{self._file}: {text}")

    def raise_any(self) -> None:
        """Raise everything that was noted, if anything was.

        Raises:
            ConfigError: One line a problem.
        """
        if self._found:
            raise ConfigError("\n".join(self._found))
