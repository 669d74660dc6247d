"""The contract of an egress: how records go out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from dynamic_des.columns import RecordColumns
from dynamic_des.encoding import encode_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from queue import Queue

    from dynamic_des.columns import BatchColumns
    from dynamic_des.messages import RunInfo
    from dynamic_des.serializers import MessageSerializer

__all__ = ["BaseEgress", "Batch"]

Payload = dict[str, Any]

_AT_ONCE = 500  # records made into payloads and lines at a time: what is short-lived stays small


class Batch(Sequence[Payload]):
    """Records on their way to one sink: a sequence of the payload dictionaries, oldest first.

    Each has ``stream_type`` (``"event"`` or ``"telemetry"``), ``sim_ts`` (simulated seconds), ``timestamp``
    (ISO 8601), ``key`` or ``path_id``, ``value``, and ``seq`` (``sys_seq`` for the framework's own ``system.*``
    records). A batch holds model records or system records, never both. Treat the dictionaries as read-only:
    other sinks see the same values.

    Attributes:
        system: True when these are the framework's own ``system.*`` records.
        refused: ``(seq, reason)`` of the records that `encode` could not encode; core sets them aside.
        nulled: ``seq`` → how many of a record's numbers are ``null`` in what `encode` returned, because the format has
            no form for them (JSON has none for NaN and infinities); core counts them.
    """

    __slots__ = ("_build", "_encoded", "_lines", "_payloads", "_raw", "nulled", "refused", "system")

    def __init__(
        self, raw: Sequence[Any] | RecordColumns, build: Callable[[Any], Payload], *, system: bool = False
    ) -> None:
        self._raw = raw
        self._build = build
        self._payloads: list[Payload] | None = None
        self._encoded: dict[tuple[int, str], tuple[MessageSerializer, list[bytes | None]]] = {}
        self._lines: dict[int, tuple[MessageSerializer, bytes]] = {}
        self.refused: list[tuple[int, str]] = []
        self.nulled: dict[int, int] = {}
        self.system = system

    def __len__(self) -> int:
        return len(self._raw)

    @overload
    def __getitem__(self, index: int) -> Payload: ...
    @overload
    def __getitem__(self, index: slice) -> list[Payload]: ...
    def __getitem__(self, index: int | slice) -> Payload | list[Payload]:
        return self._all()[index]

    def __iter__(self) -> Iterator[Payload]:
        return iter(self._all())

    def __repr__(self) -> str:
        return f"<Batch of {len(self)} {'system' if self.system else 'model'} records>"

    def _all(self) -> list[Payload]:
        # built on first look and kept: a sink that only counts pays nothing, a retry sees the same objects
        if self._payloads is None:
            many = getattr(self._build, "many", None)
            self._payloads = many(self._raw) if many else [self._build(record) for record in self._raw]
        return self._payloads

    @property
    def numbers(self) -> Sequence[int]:
        """The ``seq`` of each record, ``sys_seq`` of system records; no dictionary is made for that."""
        if isinstance(self._raw, RecordColumns):
            return self._raw.seq
        return [self._seq_of(payload) for payload in self._all()]

    def columns(self) -> BatchColumns | None:
        """Return the records by columns, for a sink that writes columns: no dictionary is made for any of them.

        None where only the dictionaries can tell: for system records, for what the sink's ``when`` let through, for
        times that are no plain numbers or beyond the calendar, and without numpy (import it with
        your connector). Such a batch is to be read as a sequence.
        """
        if isinstance(self._raw, RecordColumns) and hasattr(self._build, "columns"):
            found: BatchColumns | None = self._build.columns(self._raw)
            return found
        return None

    def lines(self, serializer: MessageSerializer) -> bytes:
        """Return what `encode` returns as lines, each with a line break at its end, without what cannot be encoded.

        At a fraction of the cost where the serializer has ``serialize_lines``, as that of JSON.

        Raises:
            UnavailableError: As `encode`.
            PermanentError: As `encode`.
        """
        known = id(serializer)
        if known not in self._lines:
            lines = self._lines_at_once(serializer)
            if lines is None:  # a record is unusual: each alone
                lines = b"".join(line + b"\n" for line in self.encode(serializer) if line is not None)
            self._lines[known] = (serializer, lines)
        return self._lines[known][1]

    def _lines_at_once(self, serializer: MessageSerializer) -> bytes | None:
        kinds = [kind for kind in type(serializer).__mro__ if {"serialize", "serialize_lines"} & vars(kind).keys()]
        if not kinds or "serialize_lines" not in vars(kinds[0]):  # who overrides `serialize` means it for each record
            return None
        at_once = serializer.serialize_lines  # type: ignore[attr-defined]
        made = []
        for start in range(0, len(self), _AT_ONCE):
            lines = at_once(self._some(start, start + _AT_ONCE))
            if lines is None:
                return None
            made.append(lines)
        return b"".join(made)

    def _some(self, start: int, stop: int) -> list[Payload]:
        """Return some of the payloads, which are not kept when they have to be made."""
        if self._payloads is None and isinstance(self._raw, RecordColumns) and len(self) > stop - start:
            some = Batch(self._raw.part(start, stop), self._build)
            return some._all()
        return self._all()[start:stop]

    def encode(self, serializer: MessageSerializer, topic: str = "") -> list[bytes | None]:
        """Return each record as bytes, None for one that this serializer cannot encode.

        What cannot be encoded is noted in `refused` and set aside by core when ``write`` returns; the rest of
        the batch goes out. Encoded once however often the batch is retried.

        Args:
            serializer: Called once for each record.
            topic: Passed to the serializer.

        Raises:
            UnavailableError: If the serializer cannot reach what it needs. Let it pass: the batch comes again.
            PermanentError: If the serializer says that it never will.
        """
        known = (id(serializer), topic)
        if known not in self._encoded:
            records = self._all()
            encoded = encode_each(serializer, topic, records)
            self.refused += [(self._seq_of(records[place]), reason) for place, reason in encoded.refused.items()]
            for place, count in encoded.nulled.items():
                seq = self._seq_of(records[place])
                self.nulled[seq] = max(count, self.nulled.get(seq, 0))  # a retry may come with another serializer
            # kept with the serializer: an id is used again once its object is gone
            self._encoded[known] = (serializer, encoded.values)
        return self._encoded[known][1]

    def _seq_of(self, payload: Payload) -> int:
        seq: int = payload["sys_seq"] if self.system else payload["seq"]
        return seq


class BaseEgress:
    """Base class of everything that takes records out: a topic, a table, a file, the screen.

    Override `write`, and whatever else is needed. Connect in `open`, disconnect in `close`; raise whenever a
    batch could not be written. Core batches, retries and counts. All ``async`` methods run on core's asyncio
    loop and must not block it; a plain ``def write`` runs in a thread of its own and may. A subclass needs no
    ``super().__init__()``.

    **Promised**: every record that passed the sink's filter reaches `write`, in order of ``seq``. A batch is
    forgotten when `write` returned; after an exception the same batch comes again. No two `write` calls
    of one egress overlap.

    **Not promised**: that a record comes only once. What a retry could write twice, the connector prevents
    (a transaction, an idempotent producer, ids from ``seq``) or documents.
    """

    async def open(self, run: RunInfo) -> None:
        """Connect.

        Raises:
            PermanentError: If no retry would help. Any other exception means: try again later.
        """

    async def write(self, batch: Batch) -> Iterable[tuple[int, str]] | None:
        """Write a batch, durably as far as the sink can be, before returning.

        Returns:
            None, or the ``(seq, reason)`` of single records that can never be written: they are set aside.

        Raises:
            PermanentError: If the sink has failed for good. Any other exception means: the whole batch again.
        """
        raise NotImplementedError(
            f"{type(self).__name__}: an egress writes. Override `async def write(self, batch)` "
            "or `async def run(self, egress_queue)`."
        )

    async def prepare(self, batch: Batch) -> None:
        """Do what can be done for a batch before its turn, such as encoding it.

        Override it where a ``write`` spends much of its time waiting: core calls it, where the next batch waits
        already, while ``write`` of the batch before has not returned; the next ``write`` comes when both have.
        Not every batch is prepared: not the first, nor any with ``when``, nor for a plain ``def write``. Write
        nothing here. What is raised is forgotten: ``write`` will meet it again.
        """

    async def written(self) -> int | None:
        """Return the last ``seq`` of this twin's model records that the sink durably holds, if it knows."""
        return None

    async def close(self) -> None:
        """Disconnect. Called once after `open`, also when `open` raised."""

    async def run(self, egress_queue: Queue[list[Payload]]) -> None:
        """Take batches from the queue and write them, for ever.

        The form of the earliest connectors: override this one method instead of `write`, and poll
        ``egress_queue.get_nowait()``, which returns a list of dictionaries or raises `queue.Empty`. Core cancels
        it when the queue has been emptied at the end.

        **Not promised** in this form: retry and acknowledgement. A batch counts as written once it was
        taken and the next one is asked for.

        Args:
            egress_queue: A real `queue.Queue`.
        """
        raise NotImplementedError(f"{type(self).__name__}: core calls write(batch) of this egress, not run(queue).")
