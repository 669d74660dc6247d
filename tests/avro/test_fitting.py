"""A value that does not fit its schema is refused with the field named; one that fits in another form is taken."""

import dataclasses
import json
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum

import numpy as np
import pytest
from fastavro.validation import validate
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from tests.avro.conftest import PREDICTION

from dynamic_des import ConfigError, DecodeError, EncodeError
from dynamic_des_avro.avro import AvroReader, AvroSchema
from dynamic_des_avro.avro_serializing import AvroSerializer

NESTED = json.dumps(
    {
        "type": "record",
        "name": "Part",
        "fields": [
            {"name": "sizes", "type": {"type": "array", "items": "int"}, "default": []},
            {"name": "tags", "type": {"type": "map", "values": ["null", "float"]}, "default": {}},
            {"name": "inner", "type": ["null", "Part"], "default": None},
            {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["RAW", "DONE"]}, "default": "RAW"},
            {"name": "letters", "type": {"type": "array", "items": "string"}, "default": []},
        ],
    }
)


def write(schema, value):
    """Write as the serializers do."""
    return Avro(schema).serialize("topic", value)


class Avro(AvroSerializer):
    def __init__(self, schema):
        super().__init__(AvroSchema(schema), "record")

    def _header_for(self, topic):
        return b""


def roundtrip(schema, value):
    known = AvroSchema(schema)
    return AvroReader(known).read(write(schema, value))


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        (PREDICTION, {"task_id": "t", "confidence": "high"}, "PredictionEvent.confidence: 'high' is not a double"),
        (PREDICTION, {"task_id": 7, "confidence": 1.0}, "PredictionEvent.task_id: 7 is not a string"),
        (PREDICTION, {"task_id": "t"}, "PredictionEvent.confidence is missing, and has no default"),
        (
            PREDICTION,
            {"task_id": "t", "confidense": 1},
            "PredictionEvent.confidence is missing, and has no default. Did you mean 'confidense'",
        ),
        (PREDICTION, {"task_id": "t", "confidence": True}, "PredictionEvent.confidence: True is not a double"),
        (PREDICTION, [1], "the value: [1] is not a record plant.ml.PredictionEvent"),
        (NESTED, {"sizes": [1, 2**31]}, "Part.sizes[1]: 2147483648 is not an int"),
        (NESTED, {"sizes": [1.5]}, "Part.sizes[0]: 1.5 is not an int"),
        (NESTED, {"tags": {"x": 1e39}}, "Part.tags['x']: 1e+39 is not null or a float"),
        (NESTED, {"tags": {1: 1.0}}, "Part.tags: the key 1 is not text"),
        (NESTED, {"inner": {"inner": {"sizes": "no"}}}, "Part.inner.inner.sizes: 'no' is not an array"),
        (NESTED, {"letters": "abc"}, "Part.letters: 'abc' is not an array"),
        (NESTED, {"letters": {"a": 1}}, "Part.letters: {'a': 1} is not an array"),
        (
            NESTED,
            {"kind": "DONNE"},
            "Part.kind: 'DONNE' is not a Kind: it is none of RAW, DONE. Did you mean 'DONE'",
        ),
        ('"boolean"', "false", "the value: 'false' is not a boolean"),
        ('"long"', 1.5, "the value: 1.5 is not a long"),
        ('"long"', 2**63, "the value: 9223372036854775808 is not a long"),
        ('"null"', 0, "the value: 0 is not null"),
        ('["null", "long"]', 1.5, "the value: 1.5 is not null or a long"),
        ('{"type": "fixed", "name": "Key", "size": 2}', b"abc", "the value: b'abc' is not a Key of 2 bytes"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_the_field_named(schema, value, problem):
    with pytest.raises(EncodeError) as refused:
        write(schema, value)
    assert str(refused.value) == f"Avro: {problem}. Publish what the schema asks for, or change the schema."


class Colour(Enum):
    RED = "RED"


@dataclasses.dataclass
class Size:
    mm: int


class Model(BaseModel):
    task_id: str
    confidence: float


def test_models_numpy_enumerations_and_dataclasses_are_taken_as_what_they_mean():
    prediction = {"task_id": "t", "confidence": 0.5}
    assert roundtrip(PREDICTION, Model(**prediction)) == prediction
    assert roundtrip(PREDICTION, {"task_id": "t", "confidence": np.float32(0.5)}) == prediction
    assert roundtrip(PREDICTION, {"task_id": "t", "confidence": 1}) == {"task_id": "t", "confidence": 1.0}
    assert roundtrip(NESTED, {"sizes": np.array([1, 2])})["sizes"] == [1, 2]
    assert roundtrip('{"type": "enum", "name": "Colour", "symbols": ["RED"]}', Colour.RED) == "RED"
    size = '{"type": "record", "name": "Size", "fields": [{"name": "mm", "type": "long"}]}'
    assert roundtrip(size, Size(3)) == {"mm": 3}


def test_fields_that_the_schema_does_not_have_are_left_out():
    assert roundtrip(PREDICTION, {"task_id": "t", "confidence": 1.0, "event_type": "prediction"}) == {
        "task_id": "t",
        "confidence": 1.0,
    }


def test_logical_types_are_written_and_read():
    schema = json.dumps(
        {
            "type": "record",
            "name": "Times",
            "fields": [
                {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
                {"name": "cost", "type": {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}},
            ],
        }
    )
    value = {"at": datetime(2026, 11, 21, tzinfo=UTC), "cost": Decimal("12.34")}
    assert roundtrip(schema, value) == value
    with pytest.raises(EncodeError, match=r"Times\.at: 'noon' is not a timestamp-millis"):
        write(schema, {**value, "at": "noon"})
    with pytest.raises(EncodeError, match="Avro: Times: ValueError: "):
        write(schema, {**value, "cost": Decimal("12345678.9")})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3),
    max_leaves=6,
)
SCHEMAS = st.recursive(
    st.sampled_from(
        ["null", "boolean", "int", "long", "double", "string", "bytes", ["null", "int"], ["null", "string"]]
    ),
    lambda inner: (
        inner.map(lambda one: {"type": "array", "items": one})
        | inner.map(lambda one: {"type": "map", "values": one})
        | inner.map(
            lambda one: {"type": "record", "name": f"R{abs(hash(str(one)))}", "fields": [{"name": "a", "type": one}]}
        )
    ),
    max_leaves=3,
)


@given(SCHEMAS, VALUES)
def test_exactly_what_fits_is_written(schema, value):
    try:
        known = AvroSchema(json.dumps(schema))
    except ConfigError:  # one name for two records
        return
    fits = validate(value, known.parsed, raise_errors=False)
    try:
        written = write(json.dumps(schema), value)
    except EncodeError:
        assert not fits
    else:
        assert fits
        known_fields = AvroReader(known).read(written)
        assert write(json.dumps(schema), known_fields) == written


@pytest.mark.parametrize("schema", ["{", "[]]", '{"type": "rekord", "name": "R"}', '"unknown"', "{}"])
def test_what_is_no_schema_is_refused(schema):
    with pytest.raises(ConfigError, match=r"^schema: .* is no Avro schema: .*\. Give one as JSON\.$"):
        AvroSchema(schema)


@pytest.mark.parametrize("encoded", [b"", b"\x10abc", b"\x08task\x00\x00", b"\x02t" + b"\x00" * 9, b"\xff" * 40])
def test_bytes_that_are_no_value_of_the_schema_are_refused(encoded):
    with pytest.raises(DecodeError, match=r"^Avro: .*PredictionEvent"):
        AvroReader(AvroSchema(PREDICTION)).read(encoded)
