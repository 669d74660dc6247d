"""The egress keeps the contract of every egress, on a real broker, also behind a proxy that fails."""

import json

import pytest
from tests.kafka.independent import Cluster

from dynamic_des.testing import EgressContract, make_batch
from dynamic_des_kafka import KafkaEgress


class OnKafka(EgressContract):
    @pytest.fixture(autouse=True)
    def broker(self, kafka_with_proxy, kafka_proxy):
        self.kafka, self.proxy = kafka_with_proxy, kafka_proxy
        self.cluster = Cluster(kafka_with_proxy.bootstrap)
        self.cluster.create(self.unique)

    def make_egress(self):
        return KafkaEgress(
            self.kafka.proxied,
            telemetry_topic=self.unique,
            event_topic=self.unique,
            delivery_timeout=2.0,
            **self.more(),
        )

    def more(self):
        return {}

    def stored(self, egress):
        found = [json.loads(record.value) for record in self.cluster.records(self.unique)]
        return [record for record in found if "seq" in record]

    def break_connection(self):
        self.proxy.cut()

    def restore(self):
        self.proxy.restore()


class TestKafkaEgress(OnKafka):
    # a log without transactions does not tell what it holds
    def test_written_is_the_last_seq_that_is_stored(self):
        assert self._written_after([make_batch(range(7))]) is None

    def test_written_does_not_count_system_records(self):
        assert self._written_after([make_batch(range(9), system=True)]) is None


class TestKafkaEgressWithTransactions(OnKafka):
    def more(self):
        return {"transactional_id": self.unique}
