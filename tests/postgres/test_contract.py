"""The rules that every connector keeps, kept by these against a real PostgreSQL."""

import json

import pytest

from dynamic_des.testing import EgressContract, IngressContract


class PostgresContract:
    patience_s = 20.0

    @pytest.fixture(autouse=True)
    def connect(self, postgres_store):
        self.store = postgres_store
        self.sql = postgres_store.sql
        yield
        postgres_store.proxy.restore()

    def break_connection(self):
        self.store.proxy.cut()

    def restore(self):
        self.store.proxy.restore()


class TestEgress(PostgresContract, EgressContract):
    def make_egress(self):
        return self.store.egress(self.unique, proxied=True, timeout_s=2)

    def stored(self, egress):
        if self.sql.value("SELECT to_regclass($1) IS NULL", self.unique):
            return []
        return [
            {
                "seq": row["seq"],
                "sim_ts": row["sim_ts"],
                "value": row["value"],
                "key" if row["stream_type"] == "event" else "path_id": row["name"],
            }
            for row in self.store.records(self.unique)
        ]


class TestIngress(PostgresContract, IngressContract):
    garbage = (b'"no change"', b'{"value": 1}', b'{"path": 7, "value": 1}', b"[]", b"null", b"17")

    @pytest.fixture(autouse=True)
    def make_table(self, connect):
        from dynamic_des_postgres.layout import changes_sql, positions_sql

        self.sql.run(lambda client: client.execute(f"{changes_sql(self.unique)}; {positions_sql(self.unique)}"))

    def make_ingress(self):
        return self.store.ingress(self.unique, proxied=True, create_table=False, timeout_s=2)

    def send(self, payload):
        self.sql(f"INSERT INTO {self.unique} (value) VALUES ($1)", json.loads(payload))

    def acknowledged(self):
        held = self.sql("SELECT position FROM dynamic_des_positions WHERE source = $1", self.unique)
        return {self.unique: held[0][0]} if held else {}
