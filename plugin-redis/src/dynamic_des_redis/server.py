"""The connection to a Redis server, and which of its errors no retry mends."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    AuthorizationError,
    NoPermissionError,
    RedisError,
    ResponseError,
)

from dynamic_des.errors import ConfigError, PermanentError, show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Server", "heed_cancellation"]

_REFUSED = (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    AuthorizationError,
    NoPermissionError,
)
_HOPELESS = ("WRONGTYPE", "NOPERM", "NOAUTH", "ERR unknown command", "unknown command")
_FORBIDDEN = ("The user executing the script can", "ACL failure in script")


class Server:
    """Where a Redis server is, and how to talk to it.

    Args:
        where: Who asks: the connector's class, for error texts.
        address: Name or address of the server, and its port.
        channel: The stream's key, or the channel.
        url: ``redis://…``, ``rediss://…`` or ``unix://…`` instead of the address.
        timeout_s: How long one answer may take, in wall seconds.
        options: Further arguments of `redis.asyncio.Redis`.

    Raises:
        ConfigError: If the client does not know an option, or cannot read the URL.
    """

    def __init__(
        self,
        where: str,
        address: tuple[str, int],
        *,
        channel: str,
        url: str | None,
        timeout_s: float,
        options: Mapping[str, Any],
    ) -> None:
        if isinstance(timeout_s, bool) or not isinstance(timeout_s, (int, float)) or not timeout_s > 0:
            raise ConfigError(f"{where}: timeout_s is {show(timeout_s)}. Give seconds, above 0.")
        if not isinstance(channel, str) or not channel:
            raise ConfigError(f"{where}: channel is {show(channel)}. Give the name of a stream or of a channel.")
        self.where = where
        self.timeout_s = timeout_s
        self._url = _plain(url)
        # the client's own retries would take many times the time-out, and write twice: core retries, and knows how
        self._options: dict[str, Any] = {
            "socket_timeout": timeout_s,
            "socket_connect_timeout": timeout_s,
            "retry": Retry(NoBackoff(), 0),
            **{key: _plain(value) for key, value in options.items()},
            "decode_responses": False,
        }
        if url is None:
            self._options |= {"host": address[0], "port": address[1]}
        client = self.connect()  # opens nothing: says now what is wrong with the options
        # its socket_timeout may come from the options, or from the URL
        self.timeout_s = min(timeout_s, client.connection_pool.connection_kwargs.get("socket_timeout") or timeout_s)

    def connect(self) -> Redis:
        """Return a new client; it opens connections when it needs them."""
        try:
            return Redis(**self._options) if self._url is None else Redis.from_url(self._url, **self._options)
        except TypeError as error:
            raise ConfigError(f"{self.where}: {error}. See the arguments of redis.asyncio.Redis.") from None
        except ValueError:  # whose text may quote the URL, and so the password
            raise ConfigError(
                f"{self.where}: the url cannot be read. Write redis://user:password@host:port/0 (rediss:// for TLS), "
                "with special characters percent-encoded."
            ) from None

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Turn what no retry mends into a `PermanentError`."""
        try:
            yield
        except RedisError as error:
            if isinstance(error, _REFUSED) or str(error).startswith(_FORBIDDEN):
                raise PermanentError(
                    f"{self.where}: Redis refuses: {error}. Check username, password and ACL."
                ) from error
            if isinstance(error, ResponseError) and str(error).startswith(_HOPELESS):
                raise PermanentError(f"{self.where}: Redis: {error}.") from error
            raise


def heed_cancellation() -> None:
    """Raise `asyncio.CancelledError` if the task was cancelled: the client may have swallowed it under a time-out."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _plain(value: Any) -> Any:
    """Return what a ``SecretStr`` holds; anything else as it is."""
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value
