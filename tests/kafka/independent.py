"""The plain client, which knows nothing of this project."""

import asyncio
import json
import time
from contextlib import asynccontextmanager
from threading import Thread

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.structs import TopicPartition


def run(work):
    """Run a coroutine to its end in a loop and a thread of its own."""
    answers = []

    def serve():
        try:
            answers.append((asyncio.run(asyncio.wait_for(work, 60)), None))
        except BaseException as error:
            answers.append((None, error))

    thread = Thread(target=serve)
    thread.start()
    thread.join()
    result, error = answers[0]
    if error is not None:
        raise error
    return result


class Cluster:
    """A cluster, looked at from outside."""

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap

    def create(self, *topics, partitions=1, **settings):
        named = [NewTopic(topic, partitions, 1, topic_configs=settings) for topic in topics]
        answer = run(self._administer(lambda admin: admin.create_topics(named)))
        assert not any(code for _, code, *_ in answer.topic_errors), answer

    def delete(self, topic):
        run(self._administer(lambda admin: admin.delete_topics([topic])))

    def topics(self):
        return run(self._administer(lambda admin: admin.list_topics()))

    def add_partitions(self, topic, total):
        run(self._administer(lambda admin: admin.create_partitions({topic: NewPartitions(total)})))

    def truncate(self, topic, before, partition=0):
        from aiokafka.admin import RecordsToDelete

        place = TopicPartition(topic, partition)
        run(self._administer(lambda admin: admin.delete_records({place: RecordsToDelete(before)})))

    def committed(self, group):
        found = run(self._administer(lambda admin: admin.list_consumer_group_offsets(group)))
        return {f"{place.topic}/{place.partition}": entry.offset for place, entry in found.items()}

    def commit(self, group, topic, offset, partition=0):
        """Commit for a group that has no members."""
        run(self._commit(group, {TopicPartition(topic, partition): offset}))

    def join_and_leave(self, topic, group):
        """Be a member of a group for a moment, which has it share its partitions out twice."""
        run(self._join_and_leave(topic, group))

    def send(self, topic, *values, **options):
        """Send values; ``options`` are those of `AIOKafkaProducer.send`."""
        run(self._send(topic, values, options))

    def records(self, *topics, isolation="read_committed"):
        """Everything in these topics: partition by partition, in order."""
        return run(self._records(topics, isolation))

    def values(self, *topics):
        return [json.loads(record.value) for record in self.records(*topics)]

    async def _administer(self, work):
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            await admin.start()
            return await work(admin)
        finally:
            await admin.close()

    async def _commit(self, group, offsets):
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=group, enable_auto_commit=False)
        try:
            await consumer.start()
            consumer.assign([*offsets])
            await consumer.commit(offsets)
        finally:
            await consumer.stop()

    async def _join_and_leave(self, topic, group):
        joined = asyncio.Event()

        class Joined(ConsumerRebalanceListener):
            def on_partitions_revoked(self, revoked):
                pass

            def on_partitions_assigned(self, assigned):
                joined.set()

        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=group, enable_auto_commit=False)
        try:
            await consumer.start()
            consumer.subscribe([topic], listener=Joined())
            await joined.wait()
        finally:
            await consumer.stop()

    async def _send(self, topic, values, options):
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, max_request_size=10_000_000)
        try:
            await producer.start()
            for value in values:
                payload = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
                await producer.send_and_wait(topic, payload, **options)
        finally:
            await producer.stop()

    async def _records(self, topics, isolation):
        ends = await self._ends(topics)
        async with self._reader(isolation) as consumer:
            found = []
            for topic in topics:
                places = await self._places(consumer, topic)
                consumer.assign(places)
                first, last = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
                patience = time.monotonic() + 5
                while any(last[place] < ends[place] for place in places) and time.monotonic() < patience:
                    await asyncio.sleep(0.02)  # the brokers put the end of a transaction there after they have said so
                    last = await consumer.end_offsets(places)
                for place in places:
                    consumer.seek(place, first[place])
                    while await consumer.position(place) < last[place]:
                        found += (await consumer.getmany(place, timeout_ms=200)).get(place, [])
            return found

    async def _ends(self, topics):
        async with self._reader("read_uncommitted") as consumer:
            ends = {}
            for topic in topics:
                ends.update(await consumer.end_offsets(await self._places(consumer, topic)))
            return ends

    async def _places(self, consumer, topic):
        await consumer._client.add_topic(topic)
        return [TopicPartition(topic, one) for one in sorted(consumer.partitions_for_topic(topic))]

    @asynccontextmanager
    async def _reader(self, isolation):
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, isolation_level=isolation, auto_offset_reset="earliest"
        )
        try:
            await consumer.start()
            yield consumer
        finally:
            await asyncio.sleep(0)
            await consumer.stop()
