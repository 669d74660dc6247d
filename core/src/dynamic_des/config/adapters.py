"""The part of the checking that needs pydantic. Imported when something is not plainly right."""

from __future__ import annotations

import types
from functools import lru_cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError, PydanticUserError
from pydantic_core import PydanticCustomError, SchemaError

from dynamic_des.config.annotations import LISTS

__all__ = ["json_schema_of", "validate"]

# what pydantic raises for an annotation that it makes nothing of, such as a Protocol
_NOT_CHECKED = (PydanticSchemaGenerationError, PydanticUserError, SchemaError, NameError)
_SETTINGS = ConfigDict(arbitrary_types_allowed=True, hide_input_in_errors=True)


def validate(annotation: Any, value: Any) -> tuple[Any, list[Any]]:
    """Return a value converted to the annotated type, and pydantic's errors if it cannot be.

    Lenient where the meaning is plain, because a variable of the environment is always text: ``"9092"`` is a whole
    number, ``"false"`` is false. Strict where a guess would be wrong: ``true`` is no number, and 1 is not true.
    """
    try:
        adapter = _adapter(annotation)
    except TypeError:  # an annotation that cannot be hashed
        adapter = _adapter.__wrapped__(annotation)
    if adapter is None:
        return value, []
    try:
        return adapter.validate_python(value), []
    except ValidationError as error:
        return None, list(error.errors(include_url=False, include_context=False))


def json_schema_of(annotation: Any, where: str = "") -> dict[str, Any]:
    """Return the JSON Schema of an annotation; ``{}`` where there is none.

    Args:
        annotation: What is asked for.
        where: What the names of definitions begin with, which are under ``$defs``.
    """
    try:
        adapter = TypeAdapter(_meant(annotation, flags=False), config=_settings(annotation))
        schema = adapter.json_schema(ref_template=f"#/$defs/{where}{{model}}")
    except (PydanticInvalidForJsonSchema, *_NOT_CHECKED):
        return {}
    if "$defs" in schema:
        schema["$defs"] = {f"{where}{name}": one for name, one in schema["$defs"].items()}
    return schema


@lru_cache(maxsize=512)
def _adapter(annotation: Any) -> TypeAdapter[Any] | None:
    try:
        return TypeAdapter(_meant(annotation), config=_settings(annotation))
    except _NOT_CHECKED:
        return None


def _settings(annotation: Any) -> ConfigDict | None:
    # pydantic's own models and dataclasses bring their settings, and a TypeAdapter refuses others for them
    owns = isinstance(annotation, type) and (
        hasattr(annotation, "model_config") or hasattr(annotation, "__dataclass_fields__")
    )
    return None if owns else _SETTINGS


def _meant(annotation: Any, *, flags: bool = True) -> Any:
    """Return an annotation with the rules above in it, and with lists for everything that is iterable.

    An Iterable would be checked only when it is consumed.
    """
    if annotation in (int, float) and flags:
        return Annotated[annotation, BeforeValidator(_no_flag)]
    if annotation is bool and flags:
        return Annotated[bool, BeforeValidator(_no_number)]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return Union[tuple(_meant(one, flags=flags) for one in inner)]  # noqa: UP007 - made from a tuple
    if origin in LISTS:
        return list[_meant(inner[0], flags=flags)]  # type: ignore[misc]
    if origin is tuple and Ellipsis not in inner and inner:
        return tuple[tuple(_meant(one, flags=flags) for one in inner)]  # type: ignore[misc]
    if origin is dict:
        return dict[inner[0], _meant(inner[1], flags=flags)]  # type: ignore[misc,valid-type]
    return annotation


def _no_flag(value: Any) -> Any:
    if isinstance(value, bool) or value != value or value in ("nan", "NaN"):
        raise PydanticCustomError("no_flag", "is not a number")
    return value


def _no_number(value: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise PydanticCustomError("bool_type", "is not true or false")
    return value
