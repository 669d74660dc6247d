"""Making topics, sending changes, watching a twin."""

import asyncio
import json

import pytest

from dynamic_des import ConfigError
from dynamic_des.testing import make_batch, make_run
from dynamic_des.testing.calling import EgressCalls
from dynamic_des.testing.waiting import wait_until
from dynamic_des_kafka import KafkaAdminConnector, KafkaEgress
from dynamic_des_kafka.errors import TopicError


def test_topics_are_made_and_those_that_are_there_are_left_alone(cluster, kafka, unique):
    admin = KafkaAdminConnector(kafka.bootstrap)
    for _ in range(2):
        admin.create_topics([{"name": f"{unique}-a", "partitions": 3, "replication": 1}, {"name": f"{unique}-b"}])
    assert wait_until(lambda: {f"{unique}-a", f"{unique}-b"} <= set(cluster.topics()), 10)


def test_topics_are_made_while_a_loop_is_running_too(cluster, kafka, unique):
    async def work():
        KafkaAdminConnector(kafka.bootstrap).create_topics([{"name": unique}])

    asyncio.run(work())
    assert wait_until(lambda: unique in cluster.topics(), 10)


def test_a_topic_that_is_refused_says_why_and_the_others_are_made(cluster, kafka, unique):
    with pytest.raises(TopicError, match=rf"{unique}-a': .*replication factor.* The other topics are there"):
        KafkaAdminConnector(kafka.bootstrap).create_topics(
            [{"name": f"{unique}-a", "replication": 3}, {"name": f"{unique}-b"}]
        )
    assert wait_until(lambda: f"{unique}-b" in cluster.topics(), 10)


@pytest.mark.parametrize(
    ("topic", "text"),
    [
        ({"name": "a b"}, "the name 'a b' is none that Kafka takes"),
        ({"name": "a", "partition": 3}, "'partition' is no key of a topic. Did you mean 'partitions'?"),
        ("a", "'a' describes no topic."),
        ({"name": "a", "configs": ["compact"]}, "describes no topic. Write {'name': …, 'configs': {…}}."),
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


def test_changes_that_are_sent_at_once_share_one_connection_and_stay_in_order(cluster, kafka, unique):
    cluster.create(unique)

    async def work():
        async with KafkaAdminConnector(kafka.bootstrap) as admin:
            await asyncio.gather(*(admin.send_config(unique, "Line_A.lathe.max_cap", one) for one in range(20)))
        await asyncio.sleep(0)

    asyncio.run(work())  # a connection that is left open is a warning, and that an error here
    assert [one["value"] for one in cluster.values(unique)] == [*range(20)]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("a b", "Line_A.x", 1), "the topic 'a b' is none that Kafka takes"),
        (("a", 5, 1), "path_id is 5. Give the path of a parameter."),
        (("a", "Line_A.x", float("nan")), "Line_A.x: nan holds a number that JSON has not."),
    ],
)
def test_a_change_that_makes_no_sense_is_not_sent(arguments, text):
    with pytest.raises(ConfigError) as caught:
        asyncio.run(KafkaAdminConnector("localhost:1").send_config(*arguments))
    assert text in str(caught.value)


@pytest.mark.parametrize("topics", ["telemetry", [], ["a b"], [None]])
def test_topics_to_collect_from_have_to_be_names(topics):
    with pytest.raises(ConfigError, match="collect_data: topics is .* Give a list of names of topics."):
        asyncio.run(KafkaAdminConnector("localhost:1").collect_data(topics))


def test_a_topic_that_is_missing_holds_up_no_other_and_is_read_when_it_is_there(cluster, kafka, unique, monkeypatch):
    monkeypatch.setattr("dynamic_des_kafka.admin._METADATA_AGE_MS", 300)
    there, missing = f"{unique}-there", f"{unique}-missing"
    cluster.create(there)
    admin = KafkaAdminConnector(kafka.bootstrap)

    def telemetry(path, value):
        return {"stream_type": "telemetry", "path_id": path, "value": value}

    async def seen(vitals):
        async with asyncio.timeout(20):
            while admin.get_vitals() != vitals:
                await asyncio.sleep(0.01)

    async def work():
        collecting = asyncio.ensure_future(admin.collect_data([missing, there], auto_offset_reset="earliest"))
        await asyncio.to_thread(cluster.send, there, telemetry("a", 1))
        await seen({"a": 1})
        await asyncio.to_thread(cluster.create, missing)
        await asyncio.to_thread(cluster.send, missing, telemetry("b", 2))
        await seen({"a": 1, "b": 2})
        collecting.cancel()
        await asyncio.wait([collecting])

    asyncio.run(work())


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
