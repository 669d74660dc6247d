"""The rules that every connector keeps, kept by these against a real PostgreSQL."""

import json

import pytest

from dynamic_des.testing import EgressContract, IngressContract
from dynamic_des_postgres import PostgresEgress, PostgresIngress


class PostgresContract:
    patience_s = 20.0

    @pytest.fixture(autouse=True)
    def connect(self, postgres):
        self.server = postgres
        self.dsn = postgres.dsn(postgres.proxy.port)
        yield
        postgres.proxy.restore()

    def break_connection(self):
        self.server.proxy.cut()

    def restore(self):
        self.server.proxy.restore()


class TestEgress(PostgresContract, EgressContract):
    def make_egress(self):
        return PostgresEgress(self.dsn, self.unique, create_table=True, timeout_s=2)

    def stored(self, egress):
        if not self.server.psql(f"SELECT to_regclass('{self.unique}')"):
            return []
        rows = self.server.psql(f"SELECT row_to_json(r) FROM (SELECT * FROM {self.unique}) r").splitlines()
        return [
            {
                "seq": row["seq"],
                "sim_ts": row["sim_ts"],
                "value": row["value"],
                "key" if row["stream_type"] == "event" else "path_id": row["name"],
            }
            for row in map(json.loads, rows)
        ]


class TestIngress(PostgresContract, IngressContract):
    garbage = (b'"no change"', b'{"value": 1}', b'{"path": 7, "value": 1}', b"[]", b"null", b"17")

    @pytest.fixture(autouse=True)
    def make_table(self, connect):
        from dynamic_des_postgres.layout import changes_sql, positions_sql

        self.server.psql(f"{changes_sql(self.unique)}; {positions_sql(self.unique)}")

    def make_ingress(self):
        return PostgresIngress(self.dsn, self.unique, timeout_s=2)

    def send(self, payload):
        self.server.psql(f"INSERT INTO {self.unique} (value) VALUES ('{payload.decode()}')")

    def acknowledged(self):
        held = self.server.psql(f"SELECT position FROM dynamic_des_positions WHERE source = '{self.unique}'")
        return {self.unique: held} if held else {}
