"""PostgreSQL, as the tests of both stores see one."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import asyncpg
from tests.services import postgres as postgres_service
from tests.services.sql import Sql
from tests.stores.runs import PATH
from tests.stores.store import Store

from dynamic_des_postgres import PostgresEgress, PostgresIngress
from dynamic_des_postgres.layout import records_sql

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["PostgresStore"]

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = ("seq", "sim_ts", "value", "stream_type", "name", "number")


class PostgresStore(Store):
    """A place is a table."""

    kind, service, port = "postgres", postgres_service.SERVICE, 5432
    egress_class, ingress_class = PostgresEgress, PostgresIngress
    address, place = "connection_dsn", "table_name"
    defaults: ClassVar[dict[str, Any]] = {"create_table": True}
    not_taken = (asyncpg.DataError,)
    example = "examples/postgres/packing.toml"

    def __init__(self, url: str, server: Any = None) -> None:
        super().__init__(url, server)
        self.sql = Sql(url)

    def close(self) -> None:
        self.sql.close()
        super().close()

    def note_order(self, place: str) -> None:
        self.sql(records_sql(place))
        self.sql(f"ALTER TABLE {place} ADD COLUMN arrived bigint GENERATED ALWAYS AS IDENTITY")

    def change(self, place: str, values: Iterable[Any]) -> None:
        self.sql.many(f"INSERT INTO {place} (path, value) VALUES ($1, $2)", [(PATH, value) for value in values])

    def change_as_json(self, place: str, path: str, value: str) -> None:
        self.sql(f"INSERT INTO {place} (path, value) VALUES ($1, $2::text::jsonb)", path, value)

    def records(self, place: str) -> list[dict[str, Any]]:
        rows = self.sql(f"SELECT {', '.join(COLUMNS)} FROM {place} ORDER BY seq")
        return [dict(zip(COLUMNS, row, strict=True)) for row in rows]

    def seqs(self, place: str) -> list[int]:
        return [seq for (seq,) in self.sql(f"SELECT seq FROM {place} ORDER BY arrived")]

    def forget(self, *prefixes: str) -> None:
        pattern = f"^({'|'.join(prefixes)})"
        kinds = {"r": "TABLE", "p": "TABLE", "v": "VIEW"}
        named = "SELECT relname, relkind::text FROM pg_class WHERE relname ~ $1 AND relkind::text = ANY($2)"
        found = self.sql(named, pattern, list(kinds))
        for name, kind in found:
            self.sql(f"DROP {kinds[kind]} IF EXISTS {name} CASCADE")
        for table, column in (("positions", "source"), ("written", "sink")):
            if self.sql.value("SELECT to_regclass($1) IS NOT NULL", f"dynamic_des_{table}"):
                self.sql(f"DELETE FROM dynamic_des_{table} WHERE {column} ~ $1", pattern)

    def prepare_example(self) -> None:
        self._psql("-f", str(ROOT / "examples/postgres/plant.sql"))

    def steer_example(self) -> None:
        path = "Packing.resources.packers.current_cap"
        self._psql("-c", f"INSERT INTO packing_changes (path, value) VALUES ('{path}', '3')")

    def example_says(self) -> str:
        if self._psql("-c", "SELECT to_regclass('packing_records') IS NULL") == "t":
            return ""
        return self._psql("-c", "SELECT value->>'packers' FROM packing_records ORDER BY sim_ts DESC LIMIT 1")

    def _psql(self, *arguments: str) -> str:
        command = ["psql", self.url, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()
