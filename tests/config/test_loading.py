"""From a file to a twin."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dynamic_des import (
    ConsoleEgress,
    DynamicResource,
    DynamicStore,
    FileEgress,
    LinesIngress,
    LocalIngress,
    MemoryEgress,
)

SMALL = '[simulation]\nmodel = "model:build"\n'


def test_a_file_describes_a_whole_twin(folder):
    twin = folder.load(
        """
        [simulation]
        name = "line-a"
        model = "model:build"
        factor = 0
        until = 60
        seed = 7
        initial_time = 5
        strict = true
        start_time = 2030-01-01T06:00:00Z
        lag_monitor_interval = 2
        journal = "journal.jsonl"

        [parameters.Line_A.arrival.parts]
        dist = "exponential"
        rate = 1.5

        [parameters.Line_A.resources.lathe]
        current_cap = 1
        max_cap = 5

        [parameters.Line_A.stores.shelf]
        current_cap = 10
        max_cap = 20

        [parameters.Line_A.variables]
        shift = "early"
        limits = [1, 2]

        [parameters.Line_B.variables]
        open = true

        [bounds."Line_A.arrival.parts.rate"]
        min = 0.1
        max = 10
        max_step = 2

        [resources."Line_A.lathe"]
        type = "resource"
        preemptive = true

        [resources."Line_A.shelf"]
        type = "store"
        priority = true

        [ingress.shifts]
        type = "local"
        schedule = [[6, "Line_A.resources.lathe.current_cap", 3]]

        [ingress.control]
        type = "lines"
        path = "changes.jsonl"
        follow = false
        snapshot_timeout = 3
        on_poison = "stop"

        [egress.screen]
        type = "console"
        format = "json"

        [egress.records]
        type = "file"
        path = "out.jsonl"
        batch_size = 50
        flush_interval = 0.5
        drain_timeout = 3
        """
    )
    settings = twin.simulation
    assert (settings.name, settings.factor, settings.until, settings.seed) == ("line-a", 0.0, 60.0, 7)
    assert (settings.initial_time, settings.strict, settings.lag_monitor_interval) == (5.0, True, 2.0)
    assert settings.start_time == datetime(2030, 1, 1, 6, tzinfo=UTC)
    assert settings.journal == Path("journal.jsonl")
    assert {name: type(one) for name, (one, _) in twin.ingresses.items()} == {
        "shifts": LocalIngress,
        "control": LinesIngress,
    }
    assert {name: type(one) for name, (one, _) in twin.egresses.items()} == {
        "screen": ConsoleEgress,
        "records": FileEgress,
    }
    assert twin.ingresses["shifts"].connector.schedule == [(6.0, "Line_A.resources.lathe.current_cap", 3)]
    options = twin.ingresses["control"].options
    assert (options.snapshot_timeout, options.on_poison, options.inbox_size) == (3.0, "stop", 10_000)
    options = twin.egresses["records"].options
    assert (options.batch_size, options.flush_interval, options.drain_timeout) == (50, 0.5, 3.0)
    assert twin.egresses["records"].connector.path == Path("out.jsonl")

    env = twin.environment()
    assert (env.name, env.seed, env.now, env.factor) == ("line-a", 7, 5.0, 0.0)
    assert env.start_datetime == datetime(2030, 1, 1, 6, tzinfo=UTC)
    assert env.registry.get("Line_A.arrival.parts.rate").value == 1.5
    assert env.registry.get("Line_A.variables.limits").value == [1, 2]
    assert env.registry.get("Line_B.variables.open").value is True
    assert env.registry.update("Line_A.arrival.parts.rate", 4).reason == (
        "Line_A.arrival.parts.rate: a step from 1.5 to 4.0 is larger than the allowed 2.0. The value stays 1.5."
    )
    lathe, shelf = env.resources["Line_A.lathe"], env.resources["Line_A.shelf"]
    assert (type(lathe), lathe.capacity, lathe.preemptive) == (DynamicResource, 1, True)
    assert (type(shelf), shelf.capacity) == (DynamicStore, 10)
    with pytest.raises(KeyError) as missing:
        env.resources["Line_A.late"]
    assert str(missing.value) == (
        "env.resources: there is no resource 'Line_A.late'. Did you mean 'Line_A.lathe'? "
        "In a configuration file it is a table [resources.<name>]."
    )
    assert env.resources.get("Line_A.late") is None


def test_a_twin_is_built_connected_and_run(folder):
    folder.module(
        "model",
        """
        def build(env):
            def life():
                with env.resources["A.lathe"].request() as request:
                    yield request
                    env.publish_event("part", {"capacity": env.resources["A.lathe"].capacity})
            env.process(life())
        """,
    )
    twin = folder.load(
        f"""
        {SMALL.replace(chr(10), chr(10) + "        ")}
        factor = 0
        [parameters.A.resources.lathe]
        current_cap = 2
        max_cap = 5
        [resources."A.lathe"]
        type = "resource"
        [egress.kept]
        type = "memory"
        """
    )
    with twin.environment() as env:
        twin.connect(env)
        twin.build(env)
        env.run()
    kept = twin.egresses["kept"].connector
    assert isinstance(kept, MemoryEgress)
    assert kept.events == [(0, "part", {"capacity": 2})]


def test_the_smallest_file_is_enough(folder):
    twin = folder.load(SMALL)
    env = twin.environment()
    assert (env.name, env.factor, env.now, twin.simulation.until) == ("twin", 1.0, 0.0, None)


def test_a_resource_kind_of_ones_own_gets_its_name_and_its_options(folder):
    folder.module(
        "kinds",
        """
        class Crane:
            def __init__(self, env, name, *, reach: float, hooks: int = 1):
                self.env, self.name, self.reach, self.hooks = env, name, reach, hooks
        """,
    )
    env = folder.load(f"{SMALL}[resources.big]\ntype = 'kinds:Crane'\nreach = 30").environment()
    crane = env.resources["big"]
    assert (crane.env, crane.name, crane.reach, crane.hooks) == (env, "big", 30.0, 1)
    assert folder.problems(f"{SMALL}[resources.big]\ntype = 'kinds:Crane'\nname = 'x'") == [
        "twin.toml:3: [resources.big] reach: is missing, and has no default. Write reach = ….",
        "twin.toml:5: [resources.big] name: unknown key. Crane takes reach, hooks, type. Remove it.",
    ]


def test_connectors_can_be_left_out(folder):
    twin = folder.load(f"{SMALL}[egress.a]\ntype = 'kafka'", connectors=False)
    assert (twin.ingresses, twin.egresses) == ({}, {})
