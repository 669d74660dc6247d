#!/usr/bin/env python3
"""Records a second from a model at factor 0 to Parquet and JSON lines, beside the least that could do it, and desflow.

    python benchmarks/storage.py [--records 300000] [--rounds 3] [--desflow ../dfl/bin/python]

Every figure is the median of fresh processes that take turns. ``raw`` is PyArrow or orjson alone, given dictionaries
that are there already: no model, no queue, no thread. The bar: at least 3 times desflow's records a second.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BATCH = 5000


def value(number):
    return {"path_id": "Line.service.work", "status": "finished", "part": number, "seconds": 3.25}


def run_model(env, records):
    def model():
        publish, timeout = env.publish_event, env.timeout
        for number in range(records):
            publish(f"part-{number % 1000}", value(number))
            yield timeout(0.125)

    env.process(model())
    began = time.perf_counter()
    env.run()
    env.teardown()
    return time.perf_counter() - began


def ours(kind, folder, records):
    import dynamic_des
    import dynamic_des_storage

    env = dynamic_des.DynamicRealtimeEnvironment(factor=0)
    egress = {"parquet": dynamic_des_storage.ParquetEgress, "jsonl": dynamic_des_storage.JsonlEgress}[kind]
    env.setup_egress([egress(folder)], batch_size=BATCH)
    return run_model(env, records)


def desflow(kind, folder, records):
    import desflow
    from desflow.connectors.egress import storage

    env = desflow.DynamicRealtimeEnvironment(factor=0, strict=False)
    egress = {"parquet": storage.ParquetStorageEgress, "jsonl": storage.JsonlStorageEgress}[kind]
    env.setup_egress([egress(f"{folder}/events.{kind}")], batch_size=BATCH)
    return run_model(env, records)


def raw(kind, folder, records):
    import orjson
    import pyarrow as pa
    import pyarrow.parquet as pq

    made = [
        {"seq": n, "sim_ts": n / 8, "timestamp": "2026-01-01T00:00:00.125000+00:00", "key": "part-1", "value": value(n)}
        for n in range(records)
    ]
    began = time.perf_counter()
    path = Path(folder) / "raw"
    if kind == "jsonl":
        with path.open("wb") as file:
            for record in made:
                file.write(orjson.dumps(record))
                file.write(b"\n")
    else:
        schema = pa.Table.from_pylist(made[:1]).schema
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for first in range(0, records, BATCH):
                writer.write_table(pa.Table.from_pylist(made[first : first + BATCH], schema))
    return time.perf_counter() - began


def fresh(python, who, kind, records):
    folder = tempfile.mkdtemp()
    try:
        command = [python, __file__, "--measure", who, kind, folder, "--records", str(records)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True, timeout=900).stdout)
    finally:
        shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--desflow", metavar="PYTHON", help="an interpreter that has desflow and pyarrow")
    parser.add_argument("--measure", nargs=3, metavar=("WHO", "KIND", "FOLDER"), help="internal: one figure")
    arguments = parser.parse_args()
    if arguments.measure:
        who, kind, folder = arguments.measure
        took = {"ours": ours, "desflow": desflow, "raw": raw}[who](kind, folder, arguments.records)
        print(arguments.records / took, flush=True)
        os._exit(0)
    print(f"{'format':<10} {'records/s':>10} {'x raw':>8} {'x desflow':>10}")
    for kind in ("parquet", "jsonl"):
        figures = {"ours": [], "raw": [], "desflow": []}
        for _ in range(arguments.rounds):
            for who, found in figures.items():
                python = arguments.desflow if who == "desflow" else sys.executable
                if python:
                    found.append(fresh(python, who, kind, arguments.records))
        ratios = {
            who: f"{statistics.median(a / b for a, b in zip(figures['ours'], figures[who], strict=True)):.2f}"
            if figures[who]
            else "-"
            for who in ("raw", "desflow")
        }
        speed = statistics.median(figures["ours"])
        print(f"{kind:<10} {speed:>10,.0f} {ratios['raw']:>8} {ratios['desflow']:>10}", flush=True)


if __name__ == "__main__":
    main()
