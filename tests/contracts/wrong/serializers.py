"""Serializers that are wrong in one way each. Run by test_wrong_plugins.py."""

import json
import time
from itertools import count

from tests.contracts.wrong.expectations import contracts_of, fails

from dynamic_des import JsonDeserializer, JsonSerializer
from dynamic_des.testing import SerializerContract


class OfPlugin:
    def make_serializer(self):
        return self.plugin()

    def make_deserializer(self):
        return getattr(self.plugin, "deserializer", JsonDeserializer)()


@fails()
class Right(JsonSerializer):
    """Keeps every rule."""


@fails("a_record_becomes_bytes")
class ReturnsText(JsonSerializer):
    def serialize(self, topic, data):
        return super().serialize(topic, data).decode()


@fails("a_record_comes_back_as_it_was")
class RoundsNumbers(JsonSerializer):
    def serialize(self, topic, data):
        return json.dumps(
            json.loads(super().serialize(topic, data), parse_float=lambda text: round(float(text)))
        ).encode()


@fails(
    "the_same_record_gives_the_same_bytes",
    "a_record_is_encoded_after_one_that_cannot_be",
    "two_threads_do_not_disturb_each_other",
)
class NumbersItsRecords(JsonSerializer):
    """Puts something into the bytes that is not in the record."""

    def __init__(self):
        self.numbers = count()

    def serialize(self, topic, data):
        return super().serialize(topic, data) + b" " * next(self.numbers)


@fails(
    "a_record_is_left_as_it_is",
    "a_record_comes_back_as_it_was",
    "the_same_record_gives_the_same_bytes",
    "a_record_is_encoded_after_one_that_cannot_be",
    "two_threads_do_not_disturb_each_other",
)
class TakesTheTypeOut(JsonSerializer):
    def serialize(self, topic, data):
        encoded = super().serialize(topic, data)
        if isinstance(data, dict):
            data.pop("stream_type", None)
        return encoded


@fails("what_cannot_be_encoded_raises")
class WritesNullInstead(JsonSerializer):
    def serialize(self, topic, data):
        try:
            return super().serialize(topic, data)
        except ValueError:
            return b"null"


@fails("a_record_is_encoded_after_one_that_cannot_be", maybe=["two_threads_do_not_disturb_each_other"])
class KeepsTheRest(JsonSerializer):
    """Leaves half a record in its buffer when it raises."""

    rest = b""

    def serialize(self, topic, data):
        start, self.rest = self.rest, b"{"
        encoded = start + super().serialize(topic, data)
        self.rest = b""
        return encoded


@fails("two_threads_do_not_disturb_each_other")
class HasOneBuffer(JsonSerializer):
    def serialize(self, topic, data):
        self.buffer = data
        time.sleep(0)  # as any call that waits for something: the other thread goes on
        return super().serialize(topic, self.buffer)


class Lenient(JsonDeserializer):
    def deserialize(self, topic, payload):
        try:
            return super().deserialize(topic, payload)
        except ValueError:
            return None


@fails("what_is_not_of_this_format_raises")
class ReadsAnything(JsonSerializer):
    deserializer = Lenient


globals().update(contracts_of(globals(), OfPlugin, SerializerContract))
