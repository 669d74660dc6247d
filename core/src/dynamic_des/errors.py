"""Everything that this framework raises.

::

    DynamicDesError
    ├── ParameterError        (ValueError)    a parameter of the model makes no sense
    ├── UnknownPathError      (KeyError)      no such path in the registry
    ├── WrongThreadError      (RuntimeError)  the model was touched from outside its thread
    ├── ConfigError           (ValueError)    a configuration is wrong
    ├── PluginError           (LookupError)   a plugin is missing, broken or of the wrong kind
    ├── DecodeError           (ValueError)    a message is not a change
    ├── EncodeError           (ValueError)    a record cannot be written in this format
    ├── PermanentError        (RuntimeError)  a connector says: retrying will not help
    ├── UnavailableError      (ConnectionError)  a serializer says: try again later
    └── ResourceError         (RuntimeError)  a resource was used in a way that it forbids

Every text reads ``where: what is wrong, with the value. What to do.`` and keeps the original as
``__cause__`` where there is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

__all__ = [
    "ConfigError",
    "DecodeError",
    "DynamicDesError",
    "EncodeError",
    "ParameterError",
    "PermanentError",
    "PluginError",
    "ResourceError",
    "UnavailableError",
    "UnknownPathError",
    "WrongThreadError",
    "nearest",
    "raised",
    "show",
    "suggest",
]


_MISTAKES = (AssertionError, AttributeError, LookupError, NameError, TypeError)
_ANOTHER_CASE = 0.85  # how alike two names must be that share no letter in the same case


class DynamicDesError(Exception):
    """The root of the tree: catches everything this framework raises on purpose."""


class ParameterError(DynamicDesError, ValueError):
    """A parameter of the model makes no sense: a negative rate, a capacity of 0.5, NaN."""


class UnknownPathError(DynamicDesError, KeyError):
    """No such path in the registry. Names the nearest one."""

    def __str__(self) -> str:
        # KeyError shows the repr of its argument, which would quote and escape the sentence
        return str(self.args[0]) if self.args else ""


class WrongThreadError(DynamicDesError, RuntimeError):
    """The model was touched from a thread that is not the simulation's. Use ``env.post``."""


class ConfigError(DynamicDesError, ValueError):
    """A configuration is wrong: in a file, or in the arguments of a constructor."""


class PluginError(DynamicDesError, LookupError):
    """A plugin is not installed, cannot be imported, or is of the wrong kind."""


class DecodeError(DynamicDesError, ValueError):
    """A message that an ingress yielded is not a change of parameters."""


class EncodeError(DynamicDesError, ValueError):
    """A record cannot be written in the format asked for."""


class PermanentError(DynamicDesError, RuntimeError):
    """Raised by a connector for a failure that no retry mends, such as a wrong password.

    From ``BaseEgress.write`` it means that the sink has failed for good: its records stay counted as not
    written, and nothing further is sent to it. From an ingress it ends the reopening.
    """


class UnavailableError(DynamicDesError, ConnectionError):
    """Raised by a serializer or a deserializer that cannot reach what it needs, such as a schema registry.

    Nothing is set aside or refused for it: the batch, or the message, waits and is tried again with growing pauses.
    """


class ResourceError(DynamicDesError, RuntimeError):
    """A resource was used in a way that it forbids: a full bounded queue, a release of nothing held."""


def nearest(name: object, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return `` Did you mean 'x'?`` for the nearest known name, or nothing.

    Args:
        name: What was given.
        known: What could have been meant.
        cutoff: How alike the two must be, from 0 to 1.
    """
    from difflib import get_close_matches  # milliseconds, and most runs make no mistake

    names = list(known)
    try:
        given = str(name)[:200]
        matches = get_close_matches(given, names, n=1, cutoff=cutoff)
        if not matches:  # another case throughout
            folded = {one.casefold(): one for one in names}
            found = get_close_matches(given.casefold(), folded, n=1, cutoff=max(cutoff, _ANOTHER_CASE))
            matches = [folded[one] for one in found]
    except (ValueError, RecursionError):  # an integer of 5000 digits, a list nested 5000 deep
        return ""
    return f" Did you mean {matches[0]!r}?" if matches else ""


def suggest(name: object, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest known name, or the list of all of them."""
    names = list(known)
    return nearest(name, names) or f" There are {', '.join(names) or 'none'}."


def show(value: object, limit: int = 80) -> str:
    """Return ``repr(value)`` for an error text: never raises, never longer than ``limit``."""
    try:
        text = repr(value)
    except BaseException:  # noqa: BLE001 - a foreign __repr__ may raise anything, and this is an error's text
        text = f"<{type(value).__name__}>"
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def told(error: BaseException) -> str:
    """Return the kind of an exception and what it says: never raises, for a foreign ``__str__`` may."""
    try:
        return f"{type(error).__name__}: {error}"
    except BaseException:  # noqa: BLE001 - the same as in `show`
        return type(error).__name__


def told_by_connector(error: BaseException) -> str:
    """Return what an exception of a connector says: with file and line where it looks like a mistake in its code."""
    mistake = isinstance(error, _MISTAKES) and not isinstance(error, DynamicDesError)
    return raised(error) if mistake and not _is_own(error) else told(error)


def raised(error: BaseException) -> str:
    """Return what an exception says, and the file and line that it comes from."""
    text = told(error).removesuffix(": ")  # where it says nothing
    text = text.strip().replace("\n", " ").removesuffix(".")
    trace = _innermost(error)
    if trace is None or isinstance(error, SyntaxError):  # which says its place itself
        return text
    file = trace.tb_frame.f_code.co_filename.replace("\\", "/").rpartition("/")[2]
    return f"{text} ({file}, line {trace.tb_lineno})"


def _is_own(error: BaseException) -> bool:
    """Return whether it was raised by this package itself, whose lines say nothing to the author of a connector."""
    trace = _innermost(error)
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__")).startswith("dynamic_des.")


def _innermost(error: BaseException) -> TracebackType | None:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace
