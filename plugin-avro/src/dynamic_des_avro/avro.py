"""Avro's binary encoding: values to bytes and back, for one schema, without a registry.

The work is fastavro's. What is added: a value that does not fit is refused with the field named, and bytes that are
not of the schema are refused instead of being read as far as they go.

Source: https://avro.apache.org/docs/1.12.0/specification/#binary-encoding
"""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

from fastavro import parse_schema, schemaless_reader, schemaless_writer

from dynamic_des.errors import ConfigError, DecodeError, EncodeError, show
from dynamic_des_avro.fitting import check_of
from dynamic_des_avro.plain import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AvroReader", "AvroSchema", "AvroWriter"]


class AvroSchema:
    """An Avro schema, ready for use.

    Args:
        text: The schema as JSON.
        references: Name → schema as JSON of the types that it refers to without defining them.

    Attributes:
        text: As given.
        name: Full name of its record, enumeration or fixed; the type's name of all others.
        parsed: As fastavro has it.
        check: Whether values fit.

    Raises:
        ConfigError: If it is no schema.
    """

    def __init__(self, text: str, references: Mapping[str, str] | None = None) -> None:
        self.text = text
        try:
            named = {name: json.loads(definition) for name, definition in (references or {}).items()}
            self.parsed: Any = parse_schema(_inlined(json.loads(text), named, ""))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".removesuffix(".")
            raise ConfigError(f"schema: {show(text)} is no Avro schema: {reason}. Give one as JSON.") from error
        self.check = check_of(self.parsed)
        found = self.parsed.get("name", self.parsed["type"]) if isinstance(self.parsed, dict) else self.parsed
        self.name = found if isinstance(found, str) else "union"


class AvroWriter:
    """Writes values of one schema.

    Args:
        schema: The schema.

    Attributes:
        parsed: The schema as fastavro has it.
        fits: False for a value that does not fit although fastavro would not say so.
    """

    def __init__(self, schema: AvroSchema) -> None:
        self._schema = schema
        self.parsed = schema.parsed
        self.fits = schema.check.quick()

    def write(self, value: Any) -> bytes:
        """Return the value as bytes; if it does not fit as it is, then as dictionaries, lists and scalars.

        Raises:
            EncodeError: If the value does not fit the schema; names the field.
        """
        value = plain(value)
        place = self._schema.name.rpartition(".")[2]
        problem = self._schema.check.problem(value, place if isinstance(value, dict) else "")
        cause: Exception | None = None
        if problem is None:
            buffer = BytesIO()
            try:
                schemaless_writer(buffer, self.parsed, value)
                return buffer.getvalue()
            except Exception as error:  # noqa: BLE001 - the writer's own rules: a decimal of too many digits
                problem, cause = f"{place}: {type(error).__name__}: {error}".removesuffix("."), error
        raise EncodeError(f"Avro: {problem}. Publish what the schema asks for, or change the schema.") from cause


class AvroReader:
    """Reads values that were written with one schema.

    Args:
        written: The schema that the values were written with.
        reader: The schema to read them as, if another: fields that it does not have are dropped, fields that only it
            has get their defaults, narrower types are widened.

    Attributes:
        written: The one, as fastavro has it.
        reader: The other, or None.
    """

    def __init__(self, written: AvroSchema, reader: AvroSchema | None = None) -> None:
        self.written = written.parsed
        self.reader = None if reader is None or reader.parsed == written.parsed else reader.parsed
        self._name = written.name

    def read(self, encoded: bytes) -> Any:
        """Return the value.

        Raises:
            DecodeError: If the bytes are not a value of the schema.
        """
        buffer = BytesIO(encoded)
        try:
            value = schemaless_reader(buffer, self.written, self.reader)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".removesuffix(".")
            raise DecodeError(f"Avro: not a {self._name}: {reason}: {show(encoded)}.") from error
        if buffer.tell() != len(encoded):
            rest = len(encoded) - buffer.tell()
            raise DecodeError(f"Avro: {rest} bytes too many after a {self._name}: {show(encoded)}.")
        return value


def _inlined(schema: Any, definitions: dict[str, Any], namespace: str) -> Any:
    """Return a schema with the definitions of what it refers to in it, each where it is first used.

    Args:
        schema: The schema.
        definitions: Full name → schema; emptied of what was used.
        namespace: That of the schema around it.
    """
    if isinstance(schema, str):
        name = next((one for one in (schema, f"{namespace}.{schema}") if one in definitions), None)
        return schema if name is None else _inlined(definitions.pop(name), definitions, "")
    if isinstance(schema, list):
        return [_inlined(branch, definitions, namespace) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    own = schema.get("namespace") or str(schema.get("name", "")).rpartition(".")[0] or namespace
    copy = dict(schema)
    for key in ("type", "items", "values"):
        if key in copy:
            copy[key] = _inlined(copy[key], definitions, own)
    if isinstance(copy.get("fields"), list):
        copy["fields"] = [_inlined(field, definitions, own) for field in copy["fields"]]
    return copy
