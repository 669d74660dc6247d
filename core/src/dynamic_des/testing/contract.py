"""What the contracts of connectors share."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ConnectorContract"]


class ConnectorContract:
    """The base of `EgressContract` and `IngressContract`.

    Attributes:
        patience_s: How long, in wall seconds, anything may take before a test fails.
        longest_block_s: For how long the connector may keep the event loop, which it shares with all others, busy.
    """

    patience_s: ClassVar[float] = 30.0
    longest_block_s: ClassVar[float] = 0.1

    @cached_property
    def unique(self) -> str:
        """A name that is different in each test and each run: for topics, tables, files, groups."""
        return f"contract_{secrets.token_hex(6)}"

    def break_connection(self) -> None:
        """Make the server unreachable, for connections that exist and for new ones.

        Override it together with `restore`: stop a proxy, lock the database. The tests of outages are skipped
        otherwise. Called from the test's own thread.
        """

    def restore(self) -> None:
        """Undo `break_connection`."""

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Break the connection, and restore it at the end."""
        self.break_connection()
        try:
            yield
        finally:
            self.restore()

    def needs_outages(self) -> None:
        """Skip the test when the connection cannot be broken."""
        if type(self).break_connection is ConnectorContract.break_connection:
            pytest.skip(f"{type(self).__name__} has no break_connection() and restore(), so outages are not tested")
