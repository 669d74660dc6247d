"""A serializer that cannot reach what it needs: batches and messages wait for it, in order."""

import pytest

from dynamic_des import (
    BaseEgress,
    DynamicRealtimeEnvironment,
    MemoryEgress,
    MemoryIngress,
    MessageDeserializer,
    MessageSerializer,
    PermanentError,
    SimParameter,
    UnavailableError,
)

SPEED = "Line_A.variables.speed"


class Flaky(MessageSerializer, MessageDeserializer):
    def __init__(self, *failures):
        self.failures = [*failures]

    def _try(self):
        if self.failures:
            raise self.failures.pop(0)

    def serialize(self, topic, data):
        self._try()
        return b"%d" % data["seq"]

    def deserialize(self, topic, payload):
        self._try()
        return {"path": SPEED, "value": int(payload)}


class Lines(BaseEgress):
    def __init__(self, serializer):
        self.serializer, self.lines, self.opened = serializer, [], 0

    async def open(self, run):
        self.opened += 1

    async def write(self, batch):
        if not batch.system:
            self.lines += batch.encode(self.serializer)


def publish(egress):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([egress])
        for number in range(3):
            env.publish_event("part", {"number": number})
    return env.report().sinks[0]


def test_a_batch_waits_for_the_serializer_and_the_connection_stays_open():
    egress = Lines(Flaky(UnavailableError("down"), UnavailableError("down")))
    report = publish(egress)
    assert (egress.lines, egress.opened) == ([b"1", b"2", b"3"], 1)
    assert (report.written, report.retried, report.set_aside) == (3, 2, 0)


def test_a_serializer_that_says_never_fails_the_sink():
    report = publish(Lines(Flaky(PermanentError("wrong password"))))
    assert (report.state, report.reason, report.written) == ("failed", "wrong password", 0)


def test_messages_wait_for_the_deserializer_in_their_order():
    control, sink = MemoryIngress(), MemoryEgress()
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"speed": 1}))
        env.setup_egress([sink])
        env.setup_ingress([control], deserializer=Flaky(UnavailableError("down"), UnavailableError("down")))
        control.send(b"2")
        control.send(b"3")
        control.end()
        with pytest.raises(RuntimeError):  # everything has come, and nothing more can
            env.run(until=env.event())
    changes = sink.system_values("system.changes")
    assert [change["updates"] for change in changes] == [[[SPEED, 2]], [[SPEED, 3]]]
    assert {change["status"] for change in changes} == {"applied"}
    assert control.settled == 2


def test_a_deserializer_that_says_never_fails_the_ingress():
    control = MemoryIngress()
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"speed": 1}))
        env.setup_ingress([control], deserializer=Flaky(PermanentError("wrong password")))
        control.send(b"2")
        with pytest.raises(RuntimeError):  # nothing more can come
            env.run(until=env.event())
    report = env.report().sources[0]
    assert (report.state, report.reason) == ("failed", "wrong password")
