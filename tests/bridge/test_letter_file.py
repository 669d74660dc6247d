"""Dead letters in a file: complete lines only, whatever happens, and on the disk when write returns."""

import asyncio
import errno
import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from dynamic_des import Batch, RunInfo
from dynamic_des.bridge.letter_file import LetterFile
from dynamic_des.errors import PermanentError

RUN = RunInfo("twin", "r", datetime(2026, 1, 1, tzinfo=UTC), 1)


def letter(seq, text="garbage"):
    return {"stream_type": "dead_letter", "sim_ts": 0.0, "timestamp": "t", "key": "k", "value": text, "seq": seq}


def batch(*seqs):
    return Batch([letter(seq) for seq in seqs], dict)


@pytest.fixture
def opened(tmp_path):
    egress = LetterFile(tmp_path / "new" / "letters.jsonl")
    asyncio.run(egress.open(RUN))
    yield egress
    asyncio.run(egress.close())


def seqs(path):
    text = path.read_text()
    assert text.endswith("\n")
    return [json.loads(line)["seq"] for line in text.splitlines()]


def test_what_the_file_holds_is_kept(tmp_path):
    path = tmp_path / "letters.jsonl"
    for seq in (1, 2, 3):
        egress = LetterFile(path)
        asyncio.run(egress.open(RUN))
        egress.write(batch(seq))
        asyncio.run(egress.close())
    assert seqs(path) == [1, 2, 3]


def test_write_returns_when_the_disk_has_it(opened, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(os.fstat(number).st_size))
    opened.write(batch(1, 2))
    assert synced == [opened.path.stat().st_size]


@pytest.mark.parametrize("failing", ["write", "fsync"])
def test_a_batch_that_was_not_written_is_taken_back_as_a_whole(opened, monkeypatch, failing):
    opened.write(batch(1))
    real = opened._file._file

    class Full:
        def write(self, view):
            real.write(view[:10])
            raise OSError(errno.ENOSPC, "No space left on device")

        def __getattr__(self, name):
            return getattr(real, name)

    def no_sync(number):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        if failing == "write":
            patch.setattr(opened._file, "_file", Full())
        else:
            patch.setattr(os, "fsync", no_sync)
        with pytest.raises(OSError, match=r"space|Input"):
            opened.write(batch(2, 3))
    assert seqs(opened.path) == [1]
    opened.write(batch(2, 3))
    assert seqs(opened.path) == [1, 2, 3]


@pytest.mark.parametrize("cut", [1, 10, 28, 29, 60, 118])
def test_half_a_letter_from_a_crash_is_taken_away(tmp_path, cut):
    path = tmp_path / "letters.jsonl"
    whole = json.dumps(letter(1), separators=(",", ":")).encode() + b"\n"
    path.write_bytes(whole + whole[: min(cut, len(whole) - 1)])
    egress = LetterFile(path)
    asyncio.run(egress.open(RUN))
    egress.write(batch(2))
    asyncio.run(egress.close())
    assert seqs(path) == [1, 2]


def test_half_of_a_very_long_letter_is_taken_away(tmp_path):
    path = tmp_path / "letters.jsonl"
    long = json.dumps(letter(1, "x" * 300_000), separators=(",", ":")).encode()
    path.write_bytes(long + b"\n" + long)
    egress = LetterFile(path)
    asyncio.run(egress.open(RUN))
    asyncio.run(egress.close())
    assert seqs(path) == [1]


def test_what_is_nobodys_letter_is_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("my own notes")
    egress = LetterFile(path)
    asyncio.run(egress.open(RUN))
    egress.write(batch(1))
    asyncio.run(egress.close())
    first, second = path.read_text().splitlines()
    assert first == "my own notes"
    assert json.loads(second)["seq"] == 1


def test_a_file_that_was_moved_is_made_anew(opened):
    opened.write(batch(1))
    opened.path.rename(opened.path.with_suffix(".1"))
    with pytest.raises(FileNotFoundError):
        opened.write(batch(2))
    asyncio.run(opened.close())
    asyncio.run(opened.open(RUN))
    opened.write(batch(2))
    assert seqs(opened.path) == [2]
    assert seqs(opened.path.with_suffix(".1")) == [1]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_no_file_is_refused(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(PermanentError, match="is not a regular file. Give the path of a file."):
        asyncio.run(LetterFile(pipe).open(RUN))


KILLED = """
import os, sys
from dynamic_des import BaseIngress, DynamicRealtimeEnvironment, Message

class Flood(BaseIngress):
    async def messages(self):
        number = 0
        while True:
            number += 1
            yield Message(b"%d " % number * 2000, {"a": number})
    async def applied(self, position):
        print(position["a"], flush=True)

env = DynamicRealtimeEnvironment(factor=1)
env.setup_ingress([Flood()], on_poison="dead_letter", dead_letters=sys.argv[1])
env.run(until=60)
"""


def test_after_a_kill_every_acknowledged_message_has_its_letter_and_every_line_is_complete(tmp_path):
    path = tmp_path / "letters.jsonl"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    acknowledged = 0
    for line in process.stdout:
        acknowledged = int(line)
        if acknowledged > 300:
            break
    process.kill()
    acknowledged = max([acknowledged, *map(int, process.stdout.read().split())])
    process.stdout.close()
    process.wait()
    egress = LetterFile(path)
    asyncio.run(egress.open(RUN))
    asyncio.run(egress.close())
    assert acknowledged > 300
    kept = [json.loads(line)["value"]["position"]["a"] for line in path.read_text().splitlines()]
    assert kept == list(range(1, len(kept) + 1))
    assert len(kept) >= acknowledged
