"""The egress keeps the contract of every egress, on a real broker, also behind a proxy that fails."""

import json

import pytest

from dynamic_des.testing import EgressContract
from dynamic_des_kafka import KafkaEgress
from tests.kafka.independent import Cluster


class OnKafka(EgressContract):
    options = {}

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
    pass


class TestKafkaEgressWithTransactions(OnKafka):
    def more(self):
        return {"transactional_id": self.unique}
