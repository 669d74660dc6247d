"""What stands beside a twin on Kafka: makes topics, sends changes, watches."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable  # noqa: TC003 - the configuration reads annotations
from copy import deepcopy
from threading import Lock
from typing import Any, ClassVar, Self

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from dynamic_des.errors import ConfigError, nearest, show
from dynamic_des.serializers import JsonSerializer
from dynamic_des_kafka.client import abandon, close_admin, close_consumer, close_producer
from dynamic_des_kafka.connecting import start
from dynamic_des_kafka.errors import MissingTopicError, TopicError
from dynamic_des_kafka.following import Following
from dynamic_des_kafka.options import run_beside
from dynamic_des_kafka.security import Connection, tls
from dynamic_des_kafka.tasks import Tasks
from dynamic_des_kafka.topics import is_legal, new_topic

__all__ = ["KafkaAdminConnector"]

_KEYS = ("name", "partitions", "replication", "configs")
_PAUSE_S = 1.0
_METADATA_AGE_MS = 5000  # how soon a topic or a partition that was added is noticed


class KafkaAdminConnector:
    """Makes the topics of a twin, sends it changes, and collects what it publishes.

    Use it in an ``async with`` to keep the connection for `send_config` open between calls; without, each call
    connects and disconnects.

    Args:
        bootstrap_servers: ``host:port``, several with commas between or as a list.
        max_tasks: How many tasks of each service are kept; the oldest go.
        **kwargs: For the aiokafka clients, each of which gets those it knows; also ``ssl_cafile``, ``ssl_certfile``,
            ``ssl_keyfile`` and ``ssl_password`` in place of an ``ssl_context``.

    Attributes:
        skipped: Messages collected that were no records.

    Raises:
        ConfigError: For an address, credentials or an argument that make no sense.
    """

    client: ClassVar[tuple[Callable[..., Any], ...]] = (tls, AIOKafkaAdminClient, AIOKafkaConsumer, AIOKafkaProducer)

    def __init__(self, bootstrap_servers: str | list[str], max_tasks: int = 100, **kwargs: Any) -> None:
        if type(max_tasks) is not int or max_tasks < 1:
            raise ConfigError(f"KafkaAdminConnector: max_tasks is {show(max_tasks)}. Give a whole number, at least 1.")
        self.bootstrap_servers = bootstrap_servers
        self.max_tasks = max_tasks
        self.kwargs = kwargs
        self.skipped = 0
        self._connection = Connection("KafkaAdminConnector", bootstrap_servers, kwargs, *self.client[1:])
        self._timeout_s = 10.0
        self._lock = Lock()
        self._tasks = Tasks(max_tasks)
        self._vitals: dict[str, Any] = {}
        self._producer: AIOKafkaProducer | None = None
        self._keep = False
        self._connecting = asyncio.Lock()
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def __repr__(self) -> str:
        return f"<KafkaAdminConnector at {self._connection!r}>"

    async def __aenter__(self) -> Self:
        self._keep = True
        self._connecting, self._turns = asyncio.Lock(), defaultdict(asyncio.Lock)  # of the loop at hand
        return self

    async def __aexit__(self, *error: object) -> None:
        self._keep = False
        producer, self._producer = self._producer, None
        if producer is not None:
            await close_producer(producer)

    def create_topics(self, topics_config: list[dict[str, Any]]) -> None:
        """Make topics; those that are there already are left as they are. Also where an asyncio loop is running.

        Args:
            topics_config: For each its ``name``, and optionally ``partitions`` (1), ``replication`` (the brokers'
                default) and ``configs``, such as ``{"cleanup.policy": "compact"}``.

        Raises:
            ConfigError: If one of them makes no sense.
            TopicError: If the brokers refuse some; names each and says why. The others are made.
            ConnectionError: If nobody answers.
        """
        if not isinstance(topics_config, (list, tuple)):
            raise ConfigError(f"create_topics: {show(topics_config)} is no list. Give a list of dictionaries.")
        topics = [_new_topic(one) for one in topics_config]
        if topics:
            run_beside(self._create(topics))

    async def send_config(self, topic: str, path_id: str, value: Any) -> None:
        """Send a change to a twin. Returns when the brokers have it.

        In an ``async with``, changes that are sent at once are in the topic in the order of the calls.

        Args:
            topic: The topic that the twin listens to.
            path_id: The path of the parameter. It is the key, too: one parameter's changes stay in order, and a
                compacted topic keeps the last.
            value: Its new value.

        Raises:
            ConfigError: For a topic or a path that cannot be, or a value with NaN in it.
            MissingTopicError: If the topic is not there.
            ConnectionError: If the brokers do not take it.
        """
        payload = _change(topic, path_id, value)
        producer = await self._kept() if self._keep else await self._connected()
        try:
            async with asyncio.timeout(self._timeout_s):
                # one after the other: who comes while the first asks for the topic's place must not overtake it
                async with self._turns[topic] if producer is self._producer else asyncio.Lock():
                    sent = await producer.send(topic, payload, key=path_id.encode())
                await sent
        except TimeoutError as error:
            if producer.client.cluster.brokers() and producer.client.cluster.partitions_for_topic(topic) is None:
                raise MissingTopicError(f"topic {topic!r} is not on the brokers. Create it first.") from error
            raise ConnectionError(f"{self._connection}: no answer within {self._timeout_s:g} s.") from error
        except KafkaError as error:
            raise ConnectionError(f"{self._connection}: {topic}: {type(error).__name__}: {error}") from error
        finally:
            if producer is not self._producer:
                await abandon(producer)

    async def collect_data(self, topics: list[str], auto_offset_reset: str = "latest") -> None:
        """Collect what twins publish, for ever; cancel it to end it.

        Lost connections are taken up again, where it was. A topic that is missing is waited for, and then read from its
        beginning; the others do not wait with it.

        Args:
            topics: Topics of telemetry and of events.
            auto_offset_reset: Where to begin: ``"latest"`` or ``"earliest"``.

        Raises:
            ConfigError: If ``auto_offset_reset`` is neither, or ``topics`` no list of names.
            PermanentError: If the cluster refuses the credentials.
        """
        if auto_offset_reset not in ("latest", "earliest"):
            raise ConfigError(f"collect_data: auto_offset_reset is {show(auto_offset_reset)}. Give 'latest'.")
        for topic in [topics] if isinstance(topics, str) or not topics else topics:
            if not is_legal(topic) or isinstance(topics, str):
                raise ConfigError(f"collect_data: topics is {show(topics)}. Give a list of names of topics.")
        following = Following(topics, from_beginning=auto_offset_reset == "earliest")
        while True:
            fixed = {"auto_offset_reset": "none", "enable_auto_commit": False, "group_id": None}
            options = {**self._connection.of(AIOKafkaConsumer, metadata_max_age_ms=_METADATA_AGE_MS), **fixed}
            consumer = AIOKafkaConsumer(**options)
            try:
                await start(consumer, self._connection, self._timeout_s)
                await following.follow(consumer, self._note)
            except (OSError, KafkaError):
                await asyncio.sleep(_PAUSE_S)
            finally:
                await close_consumer(consumer)

    def get_state(self) -> dict[str, Any]:
        """Return what became of tasks: twin → service → task → ``{status: timestamp}``."""
        with self._lock:
            return self._tasks.state()

    def get_vitals(self) -> dict[str, Any]:
        """Return the last value of each telemetry path."""
        with self._lock:
            return deepcopy(self._vitals)

    def _note(self, payload: bytes | None) -> None:
        try:
            record = orjson.loads(payload or b"")
            with self._lock:
                if record["stream_type"] == "telemetry":
                    self._vitals[record["path_id"]] = record["value"]
                else:
                    self._tasks.note(record)
        except (KeyError, TypeError, ValueError, AttributeError):
            self.skipped += 1

    async def _connected(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(**self._connection.of(AIOKafkaProducer, enable_idempotence=True))
        try:
            await start(producer, self._connection, self._timeout_s)
        except BaseException:
            await abandon(producer)
            raise
        return producer

    async def _kept(self) -> AIOKafkaProducer:
        """Return the one connection of an ``async with``, however many ask for it at once."""
        async with self._connecting:
            if self._producer is None:
                self._producer = await self._connected()
            return self._producer

    async def _create(self, topics: list[Any]) -> None:
        admin = AIOKafkaAdminClient(**self._connection.of(AIOKafkaAdminClient))
        try:
            await start(admin, self._connection, self._timeout_s)
            answer = await admin.create_topics(topics)
        finally:
            await close_admin(admin)
        wrong = []
        for name, code, *text in answer.topic_errors:
            if code not in (0, TopicAlreadyExistsError.errno):
                reason = text[0].rstrip(".") if text and text[0] else for_code(code).__name__
                wrong.append(f"{name!r}: {reason}")
        if wrong:
            others = " The other topics are there." if len(topics) > len(wrong) else ""
            raise TopicError(f"{self._connection}: refused: {'; '.join(wrong)}.{others}")


def _change(topic: str, path_id: str, value: Any) -> bytes:
    """Return a change as the value of a record."""
    if not is_legal(topic):
        raise ConfigError(f"send_config: the topic {show(topic)} is none that Kafka takes. Give another.")
    if not isinstance(path_id, str) or not path_id:
        raise ConfigError(f"send_config: path_id is {show(path_id)}. Give the path of a parameter.")
    change = {"path_id": path_id, "value": value}
    payload = JsonSerializer().serialize(topic, change)
    if JsonSerializer().nulled([change], [payload]):
        raise ConfigError(f"send_config: {path_id}: {show(value)} holds a number that JSON has not. Give another.")
    return payload


def _new_topic(given: dict[str, Any]) -> Any:
    where = "create_topics"
    if not isinstance(given, dict) or not isinstance(given.get("configs") or {}, dict):
        raise ConfigError(f"{where}: {show(given)} describes no topic. Write {{'name': …, 'configs': {{…}}}}.")
    for key in given:
        if key not in _KEYS:
            raise ConfigError(f"{where}: {key!r} is no key of a topic.{nearest(key, _KEYS)}")
    if not is_legal(given.get("name")):
        raise ConfigError(f"{where}: the name {show(given.get('name'))} is none that Kafka takes. Give another.")
    partitions, replication = given.get("partitions", 1), given.get("replication")
    for key, value in (("partitions", partitions), ("replication", 1 if replication is None else replication)):
        if type(value) is not int or value < 1:
            raise ConfigError(f"{where}: {given['name']!r}: {key} is {show(value)}. Give a whole number, at least 1.")
    return new_topic(given["name"], partitions=partitions, replication=replication, configs=given.get("configs") or {})
