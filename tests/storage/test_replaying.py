"""Files of changes and of arrivals, replayed."""

import gzip
from datetime import UTC, datetime, timedelta

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dynamic_des import DynamicRealtimeEnvironment, SimParameter
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
