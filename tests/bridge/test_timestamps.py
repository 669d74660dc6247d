"""``timestamp`` = ``start_datetime`` + (``sim_ts`` - ``initial_time``), at every factor; what is delivered is valid."""

import math
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import numpy  # noqa: F401 - which tells many time stamps at once
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bridge.conftest import make_environment

from dynamic_des import EventPayload, MemoryEgress, TelemetryPayload
from dynamic_des.sim.records import record_builder
from dynamic_des.sim.stamps import stamp, stamps_of

START = datetime(2024, 2, 28, 23, 59, 59, 500_000, tzinfo=UTC)


@pytest.mark.parametrize("factor", [0, 1e-7, 1e-6])
@pytest.mark.parametrize("initial_time", [0, 100, -5.5])
def test_time_stamps_count_from_the_start(factor, initial_time):
    egress = MemoryEgress()
    with make_environment(factor=factor, initial_time=initial_time, logical_start_time=START) as env:
        env.setup_egress([egress])

        def model():
            for delay in (0, 0.25, 0.5, 0, 86400):
                yield env.timeout(delay)
                env.publish_telemetry("x", 1)

        env.process(model())
        env.run()
    assert [record["sim_ts"] - initial_time for record in egress.records] == [0, 0.25, 0.75, 0.75, 86400.75]
    assert [record["timestamp"] for record in egress.records] == [
        "2024-02-28T23:59:59.500000+00:00",
        "2024-02-28T23:59:59.750000+00:00",
        "2024-02-29T00:00:00.250000+00:00",
        "2024-02-29T00:00:00.250000+00:00",
        "2024-03-01T00:00:00.250000+00:00",
    ]


def test_two_runs_of_the_same_model_have_the_same_bytes():
    def publish():
        egress = MemoryEgress()
        with make_environment(factor=0, logical_start_time=START) as env:
            env.setup_egress([egress])

            def model():
                for number in range(100):
                    yield env.timeout(number / 7)
                    env.publish_event(f"task-{number}", {"n": number})

            env.process(model())
            env.run()
        return repr(egress.records)

    assert publish() == publish()


@pytest.mark.parametrize("sim_ts", [1e12, 1e300, 10**30, 10**400, math.inf], ids=lambda value: str(value)[:8])
def test_a_far_future_has_the_last_time_stamp_there_is(sim_ts):
    record = record_builder(START, 0)((1, sim_ts, False, "x", 1))
    assert record["timestamp"] == "9999-12-31T23:59:59.999999+00:00"
    assert record["sim_ts"] == (math.inf if sim_ts == 10**400 else float(sim_ts))


SIM_TIMES = st.one_of(
    st.integers(-(10**12), 10**12), st.floats(), st.floats(-1e6, 1e6), st.integers(0, 10**7).map(lambda us: us / 1e6)
)


@given(times=st.lists(SIM_TIMES), initial_time=st.sampled_from([0, 0.1, -5.5, 1e9]))
def test_many_time_stamps_at_once_are_what_each_is_alone(times, initial_time):
    many = stamps_of(START, times, initial_time)
    assert many is None or many == [stamp(START, now - initial_time) for now in times]
    if all(abs(now) < 1e9 for now in times):
        assert many is not None


@pytest.mark.parametrize(
    ("factor", "records", "imported"), [(0, 300, False), (0, 120_000, True), (1e-7, 120_000, False)]
)
def test_numpy_is_imported_for_many_records_of_a_run_that_nobody_waits_for(factor, records, imported):
    # in real time the import, a fifth of a second, would be in somebody's way
    script = f"""
import sys
from dynamic_des import DynamicRealtimeEnvironment, MemoryEgress
sink = MemoryEgress()
with DynamicRealtimeEnvironment(factor={factor}) as env:
    env.setup_egress([sink])
    def model():
        for number in range({records}):
            env.publish_event("a", number)
            env.publish_event("b", number)
            yield env.timeout(0.001)
    env.process(model())
    env.run()
assert len(sink.records) == 2 * {records}
print("numpy" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (run.stdout, run.stderr) == (f"{imported}\n", "")


def test_many_records_at_once_are_what_each_is_alone():
    build = record_builder(START, 0)
    for times in (
        [1, 2.75],
        [1, True],
        [10**400],
        [math.inf],
        [math.nan, math.nan, 1, 1, Fraction(1, 3), Fraction(1, 3), 0],
    ):
        records = [(seq, now, bool(seq % 2), "x", seq) for seq, now in enumerate(times)]
        assert build.many(records) == [build(record) for record in records]


def test_a_model_may_run_into_the_far_future(env, sink):
    env.timeout(1e300)
    env.run()
    env.publish_telemetry("x", 1)
    env.run()
    assert sink.records[0]["timestamp"].startswith("9999-12-31")


def test_a_start_without_a_zone_is_utc_and_another_zone_is_kept():
    for start, expected in [
        (datetime(2024, 1, 1), "2024-01-01T00:00:00.000000+00:00"),
        (datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=9))), "2024-01-01T00:00:00.000000+09:00"),
    ]:
        egress = MemoryEgress()
        with make_environment(factor=0, logical_start_time=start) as env:
            env.setup_egress([egress])
            env.publish_telemetry("x", 1)
        assert egress.records[0]["timestamp"] == expected


def test_what_is_delivered_is_valid(env, sink):
    env.publish_event("task-1", {"status": "done", "nested": {"a": [1, 2]}})
    env.publish_telemetry("L.lathe.utilization", 0.5)
    env.post("L.variables.n", 1)
    env.run()
    event, telemetry = sink.records
    assert EventPayload.model_validate(event).model_dump(exclude_none=True) == event
    assert TelemetryPayload.model_validate(telemetry).model_dump(exclude_none=True) == telemetry
    system = TelemetryPayload.model_validate(sink.system[0])
    assert (system.sys_seq, system.seq, system.path_id) == (1, None, "system.changes")
    assert datetime.fromisoformat(system.timestamp).tzinfo == UTC
