"""Both egresses, held to the contract."""

import pytest
from tests.storage.conftest import rows

from dynamic_des.testing import EgressContract
from dynamic_des_storage import JsonlEgress, ParquetEgress


class StorageContract(EgressContract):
    @pytest.fixture(autouse=True)
    def place(self, tmp_path):
        self.disk = tmp_path / "disk"
        self.folder = self.disk / "lake"

    def stored(self, egress):
        try:
            found = rows(self.folder)
        except FileNotFoundError:
            return []
        for row in found:
            row["timestamp"] = row["timestamp"].isoformat(timespec="microseconds")
            if set(row["value"]) == {"value"}:
                row["value"] = row["value"]["value"]
        return found

    def break_connection(self):
        self.disk.mkdir(exist_ok=True)
        self.disk.rename(self.disk.with_name("away"))
        self.disk.write_text("a file where the disk was mounted")

    def restore(self):
        self.disk.unlink()
        self.disk.with_name("away").rename(self.disk)


class TestParquetEgress(StorageContract):
    def make_egress(self):
        return ParquetEgress(self.folder)


class TestParquetEgressWithoutPartitions(StorageContract):
    def make_egress(self):
        return ParquetEgress(self.folder, router=(), target_file_size=2000, system=True)

    def stored(self, egress):
        return [row for row in super().stored(egress) if "seq" in row]


class TestJsonlEgress(StorageContract):
    def make_egress(self):
        return JsonlEgress(self.folder)


class TestCompressedJsonlEgress(StorageContract):
    def make_egress(self):
        return JsonlEgress(self.folder, compression="gzip", router=("stream_type", "date"), target_file_size=0)
