from __future__ import annotations

import inspect
import typing
from importlib.metadata import entry_points

import pluggy
import pytest
import simpy

import dynamic_des.hookspecs
import dynamic_des_streaming
from dynamic_des.config.loading import load
from dynamic_des.hookspecs import GROUP
from dynamic_des_streaming import AGGREGATES, ConsumerGroup, EventLog, StreamProcessor

KINDS = [EventLog, ConsumerGroup, StreamProcessor]


def test_the_entry_point_registers_three_resource_kinds():
    [entry] = [entry for entry in entry_points(group=GROUP) if entry.name == "streaming"]
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(dynamic_des.hookspecs)
    manager.register(entry.load())
    manager.check_pending()
    assert manager.hook.dynamic_des_register_resource() == [KINDS]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_built_with_an_environment_a_name_and_options(kind):
    assert list(inspect.signature(kind).parameters)[:2] == ["env", "name"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_types_of_a_constructor_can_be_read_at_run_time(kind):
    hints = typing.get_type_hints(kind.__init__)
    assert set(inspect.signature(kind).parameters) <= set(hints)


@pytest.mark.parametrize(
    ("kind", "documented"),
    [
        (
            EventLog,
            {
                "num_partitions": 4,
                "sharding_strategy": None,
                "retention_policy": None,
                "append_latency": 0.001,
                "read_latency": 0.0005,
                "retention_check_interval": 60.0,
            },
        ),
        (
            ConsumerGroup,
            {
                "event_log": inspect.Parameter.empty,
                "assignment_strategy": None,
                "rebalance_delay": 0.5,
                "poll_latency": 0.001,
                "session_timeout": None,
            },
        ),
        (
            StreamProcessor,
            {
                "window_type": inspect.Parameter.empty,
                "aggregate_fn": inspect.Parameter.empty,
                "downstream": inspect.Parameter.empty,
                "allowed_lateness_s": 0.0,
                "late_event_policy": dynamic_des_streaming.LateEventPolicy.DROP,
                "side_output": None,
                "watermark_interval_s": 1.0,
            },
        ),
    ],
)
def test_the_documented_parameters_come_first_with_their_defaults(kind, documented):
    positional = [
        parameter
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    assert {parameter.name: parameter.default for parameter in positional[2:]} == documented


def test_all_can_be_made_from_what_a_file_can_say():
    env = simpy.Environment()
    env.resources = {}
    tables = {
        "orders": (
            EventLog,
            {
                "num_partitions": 3,
                "sharding_strategy": "kafka",
                "retention_policy": {"max_age_s": 3600, "max_records": 1000},
                "append_latency": {"dist": "exponential", "rate": 1000.0},
            },
        ),
        "billing": (ConsumerGroup, {"event_log": "orders", "assignment_strategy": "sticky", "session_timeout": 10}),
        "totals": (
            StreamProcessor,
            {
                "window_type": {"type": "sliding", "size_s": 10, "slide_s": 5},
                "aggregate_fn": "sum",
                "downstream": "orders",
                "late_event_policy": "side_output",
                "side_output": "orders",
                "early_trigger": {"every_records": 100},
            },
        ),
    }
    for name, (kind, options) in tables.items():
        env.resources[name] = kind(env, name, **options)
    env.resources["totals"].process("k", 5)
    env.run(until=100)
    assert env.resources["orders"].total_records == 2


CONFIGURATION = """
[simulation]
model = "line:build"
factor = 0

[parameters.Line_A.service.append]
dist = "exponential"
rate = 1000.0

[parameters.Line_A.variables]
demand = 0.0

[resources.orders]
type = "streaming.EventLog"
num_partitions = 3
sharding_strategy = "kafka"
retention_policy = { max_age_s = 3600, max_records = 1000 }
append_latency = "Line_A.service.append"
read_latency = 0.25

[resources.billing]
type = "streaming.ConsumerGroup"
event_log = "orders"
assignment_strategy = "sticky"
rebalance_delay = { dist = "constant", value = 2.0 }
session_timeout = 10
rebalance_protocol = "cooperative"

[resources.demand]
type = "streaming.StreamProcessor"
window_type = { type = "tumbling", size_s = 10 }
aggregate_fn = "sum"
downstream = "Line_A.variables.demand"
late_event_policy = "side_output"
side_output = "orders"
watermark = "event"
idle_timeout_s = 60
early_trigger = { every_s = 5 }
"""

MODEL = """
def build(env):
    def model():
        orders, billing = env.resources["orders"], env.resources["billing"]
        yield billing.join("c1")
        yield orders.append("k", 7)
        for record in (yield billing.poll("c1")):
            env.resources["demand"].process(record.key, record.value, 3.0)
        env.resources["demand"].process("k", 1, 11.0)
    env.process(model())
"""


def test_a_configuration_file_can_make_all_three(tmp_path):
    (tmp_path / "line.toml").write_text(CONFIGURATION)
    (tmp_path / "line.py").write_text(MODEL)
    twin = load(tmp_path / "line.toml")
    with twin.environment() as env:
        twin.build(env)
        env.run(until=4)  # before the first preview of the window that is open
        assert env.registry.get("Line_A.variables.demand").value == 7.0
        assert env.resources["billing"].assignments == {"c1": [0, 1, 2]}
        assert env.resources["demand"].active_windows == 1


def test_a_group_needs_a_log_that_is_there():
    env = simpy.Environment()
    env.resources = {"orders": EventLog(env, "orders"), "store": simpy.Store(env)}
    with pytest.raises(
        ValueError, match=r"billing: event_log: the environment has no resource 'order'\. Did you mean 'orders'"
    ):
        ConsumerGroup(env, "billing", "order")
    with pytest.raises(ValueError, match="is no EventLog"):
        ConsumerGroup(env, "billing", "store")


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("count", 3),
        ("sum", 6),
        ("mean", 2.0),
        ("min", 1),
        ("max", 3),
        ("first", 2),
        ("last", 1),
        ("list", [2, 3, 1]),
        ("statistics:median", 2),
    ],
)
def test_aggregates_can_be_named(env, name, result):
    results = []
    processor = StreamProcessor(env, "p", {"type": "tumbling", "size_s": 10}, name, results.append)
    for value in (2, 3, 1):
        processor.process("k", value)
    env.run()
    assert results[0].result == result
    assert name in AGGREGATES or ":" in name


def test_the_public_names_are_there_and_documented():
    assert len(set(dynamic_des_streaming.__all__)) == len(dynamic_des_streaming.__all__)
    for name in dynamic_des_streaming.__all__:
        public = getattr(dynamic_des_streaming, name)
        assert inspect.getdoc(public), name
        if inspect.isclass(public):
            for method, value in vars(public).items():
                if not method.startswith("_") and inspect.isfunction(value):
                    assert inspect.getdoc(getattr(public, method)), f"{name}.{method}"
