"""Making topics, sending changes, watching a twin."""

import asyncio
import json

import pytest

from dynamic_des import ConfigError
from dynamic_des.testing import make_batch, make_run
from dynamic_des.testing.calling import EgressCalls
from dynamic_des_kafka import KafkaAdminConnector, KafkaEgress
from dynamic_des_kafka.errors import TopicError


def test_topics_are_made_and_those_that_are_there_are_left_alone(cluster, kafka, unique):
    admin = KafkaAdminConnector(kafka.bootstrap)
    for _ in range(2):
        admin.create_topics([{"name": f"{unique}-a", "partitions": 3, "replication": 1}, {"name": f"{unique}-b"}])
    assert {f"{unique}-a", f"{unique}-b"} <= set(cluster.topics())


def test_topics_are_made_while_a_loop_is_running_too(cluster, kafka, unique):
    async def work():
        KafkaAdminConnector(kafka.bootstrap).create_topics([{"name": unique}])

    asyncio.run(work())
    assert unique in cluster.topics()


def test_a_topic_that_is_refused_says_why_and_the_others_are_made(cluster, kafka, unique):
    with pytest.raises(TopicError, match=rf"{unique}-a': .*replication factor.* The other topics are there"):
        KafkaAdminConnector(kafka.bootstrap).create_topics(
            [{"name": f"{unique}-a", "replication": 3}, {"name": f"{unique}-b"}]
        )
    assert f"{unique}-b" in cluster.topics()


@pytest.mark.parametrize(
    ("topic", "text"),
    [
        ({"name": "a b"}, "the name 'a b' is none that Kafka takes"),
        ({"name": "a", "partition": 3}, "'partition' is no key of a topic. Did you mean 'partitions'?"),
        ({"name": "a", "partitions": 0}, "'a': partitions is 0. Give a whole number, at least 1."),
    ],
)
def test_a_topic_that_makes_no_sense_is_refused_at_once(topic, text):
    with pytest.raises(ConfigError) as caught:
        KafkaAdminConnector("localhost:1").create_topics([topic])
    assert text in str(caught.value)


def test_a_change_is_sent_under_its_path(cluster, kafka, unique):
    cluster.create(unique)

    async def work():
        await KafkaAdminConnector(kafka.bootstrap).send_config(unique, "Line_A.lathe.max_cap", 5)
        async with KafkaAdminConnector(kafka.bootstrap) as admin:
            await admin.send_config(unique, "Line_A.lathe.max_cap", 6)

    asyncio.run(work())
    first, second = cluster.records(unique)
    assert first.key == second.key == b"Line_A.lathe.max_cap"
    assert [json.loads(one.value)["value"] for one in (first, second)] == [5, 6]


def test_vitals_and_tasks_are_collected_within_bounds(cluster, kafka, topics):
    values = [
        {"path_id": "Line_A.service.milling", "status": status} for status in ("queued", "done") for _ in range(3)
    ]
    with EgressCalls(KafkaEgress(kafka.bootstrap, **topics), 20) as calls:
        calls.open(make_run())
        calls.write(make_batch(values))
        calls.write(make_batch([0.5], system=True))
        calls.close()
    cluster.send(topics["event_topic"], b"garbage")
    admin = KafkaAdminConnector(kafka.bootstrap, max_tasks=4)

    async def work():
        collecting = asyncio.ensure_future(admin.collect_data(list(topics.values()), auto_offset_reset="earliest"))
        async with asyncio.timeout(20):
            while not (admin.get_vitals() and admin.skipped):
                await asyncio.sleep(0.01)
        collecting.cancel()
        await asyncio.wait([collecting])

    asyncio.run(work())
    assert admin.get_vitals() == {"system.contract": 0.5}
    tasks = admin.get_state()["Line_A"]["milling"]
    assert list(tasks) == ["part-3", "part-4", "part-5", "part-6"]
    assert list(tasks["part-3"]) == ["queued"]
