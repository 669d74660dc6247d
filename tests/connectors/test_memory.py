"""The connectors for tests."""

from dynamic_des import MemoryEgress, MemoryIngress


def test_what_was_sent_before_it_was_opened_comes_in_too(live_env):
    source = MemoryIngress()
    source.send(("L.variables.n", 1))
    live_env.setup_ingress([source])
    source.send(("L.variables.m", 2))
    source.end()
    live_env.run()
    live_env.teardown()
    assert [live_env.registry.get(f"L.variables.{name}").value for name in "nm"] == [1, 2]
    assert source.settled == 2


def test_sending_after_the_end_is_no_error(live_env):
    source = MemoryIngress()
    live_env.setup_ingress([source])
    live_env.teardown()
    source.send(("L.variables.n", 1))


def test_the_views_of_a_memory_egress(env):
    egress = MemoryEgress()
    env.setup_egress([egress], batch_size=2)
    env.publish_event("task", {"a": 1})
    env.publish_telemetry("x", 2)
    env.publish_event("task", {"a": 3})
    env.post("L.variables.n", 1)
    env.run()
    assert egress.events == [(0.0, "task", {"a": 1}), (0.0, "task", {"a": 3})]
    assert egress.telemetry == [(0.0, "x", 2)]
    assert egress.batches == [2, 1]
    assert [change["status"] for change in egress.system_values("system.changes")] == ["applied"]
