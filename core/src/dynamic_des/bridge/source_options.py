"""What core itself does for an ingress, as it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dynamic_des.bridge.decoding import MAX_MESSAGE_BYTES
from dynamic_des.bridge.letters import Destination, check_destination
from dynamic_des.errors import ConfigError, show
from dynamic_des.serializers import JsonDeserializer, MessageDeserializer

__all__ = ["SourceOptions"]


@dataclass(frozen=True)
class SourceOptions:
    """What core itself does for an ingress.

    Attributes:
        deserializer: Decodes payloads that are bytes or text. JSON by default.
        inbox_size: How many messages may wait to be applied before the ingress has to wait.
        max_message_bytes: Larger messages are refused.
        snapshot_timeout: How long, in wall seconds since it was set up, the start of time waits for the initial
            snapshot.
        on_poison: What becomes of a message that is refused: ``"skip"`` counts, reports and acknowledges it;
            ``"dead_letter"`` also keeps it, and acknowledges it only then; ``"stop"`` ends the run with the reason and
            leaves it unacknowledged.
        dead_letters: Where refused messages are kept: the path of a file, or an egress.
    """

    deserializer: MessageDeserializer = field(default_factory=JsonDeserializer)
    inbox_size: int = 10_000
    max_message_bytes: int = MAX_MESSAGE_BYTES
    snapshot_timeout: float = 10.0
    on_poison: Literal["skip", "dead_letter", "stop"] = "skip"
    dead_letters: Destination | None = None

    def __post_init__(self) -> None:
        for name in ("inbox_size", "max_message_bytes"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ConfigError(f"setup_ingress: {name} is {show(value)}. Give a whole number of at least 1.")
        timeout = self.snapshot_timeout
        if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout >= 0:
            raise ConfigError(f"setup_ingress: snapshot_timeout is {show(timeout)}. Give seconds, 0 or more.")
        if self.on_poison not in ("skip", "dead_letter", "stop"):
            remedy = "Give 'skip', 'dead_letter' or 'stop'."
            raise ConfigError(f"setup_ingress: on_poison is {show(self.on_poison)}. {remedy}")
        if self.dead_letters is not None:
            check_destination("setup_ingress", self.dead_letters)
        if not hasattr(self.deserializer, "deserialize"):
            raise ConfigError(
                f"setup_ingress: deserializer is {show(self.deserializer)}. Give a MessageDeserializer object."
            )
        self._check_agreement()

    def _check_agreement(self) -> None:
        if (self.on_poison == "dead_letter") == (self.dead_letters is not None):
            return
        if self.dead_letters is None:
            raise ConfigError(
                "setup_ingress: on_poison is 'dead_letter', and dead_letters is missing. "
                "Give dead_letters the path of a file, or an egress."
            )
        raise ConfigError(
            f"setup_ingress: on_poison is {show(self.on_poison)}, so that nothing would go to dead_letters. "
            "Set on_poison='dead_letter'."
        )
