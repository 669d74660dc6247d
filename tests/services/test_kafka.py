"""The broker that tests get: it keeps what it acknowledged, through whatever happens to it."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import TopicPartition


async def create(bootstrap, topic):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def send(bootstrap, topic, value):
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def end_offset(bootstrap, topic):
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        return (await consumer.end_offsets([partition]))[partition]
    finally:
        await consumer.stop()


def test_a_shared_broker_takes_records(kafka, unique):
    async def work():
        await create(kafka.bootstrap, unique)
        await send(kafka.bootstrap, unique, b"one")
        return await end_offset(kafka.bootstrap, unique)

    assert asyncio.run(work()) == 1


def test_clients_that_start_at_the_proxy_stay_behind_it(kafka_with_proxy, kafka_proxy, unique):
    async def work():
        await create(kafka_with_proxy.bootstrap, unique)
        producer = AIOKafkaProducer(bootstrap_servers=kafka_with_proxy.proxied)
        await producer.start()
        try:
            return [(broker.host, broker.port) for broker in producer.client.cluster.brokers()]
        finally:
            await producer.stop()

    assert asyncio.run(work()) == [("127.0.0.1", kafka_proxy.port)]


def test_what_was_acknowledged_outlives_a_kill_and_a_pause(own_kafka, unique):
    async def work():
        await create(own_kafka.bootstrap, unique)
        await send(own_kafka.bootstrap, unique, b"one")
        own_kafka.restart()
        await send(own_kafka.bootstrap, unique, b"two")
        own_kafka.pause()
        own_kafka.resume()
        return await end_offset(own_kafka.bootstrap, unique)

    assert asyncio.run(work()) == 2
