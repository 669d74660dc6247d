#!/usr/bin/env python3
"""A twin that writes to PostgreSQL, against ``COPY`` and desflow; and how soon a row is in force.

    python benchmarks/postgres_store.py [--desflow ../dfl/bin/python]

Starts its own server. The raw client copies rows that are made already (asyncpg's ``copy_records_to_table``), a batch
in a transaction; the twin's time includes simulating, publishing, encoding and batching. The bars: half of the raw
client's rate, three times desflow's, and 5 ms in the median.
"""

import asyncio
import time
from datetime import datetime

import stores


def raw(dsn, size):
    import asyncpg
    import orjson

    from dynamic_des_postgres.layout import COLUMNS, records_sql

    def row(record):
        value = orjson.dumps(record["value"]).decode()
        moment = datetime.fromisoformat(record["timestamp"])
        return ("twin", "run", record["seq"], "event", record["sim_ts"], moment, record["key"], value, None)

    async def copy():
        connection = await asyncpg.connect(dsn)
        await connection.execute(f"DROP TABLE IF EXISTS raw; {records_sql('raw')}")
        begin = time.perf_counter()
        for first in range(0, len(made), size):
            await connection.copy_records_to_table("raw", records=made[first : first + size], columns=COLUMNS)
        return time.perf_counter() - begin

    made = [row(record) for record in stores.records()]
    return [asyncio.run(copy())]


def egress(dsn):
    from tests.services.sql import Sql

    from dynamic_des_postgres import PostgresEgress

    with Sql(dsn) as sql:
        sql("DROP TABLE IF EXISTS ours")
    return PostgresEgress(dsn, "ours", create_table=True)


def alone(dsn, size):
    return [stores.writing_s(egress(dsn), size)]


def ours(dsn, size):
    return [stores.publishing_s(egress(dsn), size)]


def desflow(dsn, size):
    from desflow.connectors.egress.postgres import PostgresEgress
    from tests.services.sql import Sql

    columns = {"path_id": "text", "status": "text", "part": "int", "seconds": "float8"}
    with Sql(dsn) as sql:
        sql("DROP TABLE IF EXISTS theirs")
        egress = PostgresEgress(dsn, tables={"theirs": {"columns": {**columns, "sim_ts": "float8"}}})
        return [stores.publishing_of_desflow_s(egress, size, lambda: sql.value("SELECT count(*) FROM theirs"))]


def latency(dsn, _):
    from tests.services.sql import Sql

    from dynamic_des_postgres import PostgresIngress

    ingress = PostgresIngress(dsn, "control", create_table=True)
    with Sql(dsn) as sql:
        insert = "INSERT INTO control (path, value) VALUES ($1, $2)"
        return stores.latencies(ingress, lambda n: sql(insert, stores.PATH, n))


def server(folder):
    from tests.services.postgres import Postgres

    return Postgres(folder)


if __name__ == "__main__":
    contenders = {"raw": raw, "alone": alone, "ours": ours, "desflow": desflow, "latency": latency}
    stores.run(__doc__, "COPY", server, contenders)
