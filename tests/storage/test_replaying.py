"""Files of changes and of arrivals, replayed."""

import asyncio
import gzip
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dynamic_des import DynamicRealtimeEnvironment, SimParameter
from dynamic_des.testing import make_run
from dynamic_des_storage import JsonlIngress, ParquetIngress

START = datetime(2026, 1, 1, tzinfo=UTC)


def as_file(folder, kind, rows):
    if kind == "parquet":
        path = folder / "rows.parquet"
        pq.write_table(pa.Table.from_pylist(rows), path)
        return ParquetIngress, path
    content = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    path = folder / f"rows.{kind}"
    path.write_bytes(gzip.compress(content) if kind.endswith("gz") else content)
    return JsonlIngress, path


every_kind = pytest.mark.parametrize("kind", ["parquet", "jsonl", "jsonl.gz"])


@every_kind
def test_changes_are_applied_exactly_at_their_times(tmp_path, env, kind):
    rows = [{"at": 2.5, "path": "L.variables.n", "value": 1}, {"at": 7.0, "path": "L.variables.n", "value": 2}]
    ingress, path = as_file(tmp_path, kind, rows)
    env.setup_ingress([ingress(path)])
    seen = []

    def model():
        while True:
            value = yield env.registry.get("L.variables.n").wait_for_change()
            seen.append((env.now, value))

    env.process(model())
    env.run(until=10)
    assert seen == [(2.5, 1), (7.0, 2)]


@every_kind
@pytest.mark.parametrize("factor", [0, 1e-5], ids=["flat out", "behind the clock"])
def test_every_arrival_arrives_at_its_moment(tmp_path, kind, factor):
    moments = [START + timedelta(seconds=number // 2) for number in range(200)]
    ingress, path = as_file(tmp_path, kind, [{"when": when, "order": n} for n, when in enumerate(moments)])
    seen = []
    with DynamicRealtimeEnvironment(factor=factor) as env:
        env.registry.register_sim_parameter(SimParameter("L", variables={"order": []}))
        env.setup_ingress([ingress(path, time="when", variable="L.variables.order")])

        def model():
            orders = env.registry.get("L.variables.order")
            arrived = orders.value
            while True:
                seen.extend((env.now, row["order"]) for row in arrived)
                arrived = yield orders.wait_for_change()

        env.process(model())
        env.run(until=100)
    assert seen == [(float(number // 2), number) for number in range(200)]


def test_a_line_that_is_no_change_is_refused_and_the_others_are_applied(tmp_path, env):
    path = tmp_path / "changes.jsonl"
    path.write_bytes(b'{"path": "L.variables.n", "value": 1}\nno JSON\n[]\n{"path": "L.variables.n", "value": 3}\n')
    env.setup_ingress([JsonlIngress(path)])
    env.run(until=1)
    assert env.registry.get("L.variables.n").value == 3
    assert (env.changes_applied, env.changes_refused) == (2, 2)


def test_a_file_that_is_not_there_is_said(tmp_path, env, caplog):
    env.setup_ingress([ParquetIngress(tmp_path / "none.parquet")])
    env.run(until=1)
    assert f"there is no file {tmp_path / 'none.parquet'}" in caplog.text


def replayed(env, ingress, until=100):
    """Run with an ingress; return when the variables became what, and the report of the ingress."""
    env.setup_ingress([ingress])
    seen = []

    def watch(name):
        variable = env.registry.get(f"L.variables.{name}")
        value = variable.value
        while True:
            if value not in (0, []):
                seen.append((env.now, value))
            value = yield variable.wait_for_change()

    for name in ("n", "order"):
        env.process(watch(name))
    env.run(until=until)
    return seen, env.report().sources[0]


def changes(*times):
    return [{"at": at, "path": "L.variables.n", "value": n} for n, at in enumerate(times, start=1)]


@pytest.mark.parametrize(
    "times",
    [
        (5, 7.5),
        ("5", "7.5"),
        (Decimal(5), Decimal("7.5")),
        (timedelta(seconds=5), timedelta(seconds=7.5)),
    ],
    ids=repr,
)
def test_seconds_are_understood_in_all_the_forms_that_columns_have(tmp_path, env, times):
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(changes(*times)), path)
    assert replayed(env, ParquetIngress(path))[0] == [(5.0, 1), (7.5, 2)]


@pytest.mark.parametrize(
    "times",
    [
        (START, START + timedelta(days=1)),
        (date(2026, 1, 1), date(2026, 1, 2)),
        ("2026-01-01", "2026-01-02 00:00"),
        ("2026-01-01T01:00:00+01:00", "2026-01-02T00:00:00Z"),
        (np.datetime64("2026-01-01T00:00:00.000000001", "ns"), np.datetime64("2026-01-02T00:00:00.000000001", "ns")),
    ],
    ids=repr,
)
def test_moments_are_understood_in_all_the_forms_that_columns_have(tmp_path, env, times):
    path = tmp_path / "rows.parquet"
    columns = {"path": ["L.variables.n"] * 2, "value": [1, 2], "at": pa.array(times)}
    pq.write_table(pa.table(columns), path)
    assert replayed(env, ParquetIngress(path), until=100_000)[0] == [(0.0, 1), (86_400.0, 2)]


@pytest.mark.parametrize("time", ["31.01.2026 06:00", True, [1], "nan", "2026-01-01T00:00:00"])
@pytest.mark.parametrize("arrivals", [False, True], ids=["change", "arrival"])
def test_a_row_whose_time_is_none_is_refused_instead_of_applied_at_the_start(tmp_path, env, caplog, time, arrivals):
    _, path = as_file(tmp_path, "jsonl", changes("2026-01-01T00:00:00Z", time, 7))
    seen, report = replayed(env, JsonlIngress(path, variable="L.variables.order" if arrivals else None))
    assert [when for when, _ in seen] == [0.0, 7.0]
    assert (report.received, report.refused) == (3, 1)
    assert "(row 2): the time" in caplog.text


def test_a_name_of_the_time_that_no_row_has_is_said(tmp_path, env):
    _, path = as_file(tmp_path, "jsonl", [{"when": 5, "path": "L.variables.n", "value": 1}])
    seen, report = replayed(env, JsonlIngress(path, time="wehn"))
    assert seen == []
    assert (report.state, "no row has the time 'wehn'. Did you mean 'when'?" in report.reason) == ("failed", True)


def test_lists_of_changes_have_the_time_that_they_have_in_common(tmp_path):
    with DynamicRealtimeEnvironment(factor=0, initial_time=50.0) as env:
        env.registry.register_sim_parameter(SimParameter("L", variables={"n": 0, "order": []}))
        rows = [changes(5), {"at": 6, "changes": [{"path": "L.variables.n", "value": 2}]}, {"changes": changes(7, 8)}]
        _, path = as_file(tmp_path, "jsonl", rows)
        seen, report = replayed(env, JsonlIngress(path))
    assert seen == [(55.0, 1), (56.0, 2)]
    assert report.refused == 1


def orders(*times):
    return [{"at": at, "order": number} for number, at in enumerate(times, start=1)]


def test_arrivals_without_a_time_and_those_before_the_start_come_together_at_the_start(tmp_path, env):
    _, path = as_file(tmp_path, "jsonl", orders(None, 0, 3, None, 0, -5))
    (first, later), _ = replayed(env, JsonlIngress(path, variable="L.variables.order"))
    assert (first[0], [row["order"] for row in first[1]]) == (0.0, [1, 2, 4, 5, 6])
    assert (later[0], [row["order"] for row in later[1]]) == (3.0, [3])


def test_what_is_no_row_is_no_arrival(tmp_path, env, caplog):
    path = tmp_path / "orders.jsonl"
    path.write_text(
        '\n{"at": 1, "order": 1}\n{"at": 2, \n[{"path": "L.variables.n", "value": 1}]\n{"at": 2, "order": 2}\n'
    )
    seen, report = replayed(env, JsonlIngress(path, variable="L.variables.order"))
    assert [(when, [row["order"] for row in rows]) for when, rows in seen] == [(1.0, [1]), (2.0, [2])]
    assert (report.received, report.refused) == (4, 2)
    assert "(row 3): not JSON" in caplog.text


def test_arrivals_in_no_order_go_on_behind_those_that_came(tmp_path):
    _, path = as_file(tmp_path, "jsonl", orders(9, 2, 5, 2))
    ingress = JsonlIngress(path, variable="L.variables.order")
    asyncio.run(ingress.open(make_run("a")))
    found = [
        (m.position[str(path)], [row["order"] for row in m.payload["value"]]) for m in asyncio.run(ingress.snapshot())
    ]
    assert found == [(2, [2, 4]), (3, [3]), (4, [1])]
    asyncio.run(ingress.open(make_run("a", positions={str(path): 2})))
    assert [m.payload["at"] for m in asyncio.run(ingress.snapshot())] == [5, 9]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.parquet", b"PAR1 PAR1"),
        ("a.jsonl.gz", gzip.compress(b'{"seq": 1}\n' * 99)[:-20]),
        ("a.jsonl.zst", b'{"seq": 1}\n'),
    ],
)
def test_a_damaged_file_is_said_at_once(tmp_path, env, name, content):
    (tmp_path / name).write_bytes(content)
    ingress = ParquetIngress if name.endswith("parquet") else JsonlIngress
    _, report = replayed(env, ingress(tmp_path / name))
    assert (report.state, f"{name} is damaged" in report.reason) == ("failed", True)


def test_a_file_of_another_tool_can_begin_with_a_mark_and_have_a_large_ending(tmp_path, env):
    path = tmp_path / "rows.JSONL.GZ"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + b"\r\n".join(orjson.dumps(row) for row in changes(1, 2))))
    assert replayed(env, JsonlIngress(path))[0] == [(1.0, 1), (2.0, 2)]
