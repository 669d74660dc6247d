"""An ingress that loses its connection is opened again, with growing pauses, and nothing is lost or turned around."""

import asyncio
import logging
import random

import pytest

from dynamic_des import BaseIngress, MemoryEgress, Message
from dynamic_des.bridge.backoff import Backoff
from dynamic_des.errors import ConfigError, PermanentError


class Broker(BaseIngress):
    """A log that is read from a position on, and whose connections break."""

    def __init__(self, length, breaks_at=(), open_fails=0):
        self.length = length
        self.breaks_at = set(breaks_at)
        self.open_fails = open_fails
        self.opened_at = []
        self.closed = 0
        self.told = []
        self.connected = False
        self.mistakes = []

    async def open(self, run):
        if self.open_fails:
            self.open_fails -= 1
            raise ConnectionError("no broker")
        self.opened_at.append(run.positions.get("log", 0))
        self.connected = True

    async def messages(self):
        for offset in range(self.opened_at[-1], self.length):
            if offset in self.breaks_at:
                self.breaks_at.discard(offset)
                raise ConnectionError("connection reset")
            yield Message({"path": "L.variables.n", "value": offset + 1}, {"log": offset + 1})

    async def applied(self, position):
        if not self.connected:
            self.mistakes.append(position)
        self.told.append(position["log"])

    async def close(self):
        self.closed += 1
        self.connected = False


def values_seen(env, source, **options):
    egress = MemoryEgress()
    env.setup_egress([egress])
    env.setup_ingress([source], **options)
    env.run()
    env.teardown()
    return [change["updates"][0][1] for change in egress.system_values("system.changes")]


@pytest.mark.parametrize("breaks_at", [[0], [1], [9], [3, 4, 5], list(range(10))])
def test_after_a_lost_connection_it_goes_on_in_order_and_loses_nothing(live_env, breaks_at):
    broker = Broker(10, breaks_at)
    assert values_seen(live_env, broker) == list(range(1, 11))
    assert broker.opened_at == [0, *breaks_at]
    assert broker.told[-1] == 10
    assert broker.closed == len(breaks_at) + 1
    assert broker.mistakes == [], "acknowledged while not connected"


def test_what_is_settled_while_the_connection_is_lost_is_acknowledged_on_the_next(live_env):
    class Down(Broker):
        async def open(self, run):
            while len(self.opened_at) == 1 and live_env._steering.changes_applied < 5:
                await asyncio.sleep(0.001)
            await super().open(run)

    broker = Down(10, [5])
    assert values_seen(live_env, broker) == list(range(1, 11))
    assert broker.mistakes == []
    assert broker.told[-1] == 10


def test_it_may_be_down_at_the_start(live_env, caplog):
    caplog.set_level(logging.WARNING)
    broker = Broker(3, open_fails=5)
    assert values_seen(live_env, broker) == [1, 2, 3]
    assert broker.closed == 6
    said = [record.getMessage() for record in caplog.records if "Broker" in record.getMessage()]
    assert said == ["ingress Broker: connecting: ConnectionError: no broker"]


def test_a_permanent_error_ends_it_and_the_run_goes_on(live_env, caplog):
    class Refused(Broker):
        async def open(self, run):
            self.opened_at.append(0)
            raise PermanentError("wrong password. Set the right one.")

    broker = Refused(3)
    assert values_seen(live_env, broker) == []
    assert broker.opened_at == [0]
    assert broker.closed == 1
    assert "ingress Refused: failed: wrong password. Set the right one." in caplog.text


def test_a_permanent_error_counts_even_when_closing_fails_too(live_env):
    class Refused(Broker):
        async def open(self, run):
            self.opened_at.append(0)
            raise PermanentError("wrong password")

        async def close(self):
            raise ConnectionError("was never open")

    broker = Refused(3)
    assert values_seen(live_env, broker) == []
    assert broker.opened_at == [0]


def test_closing_may_fail_or_hang(live_env, monkeypatch):
    monkeypatch.setattr("dynamic_des.bridge.source.PATIENCE_S", 0.05)

    class Stubborn(Broker):
        async def close(self):
            await super().close()
            if self.closed % 2:
                raise ConnectionError("already gone")
            await asyncio.Event().wait()

    assert values_seen(live_env, Stubborn(10, [2, 4, 6])) == list(range(1, 11))


def test_an_acknowledgement_that_hangs_on_a_lost_connection_does_not_hinder_the_next(live_env):
    class Hanging(Broker):
        async def applied(self, position):
            await super().applied(position)
            if len(self.opened_at) == 1:
                await asyncio.Event().wait()

        async def messages(self):
            async for message in super().messages():
                yield message
                while len(self.opened_at) == 1 and not self.told:
                    await asyncio.sleep(0)

    broker = Hanging(4, [1])
    assert values_seen(live_env, broker) == [1, 2, 3, 4]
    assert broker.told[-1] == 4


def test_messages_that_is_no_generator_is_said_and_given_up(live_env, caplog):
    class Forgetful(BaseIngress):
        async def messages(self):
            return [("L.variables.n", 1)]

    assert values_seen(live_env, Forgetful()) == []
    assert "Forgetful.messages() yields nothing" in caplog.text


def test_messages_that_is_a_plain_generator_is_said_and_given_up(live_env, caplog):
    class Plain(BaseIngress):
        def messages(self):
            yield ("L.variables.n", 1)

    assert values_seen(live_env, Plain()) == []
    assert "Plain.messages() returns <generator object" in caplog.text
    assert "Write `async def messages` with `yield`." in caplog.text


def test_methods_of_an_ingress_may_be_plain_as_those_of_an_egress_may(live_env):
    class Plain(BaseIngress):
        def open(self, run):
            self.values = [1, 2]

        async def messages(self):
            for value in self.values:
                yield ("L.variables.n", value)

        def close(self):
            self.values = None

    plain = Plain()
    assert values_seen(live_env, plain) == [1, 2]
    assert plain.values is None


def test_a_mistake_in_a_connectors_code_is_said_with_its_place(live_env, caplog):
    class Mistaken(MemoryEgress):
        async def write(self, batch):
            if not self.batches and not batch.system:
                self.batches.append(len(batch))
                await self.db.execute("INSERT")

    live_env.setup_egress([Mistaken()])
    live_env.publish_event("part-1", {})
    live_env.run(until=live_env.now + 0.01)
    live_env.teardown()
    line = Mistaken.write.__code__.co_firstlineno + 3
    text = f"AttributeError: 'Mistaken' object has no attribute 'db' (test_reopening.py, line {line})"
    assert text in caplog.text


def test_an_iterator_that_is_no_generator_serves_as_well(live_env):
    class Iterator(BaseIngress):
        def messages(self):
            return self

        def __aiter__(self):
            self.left = [3, 2, 1]
            return self

        async def __anext__(self):
            if not self.left:
                raise StopAsyncIteration
            return ("L.variables.n", self.left.pop())

    assert values_seen(live_env, Iterator()) == [1, 2, 3]


def test_pauses_grow_from_a_tenth_of_a_second_to_ten_and_start_over_after_success():
    random.seed(1)
    backoff = Backoff(0.1, 10.0)
    pauses = [backoff.failed() for _ in range(100)]
    for number, expected in enumerate([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4] + [10.0] * 93):
        assert expected <= pauses[number] <= expected + 0.1
    backoff.succeeded()
    assert 0.1 <= backoff.failed() <= 0.2


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("inbox_size", 0, "inbox_size is 0. Give a whole number of at least 1."),
        ("max_message_bytes", 1.5, "max_message_bytes is 1.5. Give a whole number"),
        ("snapshot_timeout", -1, "snapshot_timeout is -1. Give seconds, 0 or more."),
        ("on_poison", "ignore", "on_poison is 'ignore'. Give 'skip', 'dead_letter' or 'stop'."),
        ("deserializer", "json", "deserializer is 'json'. Give a MessageDeserializer object."),
        ("inbox", 1, "'inbox' is no option. Did you mean 'inbox_size'?"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(env, option, value, text):
    with pytest.raises(ConfigError) as error:
        env.setup_ingress([Broker(0)], **{option: value})
    assert text in str(error.value)


@pytest.mark.parametrize(
    ("providers", "text"),
    [
        (Broker(0), "setup_ingress: got a single Broker. Give a list"),
        ([Broker], "setup_ingress: Broker is a class. Give an object: Broker(…)."),
        ([MemoryEgress()], "is not a BaseIngress but a BaseEgress. Give it to setup_egress."),
        (
            ["kafka"],
            "'kafka' is text. Give an object of a connector's class; a type by name is for configuration files.",
        ),
        ([object], "setup_ingress: <class 'object'> is not a BaseIngress. Derive it from dynamic_des.BaseIngress."),
        (5, "setup_ingress: 5 is not a list of connectors"),
        (None, "setup_ingress: None is not a list of connectors"),
    ],
)
def test_what_is_no_list_of_ingresses_is_refused(env, providers, text):
    with pytest.raises(ConfigError) as error:
        env.setup_ingress(providers)
    assert text in str(error.value)
