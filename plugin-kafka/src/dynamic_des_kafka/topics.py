"""Names of topics, and whether they are there."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from aiokafka.admin import NewTopic

from dynamic_des.errors import ConfigError, show
from dynamic_des_kafka.client import close_admin
from dynamic_des_kafka.connecting import start
from dynamic_des_kafka.errors import MissingTopicError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aiokafka.admin import AIOKafkaAdminClient

    from dynamic_des_kafka.security import Connection

__all__ = ["check_codecs", "check_topics", "is_legal", "new_topic", "try_out"]

_LEGAL = re.compile(r"[a-zA-Z0-9._-]{1,249}")


def is_legal(topic: object) -> bool:
    """Return whether Kafka takes this as the name of a topic."""
    return isinstance(topic, str) and _LEGAL.fullmatch(topic) is not None and topic not in (".", "..")


def check_topics(where: str, **topics: str | None) -> None:
    """Check names of topics, by the argument that they are given as.

    Raises:
        ConfigError: For one that Kafka would refuse.
    """
    for argument, topic in topics.items():
        if topic is not None and not is_legal(topic):
            raise ConfigError(
                f"{where}: {argument} is {show(topic)}. Give 1 to 249 letters, digits, dots, underscores and hyphens."
            )


def check_codecs(where: str, method: str, topics: Mapping[str, Any] | None, default: Any) -> None:
    """Check serializers, or deserializers: by topic, and the one for all others.

    Raises:
        ConfigError: For one that has no such method, or under what is no name of a topic.
    """
    kind = f"{method}r"
    for topic, one in (topics or {}).items():
        check_topics(where, **{f"a topic of topic_{kind}s": topic})
        if not callable(getattr(one, method, None)):
            raise ConfigError(f"{where}: topic_{kind}s[{topic!r}] is {show(one)}, which has no {method}().")
    if default is not None and not callable(getattr(default, method, None)):
        raise ConfigError(f"{where}: default_{kind} is {show(default)}, which has no {method}().")


def new_topic(name: str, *, partitions: int, replication: int | None, configs: Mapping[str, object]) -> NewTopic:
    """Return a topic to be made; with the brokers' own replication when None, which aiokafka takes only afterwards."""
    settings = {key: str(value) for key, value in configs.items()}
    topic = NewTopic(name, partitions, replication or 1, topic_configs=settings)
    if replication is None:
        topic.replication_factor = -1
    return topic


async def try_out(admin: AIOKafkaAdminClient, connection: Connection, topics: Iterable[str], timeout_s: float) -> None:
    """Try a connection, and look whether topics are there. Makes nothing.

    Raises:
        MissingTopicError: If some are not.
    """
    try:
        await start(admin, connection, timeout_s)
        async with asyncio.timeout(timeout_s):
            found = set(await admin.list_topics())
    finally:
        await close_admin(admin)
    missing = sorted(set(topics) - found)
    if missing:
        names = ", ".join(map(repr, missing))
        raise MissingTopicError(f"{connection}: connected, but these topics are missing: {names}. Create them.")
