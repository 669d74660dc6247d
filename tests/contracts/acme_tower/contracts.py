"""The contracts, as the author of acme-tower runs them."""

import json

import pytest
from acme_tower import TowerEgress, TowerIngress

from dynamic_des.testing import EgressContract, IngressContract


@pytest.fixture(autouse=True)
def path(request, tmp_path):
    request.instance.path = tmp_path / "tower.txt"


class TestTowerIngress(IngressContract):
    garbage = (b"no line", b"", b" ", b"no.such.path 1")

    def make_ingress(self):
        return TowerIngress(str(self.path))

    def send(self, payload):
        if payload not in self.garbage:
            change = json.loads(payload)
            payload = f"{change['path']} {change['value']}".encode()
        with self.path.open("ab") as file:
            file.write(payload + b"\n")


class TestTowerEgress(EgressContract):
    at_least_once = True

    def make_egress(self):
        return TowerEgress(str(self.path))

    def stored(self, egress):
        records = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [record for record in records if "seq" in record]
