"""What the annotations of a constructor mean for a configuration file. Needs no pydantic."""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import dynamic_des

__all__ = ["LISTS", "evaluate", "expected", "holds_secret", "members", "parts", "plainly"]

# what annotations refer to where a module imports it for type checkers only; besides the names of typing,
# collections.abc and dynamic_des
_USUAL = {
    "SecretStr": "pydantic:SecretStr",
    "Path": "pathlib:Path",
    "datetime": "datetime:datetime",
}
LISTS = (list, collections.abc.Sequence, collections.abc.Iterable)
_WORDS = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    list: "a list",
    tuple: "a list",
    dict: "a table",
    Mapping: "a table",
    Path: "a path",
    datetime: "a date and time",
    collections.abc.Sequence: "a list",
    collections.abc.Iterable: "a list",
    set: "a list",
}


def evaluate(annotation: Any, namespace: dict[str, Any]) -> Any:
    """Return an annotation as an object; Any where it cannot be found out.

    Args:
        annotation: As `inspect.signature` has it: often text.
        namespace: The globals of where it is written.
    """
    if not isinstance(annotation, str):
        return Any if annotation is None else annotation
    try:
        return eval(annotation, namespace, _Usual(namespace))  # noqa: S307 - of a class that was imported anyway
    except Exception:  # noqa: BLE001 - a name that exists for type checkers only: not checked
        return Any


def members(annotation: Any) -> list[Any]:
    """Return the alternatives of a union, without None; else the annotation alone."""
    if get_origin(annotation) in (Union, types.UnionType):
        return [one for one in get_args(annotation) if one is not types.NoneType]
    return [annotation]


def parts(annotation: Any) -> list[Any]:
    """Return everything that an annotation is made of."""
    origin = get_origin(annotation)
    found = [annotation if origin is None else origin]
    for inner in get_args(annotation) if origin is not Literal else ():
        if not isinstance(inner, list):
            found += parts(inner)
    return found


def holds_secret(annotation: Any) -> bool:
    """Return whether an annotation asks for a ``SecretStr``, or something like it."""
    return any(getattr(part, "__name__", "") in ("SecretStr", "SecretBytes", "Secret") for part in parts(annotation))


def expected(annotation: Any) -> str:
    """Return what to write, in words: ``"a whole number"``, ``"'block' or 'spill'"``."""
    words = [_expected(one) for one in members(annotation)]
    return " or ".join(dict.fromkeys(words))


def plainly(annotation: Any, value: Any) -> tuple[bool, Any]:
    """Return whether a value is of the annotated type beyond doubt, and the value as a constructor wants it.

    A shortcut: importing pydantic takes longer than everything else that is done with a small file. What is not
    plain (text for a number, a class of pydantic's) is left to pydantic, and so is everything that is wrong.
    """
    if annotation is Any:
        return True, value
    if get_origin(annotation) in (Union, types.UnionType):
        return _plainly_one_of(get_args(annotation), value)
    if get_origin(annotation) is Literal:
        return any(type(one) is type(value) and one == value for one in get_args(annotation)), value
    if get_origin(annotation) in LISTS:
        return _plainly_list(get_args(annotation), value)
    return _plainly_simple(annotation, value)


def _plainly_simple(annotation: Any, value: Any) -> tuple[bool, Any]:
    if annotation in (str, bool, int, datetime):
        return type(value) is annotation, value
    if annotation is float:
        if type(value) is int and abs(value) < 2**53:
            return True, float(value)
        return type(value) is float and value == value, value
    if annotation is types.NoneType:
        return value is None, value
    if annotation is Path and type(value) is str:
        return True, Path(value)
    return False, value


def _plainly_one_of(alternatives: tuple[Any, ...], value: Any) -> tuple[bool, Any]:
    for alternative in alternatives:
        if type(value) is alternative:
            return plainly(alternative, value)
    if len([one for one in alternatives if one is not types.NoneType]) > 1:
        return False, value  # which one is meant is for pydantic to say
    for alternative in alternatives:
        plain, converted = plainly(alternative, value)
        if plain:
            return True, converted
    return False, value


def _plainly_list(inner: tuple[Any, ...], value: Any) -> tuple[bool, Any]:
    if type(value) is not list or len(inner) != 1:
        return False, value
    if get_origin(inner[0]) is tuple:  # a schedule: (delay, path, value)
        return _plainly_rows(get_args(inner[0]), value)
    results = [plainly(inner[0], item) for item in value]
    return all(plain for plain, _ in results), [converted for _, converted in results]


def _plainly_rows(columns: tuple[Any, ...], rows: list[Any]) -> tuple[bool, Any]:
    made = []
    for row in rows:
        if type(row) is not list or len(row) != len(columns) or Ellipsis in columns:
            return False, rows
        cells = [plainly(column, cell) for column, cell in zip(columns, row, strict=True)]
        if not all(plain for plain, _ in cells):
            return False, rows
        made.append(tuple(converted for _, converted in cells))
    return True, made


def _expected(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(repr(one) for one in get_args(annotation))
    if get_origin(annotation) is typing.Annotated:
        return _expected(get_args(annotation)[0])
    kind = get_origin(annotation) or annotation
    if kind in (list, *LISTS[1:]) and get_args(annotation):
        inner = _expected(get_args(annotation)[0])
        return "a list" if inner == "a value" else f"a list of {_plural(inner)}"
    if getattr(kind, "__name__", "") in ("SecretStr", "SecretBytes"):
        return "text"
    if kind is Any or not isinstance(kind, type):
        return "a value"
    if issubclass(kind, Enum):
        return " or ".join(repr(one.value) for one in kind)
    return _WORDS.get(kind) or f"{'an' if kind.__name__[0] in 'AEIOUaeiou' else 'a'} {kind.__name__}"


def _plural(words: str) -> str:
    return {"text": "texts", "a list": "lists", "a table": "tables"}.get(words) or f"{words.removeprefix('a ')}s"


class _Usual(dict[str, Any]):
    """Names that are looked up after those of the module itself."""

    def __init__(self, module: dict[str, Any]) -> None:
        super().__init__()
        self._module = module

    def __missing__(self, name: str) -> Any:
        if name in self._module:
            return self._module[name]
        if name in _USUAL:
            module, _, attribute = _USUAL[name].partition(":")
            return getattr(import_module(module), attribute)
        if hasattr(collections.abc, name):
            return getattr(collections.abc, name)
        if hasattr(typing, name):
            return getattr(typing, name)
        if name in dynamic_des.__all__:
            return getattr(dynamic_des, name)
        raise KeyError(name)
