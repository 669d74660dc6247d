#!/usr/bin/env python3
"""A twin that writes to PostgreSQL, against ``COPY``; and how soon a row is in force. Starts its own server.

    python benchmarks/postgres_store.py

The raw client copies rows that are made already (asyncpg's ``copy_records_to_table``), a batch in a transaction; the
twin's time includes simulating, publishing, encoding and batching. The bars: half of the raw client's rate, and 5 ms in
the median.
"""

import asyncio
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path

import asyncpg
import orjson
from tests.services.postgres import Postgres

import stores
from dynamic_des_postgres import PostgresEgress, PostgresIngress
from dynamic_des_postgres.layout import COLUMNS, records_sql


def row(record):
    value = orjson.dumps(record["value"]).decode()
    moment = datetime.fromisoformat(record["timestamp"])
    return ("twin", "run", record["seq"], "event", record["sim_ts"], moment, record["key"], value, None)


class Client:
    """A plain client in a thread of its own."""

    def __init__(self, dsn):
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._connection = self.run(asyncpg.connect(dsn, loop=self._loop))

    def run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def execute(self, sql, *values):
        return self.run(self._connection.execute(sql, *values))

    def copy(self, rows):
        return self.run(self._connection.copy_records_to_table("raw", records=rows, columns=COLUMNS))

    def close(self):
        self.run(self._connection.close())


def main():
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(Path(folder) / "postgres").start()
        client, made = Client(server.dsn()), [row(record) for record in stores.records()]

        def raw(size):
            client.execute(f"DROP TABLE IF EXISTS raw; {records_sql('raw')}")
            begin = time.perf_counter()
            for first in range(0, len(made), size):
                client.copy(made[first : first + size])
            return time.perf_counter() - begin

        def ours(size):
            client.execute("DROP TABLE IF EXISTS ours")
            return stores.publishing_s(PostgresEgress(server.dsn(), "ours", create_table=True), size)

        found = stores.in_turns((500, 5000), raw, ours)
        insert = "INSERT INTO control (path, value) VALUES ($1, $2)"
        ingress = PostgresIngress(server.dsn(), "control", create_table=True)
        latency = stores.latencies(ingress, lambda n: client.execute(insert, stores.PATH, str(n)))
        stores.print_table("COPY", *found, latency)
        client.close()
        server.close()


if __name__ == "__main__":
    main()
