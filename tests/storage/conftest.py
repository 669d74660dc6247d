import json

import pytest

from dynamic_des import DynamicRealtimeEnvironment, SimParameter
from dynamic_des_storage import JsonlEgress, ParquetEgress, read

FORMATS = {"parquet": ParquetEgress, "jsonl": JsonlEgress}
BASE = ("seq", "sim_ts", "timestamp", "key", "path_id", "stream_type", "sys_seq", "detail", "date")


@pytest.fixture(params=FORMATS)
def make(request):
    """The class of the egress: each test runs for both formats."""
    return FORMATS[request.param]


@pytest.fixture
def env():
    with DynamicRealtimeEnvironment(factor=0, name="twin", seed=1) as env:
        env.registry.register_sim_parameter(SimParameter("L", variables={"n": 0, "order": []}))
        yield env


def publish(egress, values, batch_size=100):
    """Publish one event for each value; return the report of the sink."""
    with DynamicRealtimeEnvironment(factor=0, name="twin", seed=1) as env:
        env.setup_egress([egress], batch_size=batch_size)
        for number, value in enumerate(values):
            env.publish_event(f"part-{number}", value)
    return env.report().sinks[0]


def files(folder, pattern="*.*"):
    return sorted(path for path in folder.rglob(pattern) if path.is_file())


def rows(path):
    """What `read` returns, by seq, without nulls, JSON decoded, value fields under "value"."""
    table = read(path)
    json_columns = {f.name for f in table.schema if f.metadata and b"dynamic_des" in f.metadata}
    made = []
    for row in table.to_pylist():
        row = {
            name: json.loads(item) if name in json_columns else item for name, item in row.items() if item is not None
        }
        value = {name: row.pop(name) for name in list(row) if name not in BASE}
        made.append({**row, "value": value})
    return sorted(made, key=lambda row: row.get("seq", 0))


def values(path):
    return [row["value"] for row in rows(path)]
