"""What the serializers of all registries share: what of a record is written, and one writer for each topic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from dynamic_des.errors import ConfigError, show, suggest
from dynamic_des.serializers import MessageSerializer
from dynamic_des_avro.remembering import Remembered

__all__ = ["NameStrategy", "Payload", "SchemaSerializer", "name_strategy", "unwraps"]

Payload = Literal["value", "record"]
NameStrategy = Callable[[str, str], str]

_STRATEGIES: dict[str, NameStrategy] = {
    "topic": lambda topic, _: f"{topic}-value",
    "record": lambda _, record: record,
    "topic_record": lambda topic, record: f"{topic}-{record}",
}


def name_strategy(where: str, given: str | NameStrategy) -> NameStrategy:
    """Return the function (topic, full name of the record) → name in the registry.

    Raises:
        ConfigError: If there is none of this name.
    """
    if callable(given):
        return given
    if given not in _STRATEGIES:
        hint = suggest(given, _STRATEGIES)
        raise ConfigError(f"{where}: there is no name strategy {show(given)}.{hint}")
    return _STRATEGIES[given]


def unwraps(where: str, payload: Payload) -> bool:
    """Return whether a record's value is written, and not all of it.

    Raises:
        ConfigError: If ``payload`` is neither ``"value"`` nor ``"record"``.
    """
    if payload not in ("value", "record"):
        raise ConfigError(f"{where}: payload is {show(payload)}. Give 'value' or 'record'.")
    return payload == "value"


class SchemaSerializer(MessageSerializer):
    """Base of serializers that write what a schema in a registry says.

    Args:
        payload: What of a record is written: its ``value``, or all of it.
        writer_for: Returns what writes to a topic; asks the registry.
    """

    def __init__(self, payload: Payload, writer_for: Callable[[str], Callable[[Any], bytes]]) -> None:
        self._unwraps = unwraps(type(self).__name__, payload)
        self.payload = payload  # who writes the rest of a record elsewhere, as Kafka's headers, asks for it
        self._writers = Remembered(writer_for)
        self._known = self._writers.answers

    def serialize(self, topic: str, data: Any) -> bytes:
        """Return a record's payload as bytes; a dictionary or a model that is no record is written whole.

        Raises:
            EncodeError: If it does not fit the schema, or the registry refuses the schema.
            UnavailableError: If the registry does not answer and is needed: at the first record of a topic.
            PermanentError: If the registry refuses the credentials.
        """
        if self._unwraps and type(data) is dict and "stream_type" in data:
            data = data["value"]
        write = self._known.get(topic)
        return (self._writers[topic] if write is None else write)(data)
