"""The ingress keeps the contract of every ingress, on a real broker, also behind a proxy that fails."""

import pytest
from tests.kafka.independent import Cluster

from dynamic_des.testing import IngressContract
from dynamic_des_kafka import KafkaIngress


class OnKafka(IngressContract):
    @pytest.fixture(autouse=True)
    def broker(self, kafka_with_proxy, kafka_proxy):
        self.kafka, self.proxy = kafka_with_proxy, kafka_proxy
        self.cluster = Cluster(kafka_with_proxy.bootstrap)
        self.cluster.create(self.unique)

    def make_ingress(self):
        return KafkaIngress(self.unique, self.kafka.proxied, connect_timeout=2.0, **self.more())

    def more(self):
        return {}

    def send(self, payload):
        self.cluster.send(self.unique, payload)

    def break_connection(self):
        self.proxy.cut()

    def restore(self):
        self.proxy.restore()


class TestKafkaIngress(OnKafka):
    def acknowledged(self):
        # the kit's own calls name no connector, and then the topic stands for it
        return {
            **self.cluster.committed(f"{self.unique}.{self.unique}"),
            **self.cluster.committed(f"{self.unique}.contract"),
        }


class TestKafkaIngressInAGroup(OnKafka):
    def more(self):
        return {"group_id": self.unique}

    def acknowledged(self):
        return self.cluster.committed(self.unique)
