"""A process that writes until it is killed, and says after each write what it has written.

python killed.py FORMAT FOLDER FIRST        another run, from this number on
python killed.py FORMAT FOLDER goes-on      the same run, from where the folder says that it stands
"""

import asyncio
import sys

from dynamic_des.testing import make_batch, make_run
from dynamic_des_storage import JsonlEgress, ParquetEgress

FORMATS = {
    "parquet": ParquetEgress,
    "jsonl": JsonlEgress,
    "gzip": lambda *a, **k: JsonlEgress(*a, compression="gzip", **k),
}


def third(record):
    return {"third": record["value"]["n"] % 3}


def values(first, count):
    return [{"n": number, "text": f"part {number}"} for number in range(first, first + count)]


def main(kind, folder, first):
    goes_on = first == "goes-on"
    # files become full after a few batches, so that the merging is met by the signal too
    egress = FORMATS[kind](folder, target_file_size=8_000 if goes_on else 20_000, router=third if goes_on else ())
    asyncio.run(egress.open(make_run("goes-on" if goes_on else f"run{first}")))
    first, size = (asyncio.run(egress.written()) + 1, 31) if goes_on else (int(first), 40)
    print(first - 1, flush=True)
    while True:
        egress.write(make_batch(values(first, size), first))
        first += size
        print(first - 1, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
