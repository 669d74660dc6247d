"""The contract of a serializer and its deserializer, as tests."""

from __future__ import annotations

import sys
from copy import deepcopy
from threading import Barrier
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from dynamic_des.testing.batches import make_batch
from dynamic_des.testing.waiting import in_background

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dynamic_des.serializers import MessageDeserializer, MessageSerializer

__all__ = ["SerializerContract"]

_ROUNDS = 500


class SerializerContract:
    """What every serializer and every deserializer has to keep, as tests to inherit.

    ::

        class TestPlantFormat(SerializerContract):
            def make_serializer(self):
                return PlantSerializer()

            def make_deserializer(self):
                return PlantDeserializer()

    Leave one of the two out when there is only one; the tests of the other are skipped.

    Attributes:
        topic: What both are called with.
        undecodable: Bytes that are not of this format.
        known: ``(bytes, object)``: what certain bytes mean. For a deserializer that has no serializer it is all there
            is to test it with.
        patience_s: How long the threads of a test may take, in wall seconds.
    """

    topic: ClassVar[str] = "contract"
    undecodable: ClassVar[Sequence[bytes]] = (b"\xff\xfe\xfd\xfc",)
    known: ClassVar[Sequence[tuple[bytes, Any]]] = ()
    patience_s: ClassVar[float] = 30.0

    def make_serializer(self) -> MessageSerializer:
        """Return a new serializer."""
        pytest.skip(f"{type(self).__name__} has no make_serializer()")

    def make_deserializer(self) -> MessageDeserializer:
        """Return a new deserializer."""
        pytest.skip(f"{type(self).__name__} has no make_deserializer()")

    def records(self) -> list[Any]:
        """Return at least two different objects that the format carries; override it for a schema of your own."""
        values = [{"status": "turned", "took_s": 0.1 + number, "parts": [number, None]} for number in range(20)]
        return list(make_batch([*values, "Straße, 工場", {}, -(2**53)]))

    def unencodable(self) -> Any:
        """Return an object that the format cannot carry."""
        return {"value": object()}

    # -- rules -----------------------------------------------------------------------------------------------

    def test_a_record_becomes_bytes(self) -> None:
        serializer = self.make_serializer()
        for record in self.records():
            encoded = serializer.serialize(self.topic, record)
            assert type(encoded) is bytes, f"{type(serializer).__name__} returned {encoded!r:.100}, which is not bytes"

    def test_a_record_comes_back_as_it_was(self) -> None:
        serializer, deserializer = self.make_serializer(), self.make_deserializer()
        for record in self.records():
            assert deserializer.deserialize(self.topic, serializer.serialize(self.topic, record)) == record

    def test_the_same_record_gives_the_same_bytes(self) -> None:
        serializer, other = self.make_serializer(), self.make_serializer()
        for record in self.records():
            first = serializer.serialize(self.topic, record)
            assert serializer.serialize(self.topic, record) == first, "the second time it gave other bytes"
            assert other.serialize(self.topic, record) == first, "another serializer of the kind gave other bytes"

    def test_a_record_is_left_as_it_is(self) -> None:
        serializer = self.make_serializer()
        for record in self.records():
            before = deepcopy(record)
            serializer.serialize(self.topic, record)
            assert record == before, "serialize changed the record: other sinks see the same one. Copy it first."

    def test_what_cannot_be_encoded_raises(self) -> None:
        serializer, wrong = self.make_serializer(), self.unencodable()
        try:
            encoded = serializer.serialize(self.topic, wrong)
        except Exception:  # noqa: BLE001 - any exception sets the record aside
            return
        pytest.fail(f"{wrong!r} became {encoded!r:.100}: it would be written, and mean nothing. Raise instead.")

    def test_a_record_is_encoded_after_one_that_cannot_be(self) -> None:
        serializer, record = self.make_serializer(), self.records()[0]
        expected = serializer.serialize(self.topic, record)
        try:
            serializer.serialize(self.topic, self.unencodable())
        except Exception:  # noqa: BLE001 - what matters comes after it
            assert serializer.serialize(self.topic, record) == expected

    def test_two_threads_do_not_disturb_each_other(self) -> None:
        serializer = self.make_serializer()
        mine, yours = self.records()[:2]
        expected = [(record, serializer.serialize(self.topic, record)) for record in (mine, yours)]
        start, interval = Barrier(2), sys.getswitchinterval()

        def encode(record: Any, right: bytes) -> int:
            start.wait(self.patience_s)
            return sum(serializer.serialize(self.topic, record) != right for _ in range(_ROUNDS))

        sys.setswitchinterval(1e-6)
        try:
            wrong = [in_background(lambda pair=pair: encode(*pair)) for pair in expected]  # type: ignore[misc]
            count = sum(answer.result(self.patience_s) for answer in wrong)
        finally:
            sys.setswitchinterval(interval)
        assert count == 0, (
            f"{count} of {2 * _ROUNDS} records were wrong when two threads encoded at once. Keep no state."
        )

    def test_known_bytes_are_decoded(self) -> None:
        deserializer = self.make_deserializer()
        for encoded, expected in self.known:
            assert deserializer.deserialize(self.topic, encoded) == expected

    def test_what_is_not_of_this_format_raises(self) -> None:
        deserializer = self.make_deserializer()
        for encoded in self.undecodable:
            try:
                found = deserializer.deserialize(self.topic, encoded)
            except Exception:  # noqa: BLE001, S112 - any exception refuses the message
                continue
            pytest.fail(f"{encoded!r} became {found!r:.100}: garbage would steer the twin. Raise instead.")
