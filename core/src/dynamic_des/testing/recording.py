"""What an ingress yields and what it is told, noted while core drives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dynamic_des.messages import Message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from dynamic_des.ingress import BaseIngress

__all__ = ["Positions"]


class Positions:
    """The positions that go through one ingress; put on before it is set up.

    Attributes:
        yielded: Merged positions of everything it has yielded.
        applied: Merged positions of everything that was acknowledged to it.
        error: What its ``applied`` raised, if it did.
    """

    def __init__(self, ingress: BaseIngress) -> None:
        self.yielded: dict[str, Any] = {}
        self.applied: dict[str, Any] = {}
        self.error: Exception | None = None
        self._messages, self._applied = ingress.messages, ingress.applied
        # on the instance: core looks at the class to see in which form an ingress is written
        ingress.messages = self._note_messages  # type: ignore[method-assign]
        ingress.applied = self._note_applied  # type: ignore[method-assign]

    async def _note_messages(self) -> AsyncIterator[Any]:
        async for message in self._messages():
            if isinstance(message, Message):
                self.yielded.update(message.position)
            yield message

    async def _note_applied(self, position: Mapping[str, Any]) -> None:
        self.applied.update(position)
        try:
            await self._applied(position)
        except Exception as error:
            self.error = error
            raise
