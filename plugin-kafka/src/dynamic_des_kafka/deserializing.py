"""Deserializers by topic, as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamic_des.serializers import JsonDeserializer, MessageDeserializer

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ByTopic"]


class ByTopic(MessageDeserializer):
    """Gives each topic the deserializer that was named for it.

    Args:
        topics: Deserializers by topic.
        default: For all others; JSON when None.
    """

    def __init__(self, topics: Mapping[str, MessageDeserializer], default: MessageDeserializer | None) -> None:
        self._topics = dict(topics)
        self._default = default or JsonDeserializer()

    def deserialize(self, topic: str, payload: bytes) -> Any:
        """Return the object that ``payload`` holds."""
        return self._topics.get(topic, self._default).deserialize(topic, payload)
