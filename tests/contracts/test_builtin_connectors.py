"""The connectors that core brings, held to the contracts."""

import json

import pytest

from dynamic_des import ConsoleEgress, FileEgress, LinesIngress, MemoryEgress, MemoryIngress
from dynamic_des.testing import EgressContract, IngressContract


def model_records(lines):
    return [record for record in map(json.loads, lines) if "seq" in record]


class TestMemoryEgress(EgressContract):
    at_least_once = True  # nothing lies between it and its list: no acknowledgement can get lost

    def make_egress(self):
        return MemoryEgress()

    def stored(self, egress):
        return egress.records


class TestFileEgress(EgressContract):
    at_least_once = True  # as above, with the operating system

    @pytest.fixture(autouse=True)
    def place(self, tmp_path):
        self.path = tmp_path / "records.jsonl"

    def make_egress(self):
        return FileEgress(self.path)

    def stored(self, egress):
        return model_records(self.path.read_text("utf-8").splitlines())


class TestConsoleEgress(EgressContract):
    at_least_once = True  # what is on the screen is on the screen

    @pytest.fixture(autouse=True)
    def screen(self, capsys):
        self.capsys = capsys
        self.printed = ""

    def make_egress(self):
        return ConsoleEgress("json")

    def stored(self, egress):
        self.printed += self.capsys.readouterr().out
        return model_records(self.printed.splitlines())


class TestMemoryIngress(IngressContract):
    durable = False  # it ends with its process

    def make_ingress(self):
        self.ingress = MemoryIngress()
        return self.ingress

    def send(self, payload):
        self.ingress.send(payload)

    def acknowledged(self):
        return {"memory": self.ingress.settled} if self.ingress.settled else {}


class TestLinesIngress(IngressContract):
    @pytest.fixture(autouse=True)
    def place(self, tmp_path):
        self.path = tmp_path / "changes.jsonl"

    def make_ingress(self):
        return LinesIngress(self.path)

    def send(self, payload):
        with self.path.open("ab") as file:
            file.write(payload + b"\n")
