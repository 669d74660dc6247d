"""Records to Kafka."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 - the configuration reads annotations
from typing import TYPE_CHECKING, Any, ClassVar

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from dynamic_des.egress import BaseEgress, Batch
from dynamic_des.errors import ConfigError, show
from dynamic_des.serializers import MessageSerializer  # noqa: TC001 - the same
from dynamic_des_kafka.consignment import Consignment, Encoder
from dynamic_des_kafka.delivery import Delivery, let_leave, producer_options
from dynamic_des_kafka.options import a_function, check_seconds, rehearse
from dynamic_des_kafka.packing import Packing
from dynamic_des_kafka.progress import ProgressTopic
from dynamic_des_kafka.routing import Routing
from dynamic_des_kafka.security import Connection, tls
from dynamic_des_kafka.topics import check_codecs, check_topics, try_out
from dynamic_des_kafka.transactions import TransactionalDelivery

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dynamic_des.messages import RunInfo

__all__ = ["KafkaEgress"]

_OURS = ("key_serializer", "value_serializer")


class KafkaEgress(BaseEgress):
    """Publishes events and telemetry to Kafka topics.

    A record's key is the event's key or the telemetry's path, so that what belongs together stays in order; its headers
    have the number of the record (``seq``, or ``sys_seq`` for ``system.*``) and the ``run_id``.

    **Promised**: a batch is written when all replicas that are in sync have it. While the process lives, nothing is
    written twice: a batch without an answer stays on its way with the same producer id and sequence numbers. With a
    ``transactional_id``, nothing is written twice even if the process dies: each batch is a transaction that says how
    far the twin has come, which `written` reads; consumers have to read ``read_committed``.

    **Not promised**: order between partitions, or for one key across the moment at which a topic gets more partitions.
    Without a ``transactional_id``, a process that dies may leave records in the log that its successor writes again;
    they have the same ``seq``.

    Args:
        bootstrap_servers: ``host:port``, several with commas between or as a list.
        telemetry_topic: Where telemetry goes, ``system.*`` too.
        event_topic: Where events go.
        topic_router: Takes a record, returns the name of its topic, or None to drop it (counted in `dropped`). A record
            for which it raises is set aside.
        topic_serializers: Serializers by topic.
        default_serializer: For all other topics; JSON when None.
        transactional_id: Makes every batch a transaction. One twin at a time has it; a predecessor that is still alive
            is fenced.
        progress_topic: Where the transactions say how far the twin has come; ``<transactional_id>.progress`` when None.
            Made when it is missing.
        dead_letter_topic: Where dead letters go, when this is an egress for those.
        delivery_timeout: Wall seconds after which a batch that is not acknowledged is reported. It stays on its way.
        **kwargs: For `aiokafka.AIOKafkaProducer`; also ``ssl_cafile``, ``ssl_certfile``, ``ssl_keyfile`` and
            ``ssl_password`` in place of an ``ssl_context``.

    Attributes:
        bootstrap_servers: As given; so are `telemetry_topic`, `event_topic`, `topic_router`, `topic_serializers`,
            `default_serializer` and, as `producer_config`, the arguments for the client.

    Raises:
        ConfigError: For an address, credentials or an argument that make no sense.
    """

    client: ClassVar[tuple[Callable[..., Any], ...]] = (tls, AIOKafkaProducer)

    def __init__(
        self,
        bootstrap_servers: str | list[str],
        telemetry_topic: str = "sim-telemetry",
        event_topic: str = "sim-events",
        topic_router: Callable[[dict[str, Any]], str | None] | None = None,
        topic_serializers: dict[str, MessageSerializer] | None = None,
        default_serializer: MessageSerializer | None = None,
        *,
        transactional_id: str | None = None,
        progress_topic: str | None = None,
        dead_letter_topic: str = "sim-dead-letters",
        delivery_timeout: float = 5.0,
        **kwargs: Any,
    ) -> None:
        for key in _OURS:
            if key in kwargs:
                raise ConfigError(f"KafkaEgress: {key} is not the client's here. Give topic_serializers.")
        check_topics(
            "KafkaEgress",
            telemetry_topic=telemetry_topic,
            event_topic=event_topic,
            dead_letter_topic=dead_letter_topic,
            progress_topic=progress_topic,
        )
        if not (transactional_id is None or isinstance(transactional_id, str)):
            raise ConfigError(f"KafkaEgress: transactional_id is {show(transactional_id)}. Give text.")
        check_seconds("KafkaEgress", delivery_timeout=delivery_timeout)
        self.bootstrap_servers = bootstrap_servers
        self.telemetry_topic = telemetry_topic
        self.event_topic = event_topic
        self.topic_router = a_function("KafkaEgress", "topic_router", topic_router)
        self.topic_serializers = topic_serializers
        self.default_serializer = default_serializer
        self.producer_config = kwargs
        check_codecs("KafkaEgress", "serialize", topic_serializers, default_serializer)
        self._connection = Connection("KafkaEgress", bootstrap_servers, kwargs, AIOKafkaProducer)
        rehearse("KafkaEgress", AIOKafkaProducer, producer_options(self._connection, transactional_id))
        topics = {"telemetry": telemetry_topic, "event": event_topic, "dead_letter": dead_letter_topic}
        self._routing = Routing(topics, self.topic_router, topic_serializers or {}, default_serializer)
        self._fixed = [*(topic_serializers or {})] if topic_router else [telemetry_topic, event_topic]
        self._letters = dead_letter_topic
        self._packing = Packing(
            int(self._connection.options.get("max_request_size", 1_048_576)),
            self._connection.options.get("partitioner"),
        )
        self._timeout_s = delivery_timeout
        self._delivery = self._make_delivery(transactional_id, progress_topic)
        self._run: RunInfo | None = None
        self._done: dict[bool, int] = {}  # system or not → last number that is written
        self._encoder = Encoder(self._routing, self._packing)
        self._consignment: Consignment | None = None
        self._next: Consignment | None = None

    def __repr__(self) -> str:
        return f"<KafkaEgress to {self._connection!r}>"

    def _make_delivery(
        self, transactional_id: str | None, progress_topic: str | None
    ) -> Delivery | TransactionalDelivery:
        if not transactional_id:
            return Delivery(self._connection, self._packing, self._timeout_s)
        progress = ProgressTopic(self._connection, transactional_id, progress_topic, self._timeout_s)
        return TransactionalDelivery(self._connection, self._packing, transactional_id, progress, self._timeout_s)

    @property
    def dropped(self) -> int:
        """How many records the router has dropped by returning None."""
        return self._routing.dropped

    async def open(self, run: RunInfo) -> None:
        """Connect."""
        if run.trial:
            await self._try_out([self._letters] if run.connector.startswith("dead_letters:") else self._fixed)
            return
        if self._run is None or self._run.run_id != run.run_id:
            self._done, self._consignment, self._next = {}, None, None
        self._run = run
        await self._delivery.open(run)

    async def prepare(self, batch: Batch) -> None:
        """Encode a batch, or the beginning of a large one, while the one before is on its way."""
        run = self._run
        assert run is not None, "it was not opened"
        await let_leave()
        self._next = consignment = Consignment(batch, self._delivery.most)
        if len(batch):
            await self._encode_next(consignment, run.run_id)

    async def write(self, batch: Batch) -> Iterable[tuple[int, str]] | None:
        """Write a batch: return when it is in the log."""
        run = self._run
        assert run is not None, "it was not opened"
        if not len(batch):
            return None
        known = [one for one in (self._consignment, self._next) if one is not None and one.batch is batch]
        consignment = known[0] if known else Consignment(batch, self._delivery.most)
        if consignment is self._next:
            self._next = None  # its records need not be kept for longer than it is written
        if consignment.last <= self._done.get(batch.system, 0):
            return None  # it came again although it was written: somebody lost the answer
        self._consignment = consignment
        while consignment.to_encode or consignment.ready:
            await self._write_part(consignment, run.run_id)
        self._consignment = None
        return consignment.aside.items() or None

    async def _write_part(self, consignment: Consignment, run_id: str) -> None:
        if not consignment.ready:
            await consignment.encode(self._encoder, run_id)
        identity, parcels = consignment.ready[0]
        if consignment.to_encode and len(consignment.ready) == 1:
            await self._delivery.begin(identity, parcels)
            await self._encode_next(consignment, run_id)
        consignment.aside.update(await self._delivery.deliver(identity, parcels))
        consignment.ready.popleft()
        self._done[identity[0]] = identity[2]

    async def _encode_next(self, consignment: Consignment, run_id: str) -> None:
        """Make the next part ready, while another is on its way."""
        await consignment.encode(self._encoder, run_id)
        self._delivery.prepare(consignment.ready[-1][1])

    async def written(self) -> int | None:
        """Return the last ``seq`` of this twin that is committed; None without a ``transactional_id``."""
        return await self._delivery.written(self._run) if self._run is not None else None

    async def close(self) -> None:
        """Disconnect."""
        self._encoder.close()
        await self._delivery.close()

    async def _try_out(self, topics: list[str]) -> None:
        """Connect as an administrator, who makes no topic by looking and fences nobody."""
        options = self._connection.of(AIOKafkaAdminClient, request_timeout_ms=int(self._timeout_s * 1000))
        await try_out(AIOKafkaAdminClient(**options), self._connection, topics, self._timeout_s)
