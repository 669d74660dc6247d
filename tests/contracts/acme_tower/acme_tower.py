"""Steers a twin by lines of text, `path value`, and writes what happens as JSON lines."""

import asyncio
from pathlib import Path

from dynamic_des import BaseEgress, BaseIngress, JsonSerializer, hookimpl


class TowerIngress(BaseIngress):
    def __init__(self, path: str):
        self.path = Path(path)
        self.seen = 0

    async def run(self, ingress_queue):
        while True:
            lines = self.path.read_text().splitlines() if self.path.exists() else []
            for line in lines[self.seen :]:
                path, _, value = line.partition(" ")
                ingress_queue.put((path, value))
            self.seen = len(lines)
            await asyncio.sleep(0.01)


class TowerEgress(BaseEgress):
    def __init__(self, path: str):
        self.path, self.json = Path(path), JsonSerializer()

    def write(self, batch):
        lines = [line for line in batch.encode(self.json) if line is not None]
        with self.path.open("ab") as file:
            file.write(b"".join(line + b"\n" for line in lines))


@hookimpl
def dynamic_des_register_ingress():
    return [TowerIngress]


@hookimpl
def dynamic_des_register_egress():
    return [TowerEgress]
