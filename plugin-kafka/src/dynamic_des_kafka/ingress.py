"""Changes from Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Callable  # noqa: TC003 - the configuration reads annotations
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from dynamic_des.errors import ConfigError, nearest, show
from dynamic_des.ingress import BaseIngress
from dynamic_des.messages import Message
from dynamic_des.serializers import MessageDeserializer  # noqa: TC001 - the same
from dynamic_des_kafka.client import close_consumer
from dynamic_des_kafka.connecting import start
from dynamic_des_kafka.deserializing import ByTopic
from dynamic_des_kafka.errors import MissingTopicError
from dynamic_des_kafka.offsets import Reset, part_of, starts
from dynamic_des_kafka.options import check_seconds, rehearse
from dynamic_des_kafka.security import Connection, tls
from dynamic_des_kafka.topics import check_codecs, check_topics, try_out

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from dynamic_des.messages import RunInfo

__all__ = ["KafkaIngress"]

_DEFAULTS = {
    "request_timeout_ms": 10_000,
    "metadata_max_age_ms": 5_000,  # how soon a partition that was added is noticed
    "isolation_level": "read_committed",
    "max_poll_records": 500,
}
_OURS = {
    "enable_auto_commit": "Only what is settled is committed.",
    "key_deserializer": "Core decodes.",
    "value_deserializer": "Give topic_deserializers or default_deserializer.",
}
_RENEWAL_S = (
    3600.0  # brokers forget what was committed, and not again, for a week: changes of an outage would be skipped
)
_SILENCE_S = 3.0  # after so long without a message it is asked whether the brokers still answer


class KafkaIngress(BaseIngress):
    """Reads changes from a topic: all its partitions, each from where the twin has settled it.

    **Promised**: only what is settled is committed, under the group ``<twin>.<ingress>``; a twin that was killed
    between fetching and applying gets the message again. Where nothing is committed, the first connection decides where
    reading begins (``auto_offset_reset``), and commits that: what is sent during a later outage is not skipped.
    Partitions that are added are read from their beginning. Offsets that are no longer retained are reported, then the
    reset rule is followed. A topic that is missing is waited for. Tombstones are no changes.

    **Not promised**: an order between partitions.

    Args:
        topic: The topic.
        bootstrap_servers: ``host:port``, several with commas between or as a list.
        topic_deserializers: Deserializers by topic.
        default_deserializer: For all other topics; core's, which is JSON, when None.
        auto_offset_reset: Where to begin when nothing is committed: ``"latest"``, ``"earliest"``; ``"none"`` fails.
        snapshot: Read the whole topic before time starts: for a compacted topic, whose messages are the state.
        group_id: Join this group, which shares the partitions among its members. All partitions are read when None.
        connect_timeout: Wall seconds for each step of connecting.
        **kwargs: For `aiokafka.AIOKafkaConsumer`; also ``ssl_cafile``, ``ssl_certfile``, ``ssl_keyfile`` and
            ``ssl_password`` in place of an ``ssl_context``.

    Attributes:
        topic: As given; so are `bootstrap_servers`, `topic_deserializers`, `default_deserializer` and `kwargs`, the
            arguments for the client.

    Raises:
        ConfigError: For an address, credentials or an argument that make no sense.
    """

    client: ClassVar[tuple[Callable[..., Any], ...]] = (tls, AIOKafkaConsumer)

    def __init__(
        self,
        topic: str,
        bootstrap_servers: str | list[str],
        topic_deserializers: dict[str, MessageDeserializer] | None = None,
        default_deserializer: MessageDeserializer | None = None,
        *,
        auto_offset_reset: Reset = "latest",
        snapshot: bool = False,
        group_id: str | None = None,
        connect_timeout: float = 5.0,
        **kwargs: Any,
    ) -> None:
        for key, why in _OURS.items():
            if kwargs.get(key):
                raise ConfigError(f"KafkaIngress: {key} is not the client's here. {why}")
        check_topics("KafkaIngress", topic=topic)
        check_seconds("KafkaIngress", connect_timeout=connect_timeout)
        check_codecs("KafkaIngress", "deserialize", topic_deserializers, default_deserializer)
        if auto_offset_reset not in get_args(Reset):
            hint = nearest(auto_offset_reset, get_args(Reset)) or " Give 'latest', 'earliest' or 'none'."
            raise ConfigError(f"KafkaIngress: auto_offset_reset is {show(auto_offset_reset)}.{hint}")
        if not (group_id is None or isinstance(group_id, str)):
            raise ConfigError(f"KafkaIngress: group_id is {show(group_id)}. Give text.")
        self.topic = topic
        self.bootstrap_servers = bootstrap_servers
        self.topic_deserializers = topic_deserializers
        self.default_deserializer = default_deserializer
        self.kwargs = kwargs
        self._connection = Connection("KafkaIngress", bootstrap_servers, kwargs, AIOKafkaConsumer)
        rehearse("KafkaIngress", AIOKafkaConsumer, self._connection.of(AIOKafkaConsumer, **_DEFAULTS))
        decodes = topic_deserializers or default_deserializer
        self.deserializer = ByTopic(topic_deserializers or {}, default_deserializer) if decodes else None
        self._reset = auto_offset_reset
        self._wants_snapshot = snapshot
        self._group = group_id
        self._timeout_s = connect_timeout
        self._consumer: AIOKafkaConsumer | None = None
        self._assigned = asyncio.Event()  # the group has said which partitions are ours, maybe none
        self._misplaced: Exception | None = None  # why the place in a partition that the group gave is not known
        self._run_id = ""
        self._next: dict[str, int] = {}  # part → offset at which reading goes on, in this run
        self._doubted: set[str] = set()  # parts whose topic, or whose position, was not there
        self._replaced: dict[str, Any] = {}  # part → position that was valid in a topic that is not there any more
        self._settled: dict[TopicPartition, int] = {}
        self._renewed = 0.0
        self._heard = 0.0
        self._given: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        return f"<KafkaIngress of {self.topic!r} from {self._connection!r}>"

    async def open(self, run: RunInfo) -> None:
        """Connect, and fix where reading begins."""
        if run.trial:
            options = self._connection.of(AIOKafkaAdminClient)
            await try_out(AIOKafkaAdminClient(**options), self._connection, [self.topic], self._timeout_s)
            return
        if run.run_id != self._run_id:
            self._run_id, self._next, self._doubted, self._replaced, self._settled = run.run_id, {}, set(), {}, {}
        for part, at in run.positions.items():
            if self._replaced.get(part) != at:
                self._next[part] = int(at)
        self._given = run.positions
        fixed = {"enable_auto_commit": False, "auto_offset_reset": "none"}
        options = self._connection.of(AIOKafkaConsumer, **_DEFAULTS)
        group = self._group or f"{run.name}.{run.connector or self.topic}"
        consumer = self._consumer = AIOKafkaConsumer(**{**options, **fixed, "group_id": group})
        await start(consumer, self._connection, self._timeout_s)
        try:
            async with asyncio.timeout(self._timeout_s):
                places = await self._partitions(consumer)
                if self._group:
                    await self._join(consumer)
                else:
                    await self._assign(places)
        except TimeoutError as error:
            raise ConnectionError(f"{self._connection}: no answer within {self._timeout_s:g} s.") from error
        except KafkaError as error:
            raise ConnectionError(f"{self._connection}: {type(error).__name__}: {error}") from error

    async def snapshot(self) -> Iterable[Message]:
        """Return the last message of every key up to the end that the topic has now."""
        consumer = self._consumer
        if not self._wants_snapshot or consumer is None:
            return ()
        places = sorted(consumer.assignment())
        ends = await consumer.end_offsets(places)
        for place, offset in (await consumer.beginning_offsets(places)).items():
            consumer.seek(place, offset)
        kept: dict[Any, Message | None] = {}
        self._heard = monotonic()
        for place in places:
            while await consumer.position(place) < ends[place]:
                for record in (await self._fetch(consumer, place, timeout_ms=200)).get(place, ()):
                    key = (place, record.offset) if record.key is None else (place, record.key)
                    kept.pop(key, None)  # to the end: in the order of the offsets that are left
                    kept[key] = None if record.value is None else self._message(record)
            self._next[part_of(place)] = await consumer.position(place)
        return [message for message in kept.values() if message is not None]

    async def messages(self) -> AsyncIterator[Message]:
        """Yield what arrives; raise when the brokers do not answer any more."""
        consumer = self._consumer
        assert consumer is not None, "it was not opened"
        self._heard = monotonic()
        while True:
            if self._misplaced is not None:
                raise self._misplaced
            try:
                found = await self._fetch(consumer, timeout_ms=500)
            except NoOffsetForPartitionError:
                if not self._group:
                    raise
                continue  # asked for before the group's listener had said where to begin
            except OffsetOutOfRangeError as error:
                self._doubted |= {part_of(place) for place in error.args[0]}
                raise ConnectionError(f"{self.topic}: {error}: the offset is not there any more.") from error
            for records in found.values():
                for record in records:
                    part = f"{record.topic}/{record.partition}"
                    if record.offset < self._next.get(part, 0):
                        continue  # had already: the client began at what is committed before the listener moved it
                    self._next[part] = record.offset + 1
                    if record.value is not None:
                        yield self._message(record)
            if not self._group:
                await self._take_new_partitions(consumer)
                if monotonic() - self._renewed > _RENEWAL_S:
                    await self._renew(consumer)

    async def applied(self, position: Mapping[str, Any]) -> None:
        """Commit."""
        consumer = self._consumer
        assert consumer is not None, "it was not opened"
        offsets = {}
        for part, offset in position.items():
            topic, _, number = part.rpartition("/")
            offsets[TopicPartition(topic, int(number))] = int(offset)
        if self._group:  # what was taken away is somebody else's, who gets those messages again
            offsets = {place: offset for place, offset in offsets.items() if place in consumer.assignment()}
        self._settled.update(offsets)
        if offsets:
            await consumer.commit(offsets)

    async def close(self) -> None:
        """Disconnect."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await close_consumer(consumer)

    def _message(self, record: Any) -> Message:
        info: dict[str, Any] = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        if record.key is not None:
            info["key"] = record.key
        if record.headers:
            info["headers"] = list(record.headers)
        return Message(record.value, {f"{record.topic}/{record.partition}": record.offset + 1}, info)

    async def _partitions(self, consumer: AIOKafkaConsumer) -> set[TopicPartition]:
        # else a topic is unknown that was made after the bootstrap
        if not await consumer._client.add_topic(self.topic):
            raise ConnectionError(f"{self._connection}: the brokers do not say where topic {self.topic!r} is.")
        found = consumer.partitions_for_topic(self.topic)
        if not found:
            self._doubted |= {*self._next}
            raise MissingTopicError(
                f"topic {self.topic!r} is not on the brokers. Create it: KafkaAdminConnector.create_topics does."
            )
        return {TopicPartition(self.topic, number) for number in found}

    async def _assign(self, places: set[TopicPartition]) -> None:
        """Read these partitions, each from where the twin has come."""
        consumer = self._consumer
        assert consumer is not None
        begin, fresh = await starts(consumer, places, self._next, self._reset, doubted=self._doubted)
        consumer.assign(sorted(places))
        self._seek(begin)
        self._believe(fresh)
        self._settled = {**begin, **self._settled}
        await self._renew(consumer)

    async def _join(self, consumer: AIOKafkaConsumer) -> None:
        """Join the group, and wait until it has said which partitions are ours."""
        self._assigned = asyncio.Event()
        self._misplaced = None
        consumer.subscribe([self.topic], listener=_Assigned(self))
        await self._assigned.wait()
        if self._misplaced is not None:
            raise self._misplaced

    def _believe(self, fresh: Mapping[TopicPartition, int]) -> None:
        """Doubt no more; forget what was valid before a topic was made anew."""
        replaced = {part_of(place): place for place in fresh if part_of(place) in self._doubted}
        for part, place in replaced.items():
            self._settled.pop(place, None)
            if part in self._given:
                self._replaced[part] = self._given[part]
        self._doubted = set()

    def _seek(self, begin: Mapping[TopicPartition, int]) -> None:
        assert self._consumer is not None
        for place, offset in begin.items():
            self._next[part_of(place)] = offset
            self._consumer.seek(place, offset)

    async def _renew(self, consumer: AIOKafkaConsumer) -> None:
        """Commit what is settled, also what was committed long ago, which the brokers would forget."""
        self._renewed = monotonic()
        await consumer.commit({place: self._settled[place] for place in consumer.assignment()})

    async def _take_new_partitions(self, consumer: AIOKafkaConsumer) -> None:
        found = consumer.partitions_for_topic(self.topic) or set()
        known = {place.partition for place in consumer.assignment()}
        if found and found != known:
            if known - found:  # partitions are never taken away: it is another topic
                self._doubted |= {*self._next}
            await self._assign({TopicPartition(self.topic, number) for number in found})

    async def _fetch(self, consumer: AIOKafkaConsumer, *places: TopicPartition, timeout_ms: int) -> dict[Any, Any]:
        """Return what has come; raise when nothing comes because the brokers, or the topic, are gone."""
        found: dict[Any, Any] = await consumer.getmany(*places, timeout_ms=timeout_ms)
        if found:
            self._heard = monotonic()
        elif monotonic() - self._heard > _SILENCE_S:
            await self._check_brokers(consumer)
            self._heard = monotonic()
        return found

    async def _check_brokers(self, consumer: AIOKafkaConsumer) -> None:
        """Ask something, since a consumer whose brokers are gone waits silently for ever."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._partitions(consumer)
                await consumer.end_offsets(sorted(consumer.assignment()))
        except (TimeoutError, KafkaError) as error:
            said = f"{type(error).__name__} {error}".strip()
            raise ConnectionError(f"{self._connection}: the brokers do not answer ({said}).") from error


class _Assigned(ConsumerRebalanceListener):  # type: ignore[misc]
    """Begins at the right place when the group gives us partitions."""

    def __init__(self, ingress: KafkaIngress) -> None:
        self._ingress = ingress

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Nothing: what was read stays known, so that a partition that comes back is not read again."""

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        ingress, consumer = self._ingress, self._ingress._consumer
        if assigned and consumer is not None:
            try:
                await self._place(ingress, consumer, assigned)
            except Exception as error:  # noqa: BLE001 - the client would only log it: raised where the ingress reads
                ingress._misplaced = error
        ingress._assigned.set()

    async def _place(self, ingress: KafkaIngress, consumer: AIOKafkaConsumer, assigned: set[TopicPartition]) -> None:
        before = dict(ingress._next)
        begin, fresh = await starts(consumer, assigned, before, ingress._reset, shared=True, doubted=ingress._doubted)
        for place in begin:
            now = ingress._next.get(part_of(place))
            if now is not None and now != before.get(part_of(place)):
                begin[place] = now  # what came meanwhile, from what is committed on
        ingress._seek(begin)
        if fresh:  # whoever gets the partition next, and when, begins there
            await consumer.commit(fresh)
        ingress._believe(fresh)
