"""Values that a store may not be able to hold: each has its outcome, and its neighbours are written."""

import math

import pytest

from dynamic_des import DynamicRealtimeEnvironment

# what is published → what the store holds
WRITTEN = [
    (1, 1),
    (math.nan, None),
    (math.inf, None),
    (-math.inf, None),
    (10**400, 10**400),
    ({"deep": [{"er": [[]]}]}, {"deep": [{"er": [[]]}]}),
    ("ü 漢 \U0001f600 \\ \t \n \r \\N", "ü 漢 \U0001f600 \\ \t \n \r \\N"),
    ("a\0b", "a\0b"),
    ("x" * 5_000_000, "x" * 5_000_000),
    ("\ud800", "set aside"),  # half a surrogate pair has no UTF-8
    (2, 2),
]
SET_ASIDE = {"redis": [10], "postgres": [8, 10]}  # jsonb has no NUL


def publish_odd_values(egress):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([egress])
        for value, _ in WRITTEN:
            env.publish_telemetry("Line_A.odd", value)
    return env.report().sinks[0]


@pytest.mark.parametrize(
    ("kind", "options"), [("redis", {"protocol": 2}), ("redis", {"protocol": 3}), ("postgres", {})]
)
def test_each_odd_value_has_its_outcome_and_its_neighbours_are_written(request, kind, name, options):
    store, aside = request.getfixturevalue(f"{kind}_store"), SET_ASIDE[kind]
    report = publish_odd_values(store.egress(name, timeout_s=20, **options))
    assert (report.set_aside, report.written) == (len(aside), len(WRITTEN) - len(aside))
    held = {record["seq"]: record["value"] for record in store.records(name)}
    assert held == {seq: value for seq, (_, value) in enumerate(WRITTEN, 1) if seq not in aside}


def test_a_number_column_holds_what_json_cannot(postgres_store, name):
    publish_odd_values(postgres_store.egress(name, timeout_s=20))
    numbers = [record["number"] for record in postgres_store.records(name)]
    assert numbers[:1] + numbers[2:5] == [1, math.inf, -math.inf, None]
    assert math.isnan(numbers[1])
