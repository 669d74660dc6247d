"""A process that writes until it is killed, and says after each write what it has written.

python killed.py FORMAT FOLDER FIRST
"""

import asyncio
import sys

from dynamic_des.testing import make_batch, make_run
from dynamic_des_storage import JsonlEgress, ParquetEgress


def main(kind, folder, first):
    # files become full after a few batches, so that the merging is met by the signal too
    make = {
        "parquet": ParquetEgress,
        "jsonl": JsonlEgress,
        "gzip": lambda *a, **k: JsonlEgress(*a, compression="gzip", **k),
    }
    egress = make[kind](folder, target_file_size=20_000, router=())
    asyncio.run(egress.open(make_run(f"run{first}")))
    while True:
        egress.write(make_batch([{"n": number, "text": f"part {number}"} for number in range(40)], first))
        first += 40
        print(first - 1, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
