"""The kinds of this plugin, held to the contract of every resource kind."""

from functools import wraps
from typing import ClassVar

from dynamic_des import DistributionConfig, SimParameter
from dynamic_des.testing import ResourceContract
from dynamic_des_streaming import ConsumerGroup, EventLog, StreamProcessor

LINE = SimParameter(
    "Line_A", service={"append": DistributionConfig("exponential", rate=10.0)}, variables={"demand": 0.0, "delay": 2.0}
)


class TestEventLog(ResourceContract):
    resource_class = EventLog
    parameters = (LINE,)
    options: ClassVar = {
        "num_partitions": 3,
        "sharding_strategy": "kafka",
        "retention_policy": {"max_age_s": 60, "max_records": 10},
        "append_latency": "Line_A.service.append",
    }

    def use(self, env, log):
        yield env.all_of([log.append(f"k{number}", number) for number in range(5)])
        records = yield log.read(0)
        log.publish_telemetry()
        return records


class GroupBelowItsLog(ConsumerGroup):
    """A group whose log is there already, as that of a table further up in a configuration file."""

    @wraps(ConsumerGroup.__init__)
    def __init__(self, env, *arguments, **options):
        env.resources["orders"] = EventLog(env, "orders")
        super().__init__(env, *arguments, **options)


class TestConsumerGroup(ResourceContract):
    resource_class = GroupBelowItsLog
    parameters = (LINE,)
    options: ClassVar = {
        "event_log": "orders",
        "assignment_strategy": "sticky",
        "rebalance_delay": "Line_A.variables.delay",
        "session_timeout": 30,
        "rebalance_protocol": "cooperative",
    }

    def use(self, env, group):
        log = env.resources["orders"]
        yield group.join("c1")
        yield log.append("k", 1)
        records = yield group.poll("c1")
        yield group.commit("c1")
        group.publish_telemetry()
        yield group.leave("c1")
        return records


class TestStreamProcessor(ResourceContract):
    resource_class = StreamProcessor
    parameters = (LINE,)
    options: ClassVar = {
        "window_type": {"type": "tumbling", "size_s": 10},
        "aggregate_fn": "sum",
        "downstream": "Line_A.variables.demand",
        "watermark": "event",
        "max_out_of_orderness_s": 2,
    }

    def use(self, env, processor):
        for time in (1.0, 5.0, 13.0):
            yield processor.process("k", 1, time)
        yield env.timeout(3.0)
        processor.publish_telemetry()
        return env.registry.get("Line_A.variables.demand").value
