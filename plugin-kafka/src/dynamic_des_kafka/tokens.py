"""What gives tokens to sign in with: OAuth, and the clouds' own ways that are built on it."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from aiokafka.abc import AbstractTokenProvider

from dynamic_des.errors import ConfigError
from dynamic_des_kafka.options import named

__all__ = ["token_provider"]


def token_provider(where: str, given: Any) -> AbstractTokenProvider:
    """Return what the clients ask for tokens.

    Args:
        where: What it is for, in the texts of errors.
        given: An object with a method ``token``, what makes one when it is called, or ``"module:name"`` of either.

    Raises:
        ConfigError: If it is none of these.
    """
    if isinstance(given, str):
        given = named(where, "sasl_oauth_token_provider", given)
    if isinstance(given, type) or (callable(given) and not hasattr(given, "token")):
        given = given()
    if not callable(getattr(given, "token", None)):
        raise ConfigError(
            f"{where}: sasl_oauth_token_provider is {type(given).__name__}, which has no token(). "
            "Give an aiokafka.abc.AbstractTokenProvider, what makes one, or 'module:name' of either."
        )
    return given if isinstance(given, AbstractTokenProvider) else _Adapted(given)


class _Adapted(AbstractTokenProvider):  # type: ignore[misc]
    """A provider that is not derived from the client's class, which takes no other."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider

    async def token(self) -> str:
        token = self._provider.token
        answer = await (token() if inspect.iscoroutinefunction(token) else asyncio.to_thread(token))
        return str(answer)

    def extensions(self) -> dict[str, str]:
        extensions = getattr(self._provider, "extensions", dict)
        return dict(extensions())
