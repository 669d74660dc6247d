"""Exactly once for an independent reader: writers are killed at random, and so is the broker."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from random import Random

import pytest
from tests.kafka.independent import Cluster

from dynamic_des.testing.waiting import wait_until

TOTAL = 20_000
# goes on from what its predecessor left, and says when a transaction is open
WRITER = """
    import asyncio, os, sys
    from dynamic_des.testing import make_batch, make_run
    from dynamic_des_kafka import KafkaEgress
    from dynamic_des_kafka.transactions import TransactionalDelivery

    servers, topic, total = sys.argv[1], sys.argv[2], int(sys.argv[3])
    send = TransactionalDelivery._send

    async def spoken(self, producer, parcels, held):
        os.write(1, b"(" if parcels else b"")
        await send(self, producer, parcels, held)

    commit = TransactionalDelivery.deliver

    async def ended(self, *arguments):
        answer = await commit(self, *arguments)
        os.write(1, b")")
        return answer

    TransactionalDelivery._send, TransactionalDelivery.deliver = spoken, ended

    async def again(call, *arguments):
        while True:
            try:
                return await call(*arguments)
            except (ConnectionError, LookupError, RuntimeError) as error:
                if "fenced" in str(error):
                    raise
                os.write(2, (str(error) + "\\n").encode())
                await egress.close()
                await asyncio.sleep(0.1)
                if call is not egress.open:
                    await again(egress.open, run)

    async def main():
        await again(egress.open, run)
        seq = await egress.written() + 1
        while seq <= total:
            count = min(100, total - seq + 1)
            await again(egress.write, make_batch(range(count), seq))
            seq += count
        await egress.close()
        os.write(1, b"!")

    from dataclasses import replace
    run = replace(make_run("writer"), run_id=f"run-{os.getpid()}")
    egress = KafkaEgress(servers, topic, topic, transactional_id=topic, delivery_timeout=5.0)
    asyncio.run(main())
"""


@pytest.mark.full
@pytest.mark.timeout(900)
def test_a_writer_killed_fifty_times_leaves_neither_gap_nor_duplicate(own_kafka, unique, tmp_path):
    cluster, random = Cluster(own_kafka.bootstrap), Random(7)
    cluster.create(unique, partitions=3)
    script = tmp_path / "writer.py"
    script.write_text(textwrap.dedent(WRITER))
    kills = faults = inside = 0
    ended = False
    wanted = int(os.environ.get("KILLS", "50"))
    while not ended:
        said = tmp_path / f"said-{kills}"
        last = TOTAL if kills >= wanted else 10**9
        with said.open("wb") as out, (tmp_path / "errors").open("ab") as errors:
            command = [sys.executable, str(script), own_kafka.bootstrap, unique, str(last)]
            writer = subprocess.Popen(command, stdout=out, stderr=errors, cwd=Path.cwd())
        if kills >= wanted:
            assert writer.wait(300) == 0, (tmp_path / "errors").read_text()[-2000:]
            ended = said.read_bytes().endswith(b"!")
            continue
        if kills % 7 == 3:
            own_kafka.restart() if kills % 2 else (own_kafka.pause(), own_kafka.resume())
            faults += 1
        begun = random.randrange(1, 6)

        def is_under_way(said=said, begun=begun):
            return said.read_bytes().count(b"(") >= begun

        assert wait_until(is_under_way, 60), (tmp_path / "errors").read_text()[-2000:]
        wait_until(lambda: False, random.uniform(0, 0.04))
        writer.kill()
        writer.wait(30)
        kills += 1
        inside += said.read_bytes().endswith(b"(")
    print(f"{kills} kills, {inside} of them in an open transaction, {faults} faults of the broker")
    seqs = sorted(int(dict(record.headers)["seq"]) for record in cluster.records(unique))
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) >= TOTAL
    assert inside >= wanted // 5
