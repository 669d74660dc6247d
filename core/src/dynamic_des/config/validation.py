"""Checking arguments against a signature: the plain ones by themselves, all others with pydantic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dynamic_des.config.annotations import expected, members, plainly
from dynamic_des.config.nested import unknown_keys
from dynamic_des.config.secrets import is_secret_key
from dynamic_des.errors import show, suggest

if TYPE_CHECKING:
    from dynamic_des.config.signatures import Parameter

__all__ = ["Wrong", "checked"]


class Wrong(NamedTuple):
    """What is wrong with a value.

    Attributes:
        inside: Where in the value, such as ``"[0][1]"``.
        text: What is wrong, and what to do.
    """

    inside: str
    text: str


def checked(parameter: Parameter, value: Any) -> tuple[Any, list[Wrong]]:
    """Return a value as its parameter takes it, or what is wrong with it."""
    plain, converted = plainly(parameter.values, value)
    if plain:
        return converted, []
    from dynamic_des.config.adapters import validate

    converted, errors = validate(parameter.values, value)
    unknown = [
        Wrong(inside, f"unknown key.{suggest(key, known)}")
        for inside, key, known in unknown_keys(parameter.values, value)
    ]
    if not errors and not unknown:
        return converted, []
    errors = [error for error in errors if not (unknown and error["type"] in _UNKNOWN)]
    if errors and (len(members(parameter.values)) > 1 or parameter.role != "plain"):
        words = expected(parameter.values) + ("" if parameter.role == "plain" else ' or "module:name"')
        return None, [*unknown, Wrong("", _text(parameter, words, value))]
    return None, [*unknown, *(_wrong(parameter, error) for error in errors)]


def _wrong(parameter: Parameter, error: Any) -> Wrong:
    inside = "".join(f"[{part}]" if isinstance(part, int) else f".{show(part).strip(chr(39))}" for part in error["loc"])
    value = error["input"]
    if not inside:
        return Wrong("", _text(parameter, expected(parameter.values), value, error))
    if error["type"] == "missing":
        return Wrong(inside, f"is missing. Write all that {parameter.name} takes there.")
    words = _NESTED.get(error["type"])
    hidden = parameter.secret or any(is_secret_key(str(part)) for part in (parameter.name, *error["loc"]))
    shown = "" if hidden else f"{show(value)}: "
    if words is None:
        return Wrong(inside, f"{shown}{_message(error)}. Write what {parameter.name} takes there.")
    return Wrong(inside, f"{'this' if hidden else show(value)} is not {words}. {_write(words)}.")


def _text(parameter: Parameter, words: str, value: Any, error: Any = None) -> str:
    hidden = parameter.secret or is_secret_key(parameter.name)
    shown = "this" if hidden else show(value)
    if error is not None and error["type"] not in _NESTED and error["type"] not in ("literal_error", "enum"):
        shown = "" if hidden else f"{shown}: "
        return f"{shown}{_message(error)}. {_write(words)}{_example(parameter)}."
    return f"{shown} is not {words}. {_write(words)}{_example(parameter)}."


def _write(words: str) -> str:
    return f"Write {'text in quotes' if words == 'text' else words}"


def _message(error: Any) -> str:
    text: str = error["msg"]
    return text.removeprefix("Value error, ").removesuffix(".")


def _example(parameter: Parameter) -> str:
    """Return the default, as it would be written in the file."""
    default = parameter.default
    if parameter.secret or is_secret_key(parameter.name):
        return ""
    if isinstance(default, bool):
        return f", such as {parameter.name} = {str(default).lower()}"
    if isinstance(default, (int, float)):
        return f", such as {parameter.name} = {default}"
    return f', such as {parameter.name} = "{default}"' if isinstance(default, str) and default.isprintable() else ""


_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
_NESTED = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number", "no_flag"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("string_type", "string_sub_type"), "text"),
    **dict.fromkeys(("list_type", "tuple_type", "iterable_type", "set_type"), "a list"),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "dataclass_type"), "a table"),
    **dict.fromkeys(("path_type",), "a path"),
    **dict.fromkeys(("datetime_type", "datetime_parsing", "datetime_from_date_parsing"), "a date and time"),
}
