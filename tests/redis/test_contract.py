"""The rules that every connector keeps, kept by these against a real Redis."""

import json
from contextlib import closing

import pytest

from dynamic_des.testing import EgressContract, IngressContract, make_batch


class RedisContract:
    patience_s = 20.0

    @pytest.fixture(autouse=True)
    def connect(self, redis_store):
        self.store = redis_store
        self.proxy = redis_store.proxy
        with redis_store.client() as self.redis:
            yield
        self.proxy.restore()

    def break_connection(self):
        self.proxy.cut()

    def restore(self):
        self.proxy.restore()

    def entries(self, stream):
        return [json.loads(fields[b"data"]) for _, fields in self.redis.xrange(stream)]


class TestStreamEgress(RedisContract, EgressContract):
    def make_egress(self):
        return self.store.egress(self.unique, proxied=True, timeout_s=2, protocol=2)

    def stored(self, egress):
        return self.entries(self.unique)


class TestStreamEgressOverResp3(TestStreamEgress):
    def make_egress(self):
        return self.store.egress(self.unique, proxied=True, timeout_s=2, protocol=3)


class TestPubSubEgress(RedisContract, EgressContract):
    at_least_once = True
    # a channel keeps nothing: written() is always None, as test_a_channel_does_not_know_what_it_holds says
    test_written_is_the_last_seq_that_is_stored = None
    test_written_does_not_count_system_records = None

    def test_a_channel_does_not_know_what_it_holds(self):
        assert self._written_after([make_batch(range(3))]) is None

    @pytest.fixture(autouse=True)
    def listen(self, connect):
        with closing(self.redis.pubsub(ignore_subscribe_messages=True)) as self.heard:
            self.heard.subscribe(self.unique)
            self.heard.get_message(timeout=5)
            self.records = []
            yield

    def make_egress(self):
        return self.store.egress(self.unique, proxied=True, mode="pubsub", timeout_s=2)

    def stored(self, egress):
        while message := self.heard.get_message(timeout=0.1):
            self.records.append(json.loads(message["data"]))
        return self.records


class TestStreamIngress(RedisContract, IngressContract):
    def make_ingress(self):
        return self.store.ingress(self.unique, proxied=True, timeout_s=2, protocol=2)

    def send(self, payload):
        self.redis.xadd(self.unique, {"data": payload})

    def acknowledged(self):
        held = self.redis.hget(f"{self.unique}:positions", self.unique)
        return {} if held is None else {self.unique: held.decode()}


class TestStreamIngressOverResp3(TestStreamIngress):
    def make_ingress(self):
        return self.store.ingress(self.unique, proxied=True, timeout_s=2, protocol=3)


class TestGroupIngress(RedisContract, IngressContract):
    def make_ingress(self):
        return self.store.ingress(self.unique, proxied=True, group="twins", timeout_s=2, protocol=2)

    def send(self, payload):
        self.redis.xadd(self.unique, {"data": payload})

    def acknowledged(self):
        """Return the entry before the first one that is pending."""
        pending = self.redis.xpending(self.unique, "twins")
        group = self.redis.xinfo_groups(self.unique)[0]
        given = [entry for entry, _ in self.redis.xrange(self.unique, "-", group["last-delivered-id"])]
        settled = [entry for entry in given if not pending["pending"] or entry < pending["min"]]
        return {self.unique: settled[-1].decode()} if settled else {}


class TestGroupIngressOverResp3(TestGroupIngress):
    def make_ingress(self):
        return self.store.ingress(self.unique, proxied=True, group="twins", timeout_s=2, protocol=3)


class TestPubSubIngress(RedisContract, IngressContract):
    durable = False

    def make_ingress(self):
        return self.store.ingress(self.unique, proxied=True, mode="pubsub", timeout_s=2)

    def send(self, payload):
        self.redis.publish(self.unique, payload)
