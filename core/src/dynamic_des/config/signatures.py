"""The constructor is the schema: what a class may be given in a configuration file, and of which types."""

from __future__ import annotations

import collections.abc
import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, get_args, get_origin

import pydantic
from pydantic import BaseModel, ConfigDict, Field, create_model

import dynamic_des
from dynamic_des.serializers import MessageDeserializer, MessageSerializer

__all__ = ["Parameter", "Signature", "leading_parameters", "signature_of"]

_SETTINGS = ConfigDict(arbitrary_types_allowed=True, hide_input_in_errors=True, extra="forbid")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a constructor.

    Attributes:
        name: Its name, in Python and in the file.
        annotation: What pydantic checks it against.
        default: Its default; `inspect.Parameter.empty` when it has to be given.
        serializer: ``"serializer"`` or ``"deserializer"`` when it takes one, or a mapping of them.
        imported: Whether it takes something that a file can only name: ``"module:name"``.
        otherwise: Whether it takes something else besides, such as a number or a function that gives one. Text
            with no colon in it is then taken as it is.
    """

    name: str
    annotation: Any
    default: Any
    serializer: str | None = None
    imported: bool = False
    otherwise: bool = False

    @property
    def required(self) -> bool:
        """Whether it has to be given."""
        return self.default is inspect.Parameter.empty


@dataclass(frozen=True)
class Signature:
    """What a class may be given.

    Attributes:
        parameters: By name.
        open: Whether it takes further keys (``**kwargs``), for its client.
        client_keys: The keys that its client knows, when the class names its client.
        model: The pydantic model of the parameters.
    """

    parameters: dict[str, Parameter]
    open: bool
    client_keys: frozenset[str] | None
    model: type[BaseModel]


def signature_of(cls: type[Any], *, skip: tuple[str, ...] = ()) -> Signature:
    """Return what a class may be given.

    Args:
        cls: The class.
        skip: Leading parameters that the framework itself gives.
    """
    parameters: dict[str, Parameter] = {}
    is_open = False
    for found in _parameters(cls):
        if found.name in skip or found.kind is found.VAR_POSITIONAL:
            continue
        if found.kind is found.VAR_KEYWORD:
            is_open = True
            continue
        parameters[found.name] = _parameter(found, _namespace(cls))
    return Signature(parameters, is_open, _client_keys(cls), _model(cls.__name__, parameters))


def leading_parameters(cls: type[Any]) -> tuple[str, ...]:
    """Return the parameters of a resource kind that come from its name: not options.

    ``(env, name)``, or whatever stands before the first keyword-only parameter when the kind has a ``from_name``.
    """
    names = [found.name for found in _parameters(cls) if found.kind is not found.KEYWORD_ONLY]
    return tuple(names if hasattr(cls, "from_name") else names[:2])


def _parameters(cls: type[Any]) -> list[inspect.Parameter]:
    if cls.__init__ is object.__init__:
        return []
    return list(inspect.signature(cls.__init__).parameters.values())[1:]


def _parameter(found: inspect.Parameter, namespace: dict[str, Any]) -> Parameter:
    annotation = _evaluate(found.annotation, namespace)
    parts = set(_parts(annotation))
    serializer = None
    if any(isinstance(part, type) and issubclass(part, MessageDeserializer) for part in parts):
        serializer = "deserializer"
    if any(isinstance(part, type) and issubclass(part, MessageSerializer) for part in parts):
        serializer = "serializer"
    imported = not serializer and bool(parts & {Callable, collections.abc.Callable, type})
    checked = Any if serializer or imported else _without_iterables(annotation)
    otherwise = imported and any(not _is_imported(member) for member in _members(annotation))
    return Parameter(found.name, checked, found.default, serializer, imported, otherwise)


def _evaluate(annotation: Any, namespace: dict[str, Any]) -> Any:
    """Return an annotation as an object; Any where it cannot be found out."""
    if annotation is inspect.Parameter.empty:
        return Any
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, namespace)  # noqa: S307 - the annotation of a class that was imported anyway
    except Exception:  # noqa: BLE001 - a name that exists for type checkers only: not checked
        return Any


def _namespace(cls: type[Any]) -> dict[str, Any]:
    """Return what annotations may refer to, also where a module imports it for type checkers only."""
    usual: dict[str, Any] = {**vars(typing), **vars(collections.abc), "SecretStr": pydantic.SecretStr}
    usual["Path"] = import_module("pathlib").Path
    usual.update({name: getattr(dynamic_des, name) for name in ("MessageSerializer", "MessageDeserializer")})
    return {**usual, **vars(import_module(cls.__module__)), **vars(cls)}


def _parts(annotation: Any) -> list[Any]:
    """Return everything that an annotation is made of."""
    origin = get_origin(annotation)
    found = [annotation if origin is None else origin]
    for inner in get_args(annotation):
        if not isinstance(inner, list) and _hashable(inner):
            found += _parts(inner)
    return found


def _members(annotation: Any) -> list[Any]:
    """Return the alternatives of an annotation, None left out."""
    if get_origin(annotation) in (typing.Union, types.UnionType):
        return [member for inner in get_args(annotation) for member in _members(inner)]
    return [] if annotation in (None, types.NoneType) else [annotation]


def _is_imported(annotation: Any) -> bool:
    origin = get_origin(annotation)
    return (annotation if origin is None else origin) in (Callable, collections.abc.Callable, type)


def _hashable(value: Any) -> bool:
    return getattr(value, "__hash__", None) is not None


def _without_iterables(annotation: Any) -> Any:
    """Return an annotation in which an Iterable is a list: pydantic checks an Iterable only when it is consumed."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (collections.abc.Iterable, collections.abc.Sequence) and inner:
        return list[_without_iterables(inner[0])]  # type: ignore[misc]
    return annotation


def _client_keys(cls: type[Any]) -> frozenset[str] | None:
    """Return the keyword arguments of the client that a class passes its ``**kwargs`` to."""
    client = getattr(cls, "client", None)
    if isinstance(client, str):
        module, _, name = client.partition(":")
        client = getattr(import_module(module), name)
    if not callable(client):
        return None
    return frozenset(inspect.signature(client).parameters) - {"self", "args", "kwargs"}


def _model(name: str, parameters: dict[str, Parameter]) -> type[BaseModel]:
    # numbered fields with the parameters' names as aliases: a parameter may be called `schema` or `_x`
    fields: dict[str, Any] = {}
    for number, parameter in enumerate(parameters.values()):
        default = ... if parameter.required else parameter.default
        fields[f"field_{number}"] = (parameter.annotation, Field(default, alias=parameter.name))
    model: type[BaseModel] = create_model(name, __config__=_SETTINGS, **fields)
    return model
