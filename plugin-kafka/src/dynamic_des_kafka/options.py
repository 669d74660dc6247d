"""Arguments, checked when they are given: a client would complain when it is made, each time anew."""

from __future__ import annotations

import asyncio
import inspect
from importlib import import_module
from math import inf
from threading import Thread
from typing import TYPE_CHECKING, Any

from dynamic_des.errors import ConfigError, nearest, show

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping

__all__ = ["a_function", "arguments", "check_seconds", "checked", "named", "rehearse", "run_beside"]

# of those whose default does not say what they are
_TEXTS = {
    "client_id", "client_rack", "compression_type", "group_instance_id", "sasl_kerberos_domain_name",
    "sasl_plain_password", "sasl_plain_username",
}  # fmt: skip
_NUMBERS = ("_ms", "_records")
_ISOLATION = ("read_committed", "read_uncommitted")
_REMEDIES = {"Compression library": "Run: pip install cramjam"}


def arguments(client: Callable[..., Any]) -> Mapping[str, Any]:
    """Return what a client can be given, with the defaults."""
    found = inspect.signature(client).parameters
    return {name: one.default for name, one in found.items() if name not in ("loop", "topics", "bootstrap_servers")}


def checked(where: str, options: Mapping[str, Any], clients: Iterable[Callable[..., Any]]) -> dict[str, Any]:
    """Return options of clients, with text that is a number or a flag as such: variables of the environment are text.

    Args:
        where: What they are for, in the texts of errors.
        options: The options.
        clients: The classes whose arguments they may be.

    Raises:
        ConfigError: For one that no client takes, or that is of the wrong type.
    """
    known: dict[str, Any] = {}
    for client in clients:
        known.update(arguments(client))
    taken = {}
    for key, value in options.items():
        if key not in known:
            raise ConfigError(f"{where}: {key!r} is no option of it nor of its client.{nearest(key, known)}")
        taken[key] = _typed(where, key, value, known[key])
    if taken.get("api_version") == "auto":  # what every client does when it is given none; newer ones warn of it
        del taken["api_version"]
    if "partitioner" in taken:
        taken["partitioner"] = a_function(where, "partitioner", taken["partitioner"])
    if "isolation_level" in taken and taken["isolation_level"] not in _ISOLATION:
        level = taken["isolation_level"]
        raise ConfigError(f"{where}: isolation_level is {show(level)}.{nearest(str(level), _ISOLATION)}")
    return taken


def _typed(where: str, key: str, value: Any, default: Any) -> Any:
    if value is None and default is None:
        return value
    if isinstance(default, bool):
        flag = {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else value
        if type(flag) is not bool:
            raise ConfigError(f"{where}: {key} is {show(value)}. Give true or false.")
        return flag
    if isinstance(default, int) or key.endswith(_NUMBERS) or key == "acks":
        return _number(where, key, value)
    if (isinstance(default, str) or key in _TEXTS) and not isinstance(value, str):
        shown = type(value).__name__ if "password" in key else show(value)
        raise ConfigError(f"{where}: {key} is no text, but {shown}. Write it in quotes.")
    return value


def _number(where: str, key: str, value: Any) -> Any:
    if key == "acks":
        if str(value) not in ("0", "1", "-1", "all") or isinstance(value, bool):
            raise ConfigError(f"{where}: acks is {show(value)}. Give 'all', 1 or 0.")
        return value if value == "all" else int(value)
    number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 <= number < inf:
        raise ConfigError(f"{where}: {key} is {show(value)}. Give a number, at least 0.")
    return number


def check_seconds(where: str, **given: Any) -> None:
    """Check durations, by the argument that they are given as.

    Raises:
        ConfigError: For one that is no number above 0.
    """
    for key, value in given.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < inf:
            raise ConfigError(f"{where}: {key} is {show(value)}. Give seconds, above 0.")


def a_function(where: str, key: str, given: Any) -> Any:
    """Return a function that was given as such, or as ``"module:name"``; None when None.

    Raises:
        ConfigError: If it is neither.
    """
    found = named(where, key, given) if isinstance(given, str) else given
    if found is not None and not callable(found):
        raise ConfigError(f"{where}: {key} is {show(found)}. Give a function, or 'module:name' of one.")
    return found


def named(where: str, key: str, name: str) -> Any:
    """Return what ``"module:name"`` names.

    Raises:
        ConfigError: If it names nothing.
    """
    module, _, attribute = name.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"{where}: {key} {show(name)}: {error}. Give 'module:name'.") from error


def rehearse(where: str, client: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Make a client that connects to nothing, and forget it.

    Raises:
        ConfigError: If it refuses its arguments.
    """

    async def make() -> None:
        client(**options)._closed = True  # it would miss its end

    try:
        run_beside(make())
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        remedy = next((one for text, one in _REMEDIES.items() if text in str(error)), "Mend that argument")
        raise ConfigError(f"{where}: {client.__name__}: {str(error).rstrip('.!')}. {remedy}.") from error


def run_beside(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in a loop and a thread of its own: the thread at hand may have a loop that is running."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failed.append(error)

    thread = Thread(target=run, name="kafka beside")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
