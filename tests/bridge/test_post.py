"""The same door from inside the process: ``env.post``."""

import threading
from concurrent.futures import wait

import pytest
from tests.bridge.conftest import make_environment

from dynamic_des import BaseIngress, MemoryEgress, Outcome, WrongThreadError


def test_several_threads_may_post_each_in_its_own_order(live_env):
    egress = MemoryEgress()
    live_env.setup_egress([egress])
    done, futures = live_env.event(), {}

    def post(name):
        futures[name] = [live_env.post("L.variables.n", number, id=f"{name}{number}") for number in range(200)]

    threads = [threading.Thread(target=post, args=(name,)) for name in "abc"]

    def model():
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads) or live_env._steering.arrivals:
            yield live_env.timeout(0.001)
        done.succeed()

    live_env.process(model())
    live_env.run(until=done)
    assert wait([one for many in futures.values() for one in many], timeout=5).not_done == set()
    live_env.teardown()
    changes = egress.system_values("system.changes")
    assert len(changes) == 600
    for name in "abc":
        assert [change["id"] for change in changes if change["id"][0] == name] == [f"{name}{n}" for n in range(200)]
    assert {change["source"] for change in changes} == {"post"}


def test_a_future_has_the_outcome(env):
    answers = [env.post("L.variables.n", value) for value in (5, 5, "no number")]
    env.run()
    assert answers[0].result(0) == Outcome("applied")
    assert answers[1].result(0) == Outcome("unchanged")
    assert answers[2].result(0).status == "refused"


def test_what_was_posted_cannot_be_called_back(env):
    answer = env.post("L.variables.n", 5)
    assert not answer.cancel()
    env.run()
    assert answer.result(0).status == "applied"


def test_the_model_may_post_too(env):
    answers = []

    def model():
        yield env.timeout(3)
        answers.append(env.post("L.variables.n", 5))
        yield env.timeout(0)
        assert env.registry.get("L.variables.n").value == 5

    env.process(model())
    env.run()
    assert answers[0].result(0).status == "applied"


def test_a_callback_that_raises_does_not_end_the_run(env, caplog):
    env.post("L.variables.n", 5).add_done_callback(lambda answer: 1 / 0)
    env.run()
    assert env.registry.get("L.variables.n").value == 5
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("connected", [False, True])
def test_teardown_applies_what_was_posted(connected):
    with make_environment(factor=0) as env:
        if connected:
            env.setup_egress([MemoryEgress()])
        answer = env.post("L.variables.n", 5)
    assert answer.result(0).status == "applied"


def test_teardown_resolves_what_was_never_applied(env):
    class Later(BaseIngress):
        told = ()

        async def snapshot(self):
            return [{"path": "L.variables.n", "value": 1, "at": 1e9}]

    env.setup_ingress([Later()])

    class Poison(BaseIngress):
        async def messages(self):
            yield b"garbage"

    env.run()
    env.setup_ingress([Poison()], on_poison="stop")
    while env._bridge.sources[-1].received < 1:
        env._steering._alarm.wait(0.01, unless=None)
    answer = env.post("L.variables.n", 5)  # behind the poison, which ends the application of what arrived
    env.teardown()
    outcome = answer.result(0)
    assert outcome == Outcome("refused", "the environment was torn down before its time came")


def test_the_registry_is_not_for_other_threads_while_a_run_is_on(env):
    caught = []

    def meddle():
        try:
            env.registry.update("L.variables.n", 1)
        except WrongThreadError as error:
            caught.append(str(error))

    def model():
        thread = threading.Thread(target=meddle)
        thread.start()
        thread.join()
        yield env.timeout(0)

    env.process(model())
    env.run()
    assert "Use env.post(path, value)" in caught[0]
