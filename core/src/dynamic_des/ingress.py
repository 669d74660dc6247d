"""The contract of an ingress: how changes come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from queue import Queue

    from dynamic_des.messages import Message, RunInfo
    from dynamic_des.serializers import MessageDeserializer

__all__ = ["BaseIngress"]


class BaseIngress:
    """Base class of everything that brings changes in: a topic, a table, a schedule, a file.

    Override `messages`, and whatever else is needed. Connect in `open`, disconnect in `close`; raise whenever
    the connection is lost. Core opens the ingress again with growing pauses, decodes, applies, and tells
    `applied` how far it got. All methods run on core's asyncio loop and must not block it. A subclass needs
    no ``super().__init__()``: what core keeps about a connector, core keeps beside it.

    **Promised**: a position reaches `applied` only after the outcome of everything before it in the same part
    is final. Messages of one ingress are applied in the order they were yielded. A message that is not a
    change is refused with a reason and does not end the generator.

    **Not promised**: that `applied` is called for every message (positions are merged), or that a message
    whose position was never passed to `applied` was not applied (the process may have died in between).

    Attributes:
        deserializer: What decodes its payloads, for one that knows; the option of ``setup_ingress`` else.
        needs_snapshot: Whether time waits for its snapshot as long as that is being taken, whatever
            ``snapshot_timeout`` says: for a plan that would be wrong when it comes late. `snapshot` has to end.
    """

    deserializer: MessageDeserializer | None = None
    needs_snapshot: bool = False

    async def open(self, run: RunInfo) -> None:
        """Connect. ``run.positions`` says where to go on, when a run goes on from another.

        Raises:
            PermanentError: If no retry would help. Any other exception means: try again later.
        """

    async def snapshot(self) -> Iterable[Message]:
        """Return the state to start from: messages that are applied before time starts."""
        return ()

    async def messages(self) -> AsyncIterator[Message]:
        """Yield what arrives, for ever, undecoded. Return when the source has ended for good."""
        return
        yield  # makes this an asynchronous generator; unreachable  # type: ignore[unreachable]

    async def applied(self, position: Mapping[str, Any]) -> None:
        """Take note that everything up to ``position`` is settled: commit offsets, delete rows.

        Args:
            position: Part → position, only the parts that moved since the last call.
        """

    async def close(self) -> None:
        """Disconnect. Called once after `open`, also when `open` raised."""

    async def run(self, ingress_queue: Queue[Any]) -> None:
        """Put ``(path, value)`` pairs, dictionaries or `Message` objects on the queue, for ever.

        The form of the earliest connectors, and the shortest: override this one method instead of `messages`.
        The base class's own `run` is the loop over `messages`.

        **Not promised** in this form: back-pressure (``put`` never blocks; a queue that grows is warned
        about) and acknowledgement, unless what is put is a `Message` with a position.

        Args:
            ingress_queue: A real `queue.Queue`; use ``put`` or ``put_nowait``.
        """
        async for message in self.messages():
            ingress_queue.put(message)
