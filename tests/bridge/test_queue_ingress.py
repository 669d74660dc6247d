"""The form of the earliest connectors: ``async def run(self, ingress_queue)``."""

import asyncio
import threading

from dynamic_des import BaseIngress, JsonDeserializer, MemoryEgress, Message
from dynamic_des.bridge import queue_form


def updates_after(env, *ingresses, **options):
    egress = MemoryEgress()
    env.setup_egress([egress])
    env.setup_ingress(ingresses, **options)
    env.run()
    env.teardown()
    return [change["updates"] for change in egress.system_values("system.changes")]


def test_pairs_dictionaries_and_messages_are_put_from_the_loop(live_env):
    class Seeds(BaseIngress):
        told = None

        async def run(self, ingress_queue):
            ingress_queue.put(("L.variables.n", 1))
            await asyncio.sleep(0)
            ingress_queue.put_nowait({"path_id": "L.variables.n", "value": 2})
            ingress_queue.put(Message(b'{"path": "L.variables.n", "value": 3}', {"p": 18}), timeout=1)
            assert ingress_queue.qsize() == 2

        async def applied(self, position):
            self.told = position

    ingress = Seeds()
    assert updates_after(live_env, ingress) == [[["L.variables.n", number]] for number in (1, 2, 3)]
    assert ingress.told == {"p": 18}


def test_no_super_init_is_needed(live_env):
    class Seeds(BaseIngress):
        def __init__(self):
            self.mine = 1

        async def run(self, ingress_queue):
            ingress_queue.put(("L.variables.n", self.mine))

    assert updates_after(live_env, Seeds()) == [[["L.variables.n", 1]]]


def test_a_thread_of_its_own_may_put(live_env):
    class Threaded(BaseIngress):
        async def run(self, ingress_queue):
            def work():
                for number in range(500):
                    ingress_queue.put(("L.variables.n", number))

            thread = threading.Thread(target=work)
            thread.start()
            while thread.is_alive():
                await asyncio.sleep(0.001)
            thread.join()

    assert updates_after(live_env, Threaded()) == [[["L.variables.n", number]] for number in range(500)]


def test_what_it_put_before_it_raised_is_applied_and_it_is_started_again(live_env):
    class Unsteady(BaseIngress):
        starts = 0

        async def run(self, ingress_queue):
            self.starts += 1
            ingress_queue.put(("L.variables.n", self.starts))
            if self.starts < 4:
                raise ConnectionError("connection reset")

    assert updates_after(live_env, Unsteady()) == [[["L.variables.n", number]] for number in (1, 2, 3, 4)]


def test_what_is_malformed_is_refused_and_the_rest_goes_on(live_env):
    class Sloppy(BaseIngress):
        async def run(self, ingress_queue):
            for item in [("a", "b", "c"), None, b"garbage", ("L.variables.n", 4)]:
                ingress_queue.put(item)

    assert updates_after(live_env, Sloppy()) == [[], [], [], [["L.variables.n", 4]]]


def test_one_that_runs_for_ever_is_cancelled_at_the_end(live_env):
    ends = []

    class Endless(BaseIngress):
        async def run(self, ingress_queue):
            try:
                while True:
                    await asyncio.sleep(3600)
            except asyncio.CancelledError:
                ends.append("cancelled")
                raise

        async def close(self):
            ends.append("closed")

    live_env.setup_ingress([Endless()])
    live_env.run(until=0.02)
    live_env.teardown()
    assert ends == ["cancelled", "closed"]


def test_a_deserializer_of_ones_own_does_not_run_on_the_loop(live_env):
    threads = []

    class Noting(JsonDeserializer):
        def deserialize(self, topic, payload):
            threads.append(threading.current_thread().name)
            return super().deserialize(topic, payload)

    class Seeds(BaseIngress):
        async def run(self, ingress_queue):
            for number in range(3):
                ingress_queue.put(b'{"path": "L.variables.n", "value": %d}' % number)

    assert updates_after(live_env, Seeds(), deserializer=Noting()) == [[["L.variables.n", n]] for n in range(3)]
    assert threads == ["decode Seeds"] * 3


def test_put_never_waits_and_a_queue_that_grows_is_said_once(live_env, monkeypatch, caplog):
    monkeypatch.setattr(queue_form, "_MANY", 100)

    class Flood(BaseIngress):
        async def run(self, ingress_queue):
            for number in range(500):
                ingress_queue.put(("L.variables.n", number))

    assert len(updates_after(live_env, Flood(), inbox_size=10)) == 500
    assert caplog.text.count("items wait in its queue, and put never waits") == 1


def test_a_thread_that_outlives_the_environment_may_go_on_putting(live_env):
    queues = []

    class Leaky(BaseIngress):
        async def run(self, ingress_queue):
            queues.append(ingress_queue)

    updates_after(live_env, Leaky())
    queues[0].put(("L.variables.n", 1))


def test_two_of_them_keep_their_own_order(live_env):
    class Counting(BaseIngress):
        def __init__(self, path):
            self.path = path

        async def run(self, ingress_queue):
            for number in range(100):
                ingress_queue.put((self.path, number))
                await asyncio.sleep(0)

    updates = updates_after(live_env, Counting("L.variables.n"), Counting("L.variables.m"))
    for path in ("L.variables.n", "L.variables.m"):
        assert [value for ((name, value),) in updates if name == path] == list(range(100))
