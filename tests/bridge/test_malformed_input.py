"""Whatever an ingress brings, in whichever form: refused with a reason, once, and what follows goes on."""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.bridge.conftest import make_environment
from tests.bridge.letters import Letters

from dynamic_des import BaseEgress, BaseIngress, JsonDeserializer, LinesIngress, MemoryEgress, Message
from dynamic_des.errors import DecodeError


def broken(*names):
    """Return a class whose methods of these names raise."""

    def fail(*_):
        raise RuntimeError("no")

    return type("Hostile", (), dict.fromkeys(names, fail))


class Odd:
    def __repr__(self):
        return 5


class Masked:
    @property
    def __class__(self):
        raise RuntimeError("no")


class HostileDict(dict):
    def __contains__(self, key):
        raise RuntimeError("no")


class HostileText(str):
    __slots__ = ()

    def __len__(self):
        raise RuntimeError("no")

    def encode(self, *_):
        raise RuntimeError("no")


class HostileBytes(bytes):
    def __len__(self):
        raise RuntimeError("no")


class HostileList(list):
    def __iter__(self):
        raise RuntimeError("no")


class Half(tuple):
    __slots__ = ()

    def __len__(self):
        return 2

    def __getitem__(self, at):
        raise IndexError(at)


HOSTILE = [
    broken("__repr__"),
    broken("__eq__", "__hash__", "__repr__", "__str__"),
    broken("__bool__", "__len__", "__iter__"),
    broken("__getattr__"),
    broken("__getattribute__"),
    Odd,
    Masked,
    lambda: HostileDict(path="L.variables.n", value=1),
    lambda: HostileText("x"),
    lambda: HostileBytes(b"x"),
    lambda: HostileList([1]),
    Half,
    lambda: {"path": broken("__repr__")(), "value": 1},
    lambda: {"path": "L.variables.n", "value": broken("__repr__", "__eq__", "__float__", "__int__")()},
    lambda: {"path": "L.variables.n", "value": 1, "at": broken("__float__", "__repr__")()},
    lambda: {"path": "L.variables.n", "value": 1, "id": broken("__repr__", "__str__")()},
    lambda: {broken("__repr__")(): 1},
]
ODD_MESSAGES = [
    lambda: Message(("L.variables.n", 1), position=None),
    lambda: Message(("L.variables.n", 1), position=[1, 2]),
    lambda: Message(("L.variables.n", 1), position=7),
    lambda: Message(("L.variables.n", 1), info=None),
    lambda: Message(("L.variables.n", 1), info="here"),
    lambda: Message(("L.variables.n", 1), info=broken("keys", "__iter__", "__repr__")()),
    lambda: Message(b"garbage", info={"topic": broken("__str__", "__repr__", "__format__")()}),
    lambda: Message(b"garbage", info={broken("__repr__")(): 1}),
    lambda: Message(Message(b"garbage")),
]
NUMBERS = st.one_of(
    st.integers(), st.integers(-(10**400), 10**400), st.floats(), st.booleans(), st.none(), st.just(10**300)
)
VALUES = st.recursive(
    st.one_of(NUMBERS, st.text(max_size=8), st.binary(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner, inner),
        st.tuples(inner, inner),
        st.dictionaries(st.sampled_from(["path", "path_id", "param_path", "value", "changes", "at", "id", "x"]), inner),
    ),
    max_leaves=12,
)
GARBAGE = st.one_of(
    VALUES,
    st.binary(max_size=40),
    st.text(max_size=40),
    st.sampled_from([b"[" * 1200 + b"]" * 1200, b'{"path": "L.variables.n", "value": NaN}', b"1" * 500]),
    st.sampled_from([b'[{"path": "L.variables.n", "value": 1}, {"path": "L.variables.n"}]', b"\xef\xbb\xbf{}"]),
    st.sampled_from(HOSTILE),  # made only where they are sent: whoever looks at one before fails by it
)
GOOD = "good"  # stands for a change that is fine
PLANS = st.lists(st.one_of(st.just(GOOD), GARBAGE), max_size=25)


def items_of(plan):
    """Return what the plan asks for: each good change has a value of its own."""
    return [
        {"path": "L.variables.m", "value": at + 1} if item is GOOD else item() if callable(item) else item
        for at, item in enumerate(plan)
    ]


class ByMessages(BaseIngress):
    """Yields from a position on, and is closed and opened again in the middle."""

    def __init__(self, items, breaks_at=None):
        self.items, self.breaks_at, self.told, self.met = items, breaks_at, {}, []

    async def open(self, run):
        self.at = run.positions.get("log", 0)

    async def messages(self):
        for at in range(self.at, len(self.items)):
            if at == self.breaks_at:
                self.breaks_at = None
                raise ConnectionError("connection reset")
            self.met.append(at)
            yield Message(self.items[at], {"log": at + 1}, {"offset": at})

    async def applied(self, position):
        self.told.update(position)


class ByQueue(ByMessages):
    """The older form."""

    async def run(self, ingress_queue):
        async for message in ByMessages.messages(self):
            ingress_queue.put(message)
            await asyncio.sleep(0)


class BySnapshot(ByMessages):
    """All of it at the start."""

    async def snapshot(self):
        return [message async for message in ByMessages.messages(self)]

    async def messages(self):
        return
        yield


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=PLANS, form=st.sampled_from([ByMessages, ByQueue, BySnapshot]), breaks_at=st.integers(0, 25))
def test_everything_is_applied_or_refused_with_its_place_and_nothing_is_met_twice(plan, form, breaks_at):
    ingress, destination = form(items_of(plan), breaks_at if form is not BySnapshot else None), Letters()
    changes = run_with(ingress, destination)
    good = [at for at, item in enumerate(plan) if item is GOOD]
    assert [change["updates"][0][1] for change in changes if change["status"] == "applied"] == [at + 1 for at in good]
    refused = [change for change in changes if change["status"] == "refused"]
    assert len(changes) == len(plan) == len(good) + len(refused)
    bad = [at for at in range(len(plan)) if at not in good]
    assert [value["info"]["offset"] for value in destination.values] == bad
    assert [value["position"]["log"] for value in destination.values] == [at + 1 for at in bad]
    for value in destination.values:
        assert value["reason"].startswith(f"control (offset {value['info']['offset']}): ")
        assert len(value["reason"]) < 1000
    assert ingress.met == list(range(len(plan)))
    assert ingress.told == ({"log": len(plan)} if plan else {})


def run_with(ingress, destination, **options):
    """Run with one ingress; return what became of each message."""
    published = MemoryEgress()
    with make_environment(factor=1) as env:
        env.setup_egress([published])
        env.setup_ingress({"control": ingress}, on_poison="dead_letter", dead_letters=destination, **options)
        env.run()
        env.teardown()
        (report,) = env.report().sources
        assert report.received == env.changes_applied + env.changes_refused
        assert (report.refused, report.dead_lettered) == (env.changes_refused, len(destination.letters))
    return published.system_values("system.changes")


LINES = st.one_of(
    st.just(GOOD),
    st.binary(max_size=60),
    VALUES.map(lambda value: json.dumps(value, default=repr, skipkeys=True).encode() if printable(value) else b"{"),
    st.sampled_from(
        [b"[" * 1200 + b"]" * 1200, b"\xff\xfe\x00", b"null", b'{"path": ["L"], "value": 1}', b'"\\ud800"']
    ),
)


def printable(value):
    try:
        return bool(json.dumps(value, default=repr, skipkeys=True))
    except ValueError:  # a whole number of 5000 digits
        return False


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=st.lists(LINES, max_size=25))
def test_a_file_of_garbage_lines_steers_by_its_good_ones(plan, tmp_path):
    lines = []
    for at, line in enumerate(plan):
        good = line is GOOD
        lines.append(json.dumps(items_of(["x"] * at + [GOOD])[at]).encode() if good else line.replace(b"\n", b""))
    path = tmp_path / "changes.jsonl"
    path.write_bytes(b"\n".join(lines))
    destination = Letters()
    changes = run_with(LinesIngress(path, follow=False), destination)
    good = [at + 1 for at, line in enumerate(plan) if line is GOOD]
    assert [change["updates"][0][1] for change in changes if change["status"] == "applied"] == good
    bad = [at + 1 for at, line in enumerate(lines) if without_mark(line, at).strip() and at + 1 not in good]
    assert [value["info"]["line"] for value in destination.values] == bad
    for value in destination.values:
        assert value["reason"].startswith(f"control (line {value['info']['line']}): ")


def without_mark(line, at):
    return line.removeprefix(b"\xef\xbb\xbf") if at == 0 else line


@pytest.mark.parametrize("make", HOSTILE)
@pytest.mark.parametrize("form", [ByMessages, ByQueue, BySnapshot])
def test_hostile_objects_are_refused_and_the_rest_goes_on(form, make):
    changes = run_with(form([make(), {"path": "L.variables.n", "value": 9}]), Letters())
    assert [change["status"] for change in changes] == ["refused", "applied"]


@pytest.mark.parametrize("make", [*HOSTILE, *ODD_MESSAGES])
@pytest.mark.parametrize("form", ["messages", "queue", "snapshot"])
def test_hostile_objects_in_place_of_messages_are_refused_and_the_rest_goes_on(form, make):
    items = [make(), ("L.variables.n", 9)]

    class Bare(BaseIngress):
        if form == "queue":

            async def run(self, ingress_queue):
                for item in items:
                    ingress_queue.put(item)

        elif form == "snapshot":

            async def snapshot(self):
                return items

        else:

            async def messages(self):
                for item in items:
                    yield item

    changes = run_with(Bare(), Letters())
    assert [change["status"] for change in changes] == ["refused", "applied"]
    assert changes[0]["source"] == "control"


@pytest.mark.parametrize("form", [ByMessages, ByQueue, BySnapshot, LinesIngress])
def test_a_message_of_10_mb_is_refused_and_kept_in_every_form(form, tmp_path):
    large = b'{"path": "L.variables.name", "value": "%s"}' % (b"x" * 10_000_000)
    good = b'{"path": "L.variables.n", "value": 9}'
    path = tmp_path / "changes.jsonl"
    path.write_bytes(large + b"\n" + good)
    ingress = LinesIngress(path, follow=False) if form is LinesIngress else form([large, good])
    destination = Letters()
    changes = run_with(ingress, destination)
    assert [change["status"] for change in changes] == ["refused", "applied"]
    assert "1048576 are allowed" in changes[0]["reason"]
    assert destination.values[0]["payload"].encode() == large


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()])
def test_a_deserializer_that_raises_anything_refuses_its_message_only(error):
    class Leaving(JsonDeserializer):
        def deserialize(self, topic, payload):
            if payload == b"leave":
                raise error
            return super().deserialize(topic, payload)

    changes = run_with(
        ByMessages([b"leave", b'{"path": "L.variables.n", "value": 9}']), Letters(), deserializer=Leaving()
    )
    assert [change["status"] for change in changes] == ["refused", "applied"]


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), RuntimeError()], ids=repr
)
@pytest.mark.parametrize("form", [ByMessages, ByQueue])
def test_an_ingress_that_raises_anything_is_opened_again_and_ends_nothing_else(form, error):
    class Leaving(form):
        async def messages(self):
            await self.leave()
            async for message in super().messages():
                yield message

        async def run(self, ingress_queue):
            await self.leave()
            await ByQueue.run(self, ingress_queue)

        async def leave(self):
            if self.breaks_at is None:
                self.breaks_at = -1
                raise error

    if form is ByMessages:
        del Leaving.run
    other, ingress = (
        ByMessages([("L.variables.m", number + 1) for number in range(50)]),
        Leaving([("L.variables.n", 9)]),
    )
    with make_environment(factor=1) as env:
        env.setup_ingress([ingress, other])
        env.run()
        assert env.registry.get("L.variables.n").value == 9
        assert env.registry.get("L.variables.m").value == 50
    assert other.told == {"log": 50}
    assert ingress.told == {"log": 1}


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()], ids=repr)
@pytest.mark.parametrize("form", ["async", "thread"])
def test_an_egress_that_raises_anything_is_opened_again_and_ends_nothing_else(form, error):
    class Leaving(MemoryEgress):
        left = 2

        def check(self):
            if self.left:
                self.left -= 1
                raise error

        async def write(self, batch):
            self.check()
            await super().write(batch)

    class LeavingThread(Leaving):
        def write(self, batch):
            self.check()
            self.records.extend([] if batch.system else batch)

    leaving, other = LeavingThread() if form == "thread" else Leaving(), MemoryEgress()
    with make_environment(factor=0) as env:
        env.setup_egress([leaving, other], batch_size=10)
        for number in range(100):
            env.publish_telemetry("x", number)
        env.run()
    assert leaving.records == other.records
    assert len(other.records) == 100


def test_an_egress_of_the_older_form_that_leaves_ends_nothing_else():
    class Leaving(BaseEgress):
        async def run(self, egress_queue):
            raise SystemExit(3)

    other = MemoryEgress()
    with make_environment(factor=0) as env:
        env.setup_egress([Leaving()], drain_timeout=0.05)
        env.setup_egress([other])
        env.publish_telemetry("x", 1)
        env.run()
    assert len(other.records) == 1


def test_under_stop_the_reason_names_source_and_place_also_when_the_registry_refused(live_env):
    live_env.setup_ingress({"control": ByMessages([("L.variables.nn", 1)])}, on_poison="stop")
    with pytest.raises(DecodeError, match=r"^control \(offset 0\): 'L.variables.nn': no such path"):
        live_env.run()
