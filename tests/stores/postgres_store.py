"""PostgreSQL, as the tests of both stores see one."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.services import postgres as service
from tests.services.proxy import Proxy
from tests.services.sql import Sql
from tests.stores.runs import PATH

from dynamic_des_postgres import PostgresEgress, PostgresIngress
from dynamic_des_postgres.layout import records_sql

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.services.postgres import Postgres

__all__ = ["PostgresStore"]

ROOT = Path(__file__).resolve().parents[2]


class PostgresStore:
    """A server, and what the two connectors do with it, seen with the plain client.

    A *place* is a table.

    Args:
        dsn: Its address.
        server: The server, if it was started by the tests.
    """

    kind = "postgres"
    service = service.SERVICE
    example = "examples/postgres/packing.toml"

    def __init__(self, dsn: str, server: Postgres | None = None) -> None:
        self.url = dsn
        self.server = server
        self.proxy = server.proxy if server else Proxy.before(dsn, 5432).start()
        self.proxied = self.proxy.on_the_way_to(dsn)
        self.sql = Sql(dsn)

    @classmethod
    def of(cls, server: Postgres) -> PostgresStore:
        return cls(server.dsn(), server)

    def close(self) -> None:
        self.sql.close()
        if self.server is None:
            self.proxy.close()

    def egress(self, place: str, *, proxied: bool = False, **options: Any) -> PostgresEgress:
        return PostgresEgress(self.proxied if proxied else self.url, place, **{"create_table": True, **options})

    def ingress(self, place: str, *, proxied: bool = False, **options: Any) -> PostgresIngress:
        return PostgresIngress(self.proxied if proxied else self.url, place, **{"create_table": True, **options})

    def note_order(self, place: str) -> None:
        """Let the table note in which order rows come, which a table does not by itself."""
        self.sql(records_sql(place))
        self.sql(f"ALTER TABLE {place} ADD COLUMN arrived bigint GENERATED ALWAYS AS IDENTITY")

    def change(self, place: str, values: Iterable[Any], path: str = PATH) -> None:
        """Bring one change for each value."""
        self.sql.many(f"INSERT INTO {place} (path, value) VALUES ($1, $2)", [(path, value) for value in values])

    def records(self, place: str) -> list[dict[str, Any]]:
        """Return what is written, by number."""
        columns = ("seq", "sim_ts", "value", "stream_type", "name", "number")
        rows = self.sql(f"SELECT {', '.join(columns)} FROM {place} ORDER BY seq")
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def seqs(self, place: str) -> list[int]:
        """Return the numbers of what is written, in the order in which it came; see `note_order`."""
        return [seq for (seq,) in self.sql(f"SELECT seq FROM {place} ORDER BY arrived")]

    def prepare_example(self) -> None:
        """Fill the tables that the example begins with."""
        self._psql("-f", str(ROOT / "examples/postgres/plant.sql"))
        self._psql("-c", "DROP TABLE IF EXISTS packing_records")

    def steer_example(self) -> None:
        """Steer the example as its page says."""
        path = "Packing.resources.packers.current_cap"
        self._psql("-c", f"INSERT INTO packing_changes (path, value) VALUES ('{path}', '3')")

    def example_says(self) -> str:
        """Return which capacity the example's last record has; nothing when there is none."""
        if self._psql("-c", "SELECT to_regclass('packing_records') IS NULL") == "t":
            return ""
        return self._psql("-c", "SELECT value->>'packers' FROM packing_records ORDER BY sim_ts DESC LIMIT 1")

    def _psql(self, *arguments: str) -> str:
        command = ["psql", self.url, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()
