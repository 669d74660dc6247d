"""The connection to a PostgreSQL server, and which of its errors no retry mends."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import asyncpg

from dynamic_des.errors import ConfigError, PermanentError, show

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

__all__ = ["LOST", "Connection", "Server", "transaction"]

Connection = Any  # asyncpg's is generic over its own records
LOST = "the connection to PostgreSQL is lost"
_SECRET = re.compile(r"://[^\s:/@]*:(\S+)@")
_HOPELESS = (
    asyncpg.InvalidAuthorizationSpecificationError,  # a wrong password among them
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.SyntaxOrAccessError,  # no such table or column, not of that type, no unique index, not allowed
    asyncpg.FeatureNotSupportedError,  # COPY into a table with row-level security
)
_PASSING = (asyncpg.DuplicatePreparedStatementError, asyncpg.InvalidCachedStatementError)  # of this connection only
_POOL_ONLY = {"min_size", "max_size", "max_queries", "max_inactive_connection_lifetime", "setup", "init", "loop"}


class Server:
    """Where a PostgreSQL server is, and how to talk to it.

    Args:
        where: Who asks: the connector's class, for error texts.
        dsn: ``postgresql://user:password@host:port/database``.
        timeout_s: How long one answer may take, in wall seconds.
        options: Further arguments of `asyncpg.connect`. Those that only a pool has are taken and not needed.
    """

    def __init__(self, where: str, dsn: str, timeout_s: float, options: Mapping[str, Any]) -> None:
        if isinstance(timeout_s, bool) or not isinstance(timeout_s, (int, float)) or not timeout_s > 0:
            raise ConfigError(f"{where}: timeout_s is {show(timeout_s)}. Give seconds, above 0.")
        self.where = where
        self.timeout_s = timeout_s
        self._dsn = _plain(dsn)
        self._options = {key: _plain(value) for key, value in options.items() if key not in _POOL_ONLY}
        self._options = {"timeout": timeout_s, "command_timeout": timeout_s, **self._options}

    async def connect(self) -> Connection:
        """Return a new connection.

        Raises:
            PermanentError: If no retry would help. No text holds anything of the password.
        """
        try:
            with self.explaining():
                return await asyncpg.connect(self._dsn, **self._options)
        except TypeError as error:
            raise PermanentError(f"{self.where}: {error}. See the arguments of asyncpg.connect.") from None
        except Exception as error:
            # an untrusted certificate is an OSError and a ValueError, too: it may be renewed
            if isinstance(error, ValueError) and not isinstance(error, OSError):
                raise PermanentError(  # asyncpg's ClientConfigurationError among them: its text may quote the password
                    f"{self.where}: the DSN cannot be read. Write postgresql://user:password@host:port/database, with "
                    "special characters percent-encoded."
                ) from None
            said = str(error)
            if self._redacted(said) != said:
                raise ConnectionError(self._redacted(said)) from None
            raise

    async def disconnect(self, connection: Connection | None) -> None:
        """End a connection, whatever state it is in."""
        if connection is None:
            return
        try:
            await connection.close(timeout=min(1.0, self.timeout_s))
        except Exception:  # noqa: BLE001 - whatever is wrong with it, nothing of it is left
            connection.terminate()

    @contextmanager
    def explaining(self, *, at_work: bool = False) -> Iterator[None]:
        """Turn what no retry mends into a `PermanentError`; say of a time-out what it was.

        Args:
            at_work: The tables were there: one that is gone now is being made anew, perhaps.
        """
        try:
            yield
        except TimeoutError as error:
            raise (error if str(error) else TimeoutError(f"no answer within {self.timeout_s:g} s")) from None
        except _HOPELESS as error:
            if isinstance(error, _PASSING) or (at_work and isinstance(error, asyncpg.UndefinedTableError)):
                raise
            said = self._redacted(str(error))
            raise PermanentError(f"{self.where}: PostgreSQL refuses: {said}.") from None

    def _redacted(self, text: str) -> str:
        found = _SECRET.search(self._dsn or "")
        secrets = [str(self._options["password"])] if isinstance(self._options.get("password"), str) else []
        if found:
            # one that should have been percent-encoded is cut at its special characters, and its pieces wander
            secrets += [found[1], unquote(found[1]), *re.split(r"[/@:?#]", found[1])]
        for secret in sorted(filter(None, secrets), key=len, reverse=True):
            text = text.replace(secret, "********")
        return text


@asynccontextmanager
async def transaction(connection: Connection) -> AsyncIterator[None]:
    """Commit what is done within, or roll it back; on a connection that is gone nothing is left to roll back.

    asyncpg's own would raise that it cannot, in the place of what the connection was lost by.
    """
    its = connection.transaction()
    await its.start()
    try:
        yield
    except BaseException:
        if not connection.is_closed():
            await its.rollback()
        raise
    await its.commit()


def _plain(value: Any) -> Any:
    """Return what a ``SecretStr`` holds; anything else as it is."""
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value
