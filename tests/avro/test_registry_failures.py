"""A registry that is absent, slow, frozen, killed: nothing is lost, nothing blocks."""

import asyncio
import http.server
import threading
import time

import pytest
from tests.avro.conftest import CHANGE, PREDICTION

from dynamic_des import (
    BaseEgress,
    ConfigError,
    DecodeError,
    DynamicRealtimeEnvironment,
    EncodeError,
    MemoryEgress,
    MemoryIngress,
    PermanentError,
    SimParameter,
    UnavailableError,
)
from dynamic_des.testing import make_batch
from dynamic_des.testing.waiting import in_background, wait_until
from dynamic_des_avro import ConfluentAvroDeserializer, ConfluentAvroSerializer

VALUE = {"task_id": "task-1", "confidence": 0.25}


class AvroEgress(BaseEgress):
    """Keeps what a serializer makes of the records; notes how long the loop stood still, by what was going on."""

    def __init__(self, serializer):
        self.serializer = serializer
        self.kept = []
        self.going_on = ""
        self.gap_s = {}

    async def open(self, run):
        self._watch = asyncio.create_task(self._look())

    async def _look(self):
        while True:
            before, going_on = time.monotonic(), self.going_on
            await asyncio.sleep(0.005)
            self.gap_s[going_on] = max(self.gap_s.get(going_on, 0.0), time.monotonic() - before)

    async def write(self, batch):
        if batch.system:
            return
        self.going_on = "asking"
        encoded = await asyncio.to_thread(batch.encode, self.serializer, "ml")
        self.going_on = ""
        self.kept += [one for one in encoded if one is not None]

    async def close(self):
        self._watch.cancel()


def restore_once(registry, noticed):
    """Let a registry be reached again when somebody has noticed that it cannot be."""
    wait_until(noticed, 30.0)
    registry.proxy.restore()


def predictions(count):
    return [{"task_id": f"task-{number}", "confidence": number / 10} for number in range(count)]


def test_a_registry_that_is_down_at_the_start_loses_nothing(own_registry):
    own_registry.proxy.cut()
    egress = AvroEgress(ConfluentAvroSerializer(own_registry.proxied, PREDICTION))
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([egress])
        in_background(lambda: restore_once(own_registry, lambda: env.report().sinks[0].retried))
        for value in predictions(5):
            env.publish_event("task", value)
    report = env.report().sinks[0]
    assert (report.written, report.set_aside, report.waiting) == (5, 0, 0)
    assert report.retried >= 1
    reader = ConfluentAvroDeserializer(own_registry.url)
    assert [reader.deserialize("ml", one) for one in egress.kept] == predictions(5)


def test_a_registry_that_is_killed_is_not_missed_until_a_new_schema_and_has_the_old_ones_when_it_is_back(own_registry):
    writer = ConfluentAvroSerializer(own_registry.url, PREDICTION)
    reader = ConfluentAvroDeserializer(own_registry.url)
    first = writer.serialize("ml", VALUE)
    assert reader.deserialize("ml", first) == VALUE
    own_registry.kill()
    assert writer.serialize("ml", VALUE) == first
    assert reader.deserialize("ml", first) == VALUE
    with pytest.raises(UnavailableError, match=r"the schema registry http://.* cannot be asked: ConnectError"):
        writer.serialize("other", VALUE)
    with pytest.raises(UnavailableError):
        ConfluentAvroDeserializer(own_registry.url).deserialize("ml", first)
    own_registry.start()
    assert ConfluentAvroDeserializer(own_registry.url).deserialize("ml", first) == VALUE
    assert writer.serialize("other", VALUE)[5:] == first[5:]


def ask_late(registry):
    """Let a twin in real time need a registry that answers after 2 s; return its egress."""
    registry.proxy.stall()
    egress, control = AvroEgress(ConfluentAvroSerializer(registry.proxied, PREDICTION)), MemoryIngress()
    with DynamicRealtimeEnvironment(factor=1.0) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"speed": 1}))
        env.setup_ingress([control])
        env.setup_egress([egress], flush_interval=0.05)
        speed, seen = env.registry.get("Line_A.variables.speed"), []

        def watch():
            egress.going_on = "nothing"
            yield env.timeout(2)
            env.publish_event("task", VALUE)
            threading.Timer(2.0, registry.proxy.restore).start()
            control.send(("Line_A.variables.speed", 2))
            if speed.value != 2:
                yield speed.wait_for_change()
            seen.append((speed.value, len(egress.kept)))

        env.process(watch())
        env.run(until=4)
    assert seen == [(2, 0)]  # steered while the batch waited
    assert env.report().sinks[0].written == 1
    return egress


def test_a_registry_that_answers_late_holds_up_neither_the_loop_nor_the_clock(own_registry):
    """The loop's longest gap is 50 ms at most, beyond what it is while nothing goes on: that is the machine's."""
    excess_s = []
    for _ in range(3):  # a busy machine may stop us at any moment, but not always in the same two seconds
        gap_s = ask_late(own_registry).gap_s
        excess_s.append(gap_s["asking"] - gap_s["nothing"])
        if excess_s[-1] < 0.05:
            return
    pytest.fail(f"the loop stood still for {[f'{one:.3f} s' for one in excess_s]} longer than without a registry")


def test_a_registry_that_is_frozen_is_given_up_after_the_timeout_and_asked_again_and_nothing_is_lost(own_registry):
    options = {"timeout": 0.5}
    encode = ConfluentAvroSerializer(own_registry.url, CHANGE).serialize
    change = encode("control", {"path": "Line_A.variables.speed", "value": 2})
    own_registry.pause()
    egress, control = AvroEgress(ConfluentAvroSerializer(own_registry.url, PREDICTION, **options)), MemoryIngress()
    with DynamicRealtimeEnvironment(factor=0.001) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"speed": 1}))
        env.setup_ingress([control], deserializer=ConfluentAvroDeserializer(own_registry.url, **options))
        env.setup_egress([egress], flush_interval=0.05)
        control.send(change)
        for value in predictions(3):
            env.publish_event("task", value)

        def until_steered():
            while not env.report().sinks[0].reason:  # it was given up at least once
                yield env.timeout(10)
            assert "cannot be asked: " in env.report().sinks[0].reason
            own_registry.resume()
            speed = env.registry.get("Line_A.variables.speed")
            while speed.value != 2:
                yield speed.wait_for_change()

        env.run(until=env.process(until_steered()))
    report = env.report().sinks[0]
    assert (report.written, report.set_aside, report.lost) == (3, 0, 0)
    reader = ConfluentAvroDeserializer(own_registry.url)
    assert [reader.deserialize("ml", one) for one in egress.kept] == predictions(3)


def test_steering_messages_wait_for_a_registry_that_is_down_and_keep_their_order(own_registry):
    encode = ConfluentAvroSerializer(own_registry.url, CHANGE).serialize
    messages = [encode("control", {"path": "Line_A.variables.speed", "value": speed}) for speed in (2, 3, 4)]
    own_registry.proxy.cut()
    control, kept = MemoryIngress(), MemoryEgress()
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.registry.register_sim_parameter(SimParameter("Line_A", variables={"speed": 1}))
        env.setup_ingress([control], deserializer=ConfluentAvroDeserializer(own_registry.proxied))
        env.setup_egress([kept])
        speed = env.registry.get("Line_A.variables.speed")

        def watch():
            while speed.value != 4:
                yield speed.wait_for_change()

        for message in messages:
            control.send(message)
        in_background(lambda: restore_once(own_registry, lambda: env.report().sources[0].reason))
        env.run(until=env.process(watch()))
    assert [change["status"] for change in kept.system_values("system.changes")] == ["applied"] * 3
    assert control.settled == 3


def test_a_batch_that_could_not_be_encoded_is_encoded_when_it_comes_again(mock):
    batch = make_batch([VALUE, {"task_id": 7}, VALUE])
    serializer = ConfluentAvroSerializer(mock, PREDICTION)
    register, failures = serializer._registry.client.register_schema, [OSError("no route")]

    def flaky(*arguments):
        if failures:
            raise failures.pop()
        return register(*arguments)

    serializer._registry.client.register_schema = flaky
    with pytest.raises(UnavailableError, match="no route"):
        batch.encode(serializer, "ml")
    assert batch.refused == []
    encoded = batch.encode(serializer, "ml")
    assert [one is None for one in encoded] == [False, True, False]
    assert [seq for seq, _ in batch.refused] == [2]


def test_a_refusal_is_remembered_for_a_while_and_then_asked_again(mock, monkeypatch):
    serializer = ConfluentAvroSerializer(mock, PREDICTION, auto_register=False)
    client, asked, now = serializer._registry.client, [], [0.0]
    lookup = client.lookup_schema
    monkeypatch.setattr("dynamic_des_avro.remembering.monotonic", lambda: now[0])
    monkeypatch.setattr(client, "lookup_schema", lambda *a, **k: asked.append(1) or lookup(*a, **k))
    for _ in range(3):
        with pytest.raises(EncodeError, match="not registered"):
            serializer.serialize("ml", VALUE)
    assert len(asked) == 1
    ConfluentAvroSerializer(mock, PREDICTION).serialize("ml", VALUE)
    now[0] = 11.0
    assert serializer.serialize("ml", VALUE)[5:] == b"\x0ctask-1" + b"\x00" * 6 + b"\xd0\x3f"


@pytest.fixture
def answering():
    """A function that starts a server which answers everything with one status; returns its address."""
    servers = []

    def start(status):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(b'{"error_code": %d, "message": "told so"}' % status)

            do_GET = do_POST  # noqa: N815 - the name that the server calls

            def log_message(self, *_):
                pass

        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, PermanentError),
        (403, PermanentError),
        (422, EncodeError),
        (429, UnavailableError),
        (503, UnavailableError),
    ],
)
def test_what_the_registry_says_is_told_apart(answering, status, kind):
    with pytest.raises(kind, match="told so"):
        ConfluentAvroSerializer(answering(status), PREDICTION).serialize("ml", VALUE)


def test_an_unknown_id_is_refused_and_asked_for_once(schema_registry):
    reader = ConfluentAvroDeserializer(schema_registry)
    for _ in range(3):
        with pytest.raises(DecodeError, match="has no schema 987654"):
            reader.deserialize("ml", b"\0" + (987654).to_bytes(4, "big") + b"x")


@pytest.mark.parametrize("payload", [b"", b"\0\0", b"{}", b"\1\0\0\0\1abc"])
def test_what_is_not_of_this_format_is_refused_without_asking_the_registry(payload):
    with pytest.raises(DecodeError, match="does not begin with the byte 0"):
        ConfluentAvroDeserializer("http://127.0.0.1:9").deserialize("ml", payload)


def test_an_option_that_the_client_does_not_know_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=r"takes no 'basic_auth_user_inf'\. Did you mean 'basic\.auth\.user\.info'\?"):
        ConfluentAvroSerializer("http://127.0.0.1:9", PREDICTION, basic_auth_user_inf="a:b")
    with pytest.raises(ConfigError, match=r"there is no name strategy 'topics'\. Did you mean 'topic'\?"):
        ConfluentAvroSerializer("http://127.0.0.1:9", PREDICTION, subject_name_strategy="topics")
    with pytest.raises(ConfigError, match="no schema was given"):
        ConfluentAvroSerializer("http://127.0.0.1:9")
