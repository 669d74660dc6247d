"""What the Avro serializers of all registries share: the way of a record that fits, as short as it can be.

The writing and reading itself stands here a second time, beside `AvroWriter` and `AvroReader`: a call less for
each message. What is not plainly right is left to those two, which say what is wrong.
"""

from __future__ import annotations

from abc import abstractmethod
from io import BytesIO
from typing import Any
from zlib import compress

from fastavro import schemaless_reader, schemaless_writer

from dynamic_des.serializers import MessageDeserializer, MessageSerializer
from dynamic_des_avro.avro import AvroReader, AvroSchema, AvroWriter
from dynamic_des_avro.remembering import Remembered
from dynamic_des_avro.serializing import Payload, unwraps

__all__ = ["AvroDeserializer", "AvroSerializer"]


class AvroSerializer(MessageSerializer):
    """Base of serializers that write Avro after a header that names the schema.

    Args:
        schema: The schema.
        payload: What of a record is written: its ``value``, or all of it.
        compressed: Whether values are compressed with zlib.
    """

    def __init__(self, schema: AvroSchema, payload: Payload, *, compressed: bool = False) -> None:
        self._unwraps = unwraps(type(self).__name__, payload)
        self.payload = payload  # who writes the rest of a record elsewhere, as Kafka's headers, asks for it
        self._compressed = compressed
        self._writer = AvroWriter(schema)
        self._fits = self._writer.fits
        self._parsed = self._writer.parsed
        self._headers: Remembered[str, bytes] = Remembered(self._header_for)
        self._known = self._headers.answers

    @abstractmethod
    def _header_for(self, topic: str) -> bytes:
        """Return what stands before each value of a topic; asks the registry."""

    def serialize(self, topic: str, data: Any) -> bytes:
        """Return a record's payload as bytes; a dictionary or a model that is no record is written whole.

        Raises:
            EncodeError: If it does not fit the schema, or the registry refuses the schema.
            UnavailableError: If the registry does not answer and is needed: at the first record of a topic.
            PermanentError: If the registry refuses the credentials.
        """
        if self._unwraps and type(data) is dict and "stream_type" in data:
            data = data["value"]
        try:
            header = self._known[topic]
        except KeyError:
            header = self._headers[topic]
        if self._fits(data):
            buffer = BytesIO()
            try:
                schemaless_writer(buffer, self._parsed, data)
            except Exception:  # noqa: BLE001 - whatever it is, it is looked for again, and named
                written = self._writer.write(data)
            else:
                if not self._compressed:
                    return header + buffer.getvalue()
                written = buffer.getvalue()
        else:
            written = self._writer.write(data)
        return header + (compress(written) if self._compressed else written)


class AvroDeserializer(MessageDeserializer):
    """Base of deserializers that read Avro after a header that names the schema.

    Args:
        size: How many bytes the header has.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._readers: Remembered[bytes, AvroReader] = Remembered(self._reader_for)
        self._known = self._readers.answers

    @abstractmethod
    def _reader_for(self, header: bytes) -> AvroReader:
        """Return what reads the values after a header; asks the registry."""

    @abstractmethod
    def _first(self, payload: bytes) -> Any:
        """Return what a payload holds whose header is not known yet, or can only be read in another way."""

    def deserialize(self, topic: str, payload: bytes) -> Any:  # noqa: ARG002 - the contract's signature
        """Return what the payload holds.

        Raises:
            DecodeError: If it is not of this format, or of a schema that the registry does not have.
            UnavailableError: If the registry does not answer and is needed: at the first message of a schema.
            PermanentError: If the registry refuses the credentials.
        """
        size = self._size
        reader = self._known.get(payload[:size])
        if reader is None:
            return self._first(payload)
        buffer = BytesIO(payload)
        buffer.seek(size)
        try:
            value = schemaless_reader(buffer, reader.written, reader.reader)
        except Exception:  # noqa: BLE001 - whatever it is, it comes again, and is said
            return reader.read(payload[size:])
        return value if buffer.tell() == len(payload) else reader.read(payload[size:])
