"""The constructor is the schema: what a class may be given in a configuration file, and of which types."""

from __future__ import annotations

import collections.abc
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal, Union, get_origin

from dynamic_des.config.annotations import evaluate, holds_secret, members, parts
from dynamic_des.errors import PluginError, show
from dynamic_des.kinds import KINDS

__all__ = ["Client", "Parameter", "Signature", "client_of", "leading_parameters", "signature_of"]

_TABLES = (dict, Mapping, collections.abc.MutableMapping)
_WRITTEN = (str, int, float, bool, list, tuple, collections.abc.Sequence, Literal, *_TABLES)

Role = Literal["plain", "ingress", "egress", "serializer", "deserializer", "callable", "class"]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a constructor.

    Attributes:
        name: Its name, in Python and in the file.
        values: What of it a file can hold, as an annotation: all of it when it is plain; else what may stand in the
            place of a name, such as the number that a function would return. None when there is nothing.
        default: Its default; `inspect.Parameter.empty` when it has to be given.
        role: ``"plain"`` for what a file can hold, ``"callable"`` or ``"class"`` for what it can name; else the kind
            of plugin that a sub-table describes.
        mapped: Whether it takes a mapping of such things.
        secret: Whether its value must never be shown.
        kinds: Of a class that is to be named: objects of which kinds may be named instead.
    """

    name: str
    values: Any
    default: Any
    role: Role = "plain"
    mapped: bool = False
    secret: bool = False
    kinds: tuple[type, ...] = ()

    @property
    def required(self) -> bool:
        """Whether it has to be given."""
        return self.default is inspect.Parameter.empty


@dataclass(frozen=True)
class Signature:
    """What a class or a function may be given.

    Attributes:
        name: Its name.
        parameters: By name.
        open: Whether it takes further keys (``**kwargs``), for its client.
    """

    name: str
    parameters: dict[str, Parameter]
    open: bool


@dataclass(frozen=True)
class Client:
    """What the client behind a connector may be given.

    Attributes:
        keys: The keyword arguments that it names.
        open: Whether it takes others as well.
    """

    keys: frozenset[str]
    open: bool


def signature_of(target: Any, skip: tuple[str, ...] = ()) -> Signature:
    """Return what a class or a function may be given.

    Args:
        target: The class or function.
        skip: Leading parameters that the framework itself gives.

    Raises:
        PluginError: If it has no signature that can be read.
    """
    return _signature_of(target, skip)


@lru_cache(maxsize=256)
def _signature_of(target: Any, skip: tuple[str, ...]) -> Signature:
    namespace = _namespace(target)
    found = [one for one in _parameters(target) if one.name not in skip and one.kind is not one.VAR_POSITIONAL]
    named = {one.name: _parameter(one, namespace) for one in found if one.kind is not one.VAR_KEYWORD}
    return Signature(_name(target), named, open=len(named) < len(found))


def leading_parameters(cls: type[Any]) -> tuple[str, ...]:
    """Return the parameters of a resource kind that come from its name: not options.

    ``(env, name)``, or whatever stands before the first keyword-only parameter when the kind has a ``from_name``.
    """
    names = [one.name for one in _parameters(cls) if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return tuple(names if hasattr(cls, "from_name") else names[:2])


def client_of(cls: type[Any]) -> Client | None:
    """Return what the ``**kwargs`` of a connector may hold, if its class says where they go.

    The class attribute ``client`` is a callable, ``"module:callable"``, or a sequence of them: the arguments of all
    are known. Imports the client.

    Raises:
        PluginError: If there is no such client.
    """
    named = getattr(cls, "client", None)
    places = named if isinstance(named, (list, tuple)) else [named]
    keys: set[str] = set()
    is_open = True
    for place in places:
        try:
            target = _client(place) if isinstance(place, str) else place
            arguments = inspect.signature(target).parameters.values() if callable(target) else None
        except (ImportError, AttributeError) as error:
            raise PluginError(
                f"{cls.__name__}.client: {place}: {error}. Name the client as 'module:callable'."
            ) from error
        except (TypeError, ValueError):  # written in C, without a signature
            arguments = None
        if arguments is None:
            return None
        is_open = any(one.kind is one.VAR_KEYWORD for one in arguments)  # those of the last one
        keys |= {one.name for one in arguments if one.kind in (one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD)}
    return Client(frozenset(keys - {"self"}), is_open)


def _client(place: str) -> Any:
    module, _, name = place.partition(":")
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _parameters(target: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(target).parameters.values())
    except (TypeError, ValueError) as error:
        raise PluginError(f"{_name(target)}: {error}. Give it a constructor in Python.") from error


def _namespace(target: Any) -> dict[str, Any]:
    """Return the globals that the annotations of a signature refer to."""
    function = inspect.unwrap(getattr(target, "__init__") if isinstance(target, type) else target)  # noqa: B009 - mypy
    found: dict[str, Any] | None = getattr(function, "__globals__", None)
    return vars(import_module(target.__module__)) if found is None else found


def _parameter(found: inspect.Parameter, namespace: dict[str, Any]) -> Parameter:
    annotation = Any if found.annotation is found.empty else evaluate(found.annotation, namespace)
    inside = parts(annotation)
    role = _role(inside)
    return Parameter(
        found.name,
        annotation if role == "plain" else _written(annotation),
        found.default,
        role=role,
        mapped=any(part in _TABLES for part in inside),
        secret=holds_secret(annotation),
        kinds=tuple(one for one in members(annotation) if isinstance(one, type) and one not in _WRITTEN),
    )


def _role(inside: list[Any]) -> Role:
    classes = [part for part in inside if isinstance(part, type)]
    for kind in KINDS.values():
        if kind.base and any(kind.has(one) for one in classes):
            return kind.name  # type: ignore[return-value]
    if Callable in inside:
        return "callable"
    return "class" if type in inside else "plain"


def _written(annotation: Any) -> Any:
    """Return what of an annotation TOML itself can write; None if nothing."""
    rest = tuple(one for one in members(annotation) if (get_origin(one) or one) in _WRITTEN)
    return Union[rest] if rest else None  # noqa: UP007 - made from a tuple


def _name(target: Any) -> str:
    return getattr(target, "__name__", None) or show(target)
