"""The article's own programs, word for word."""

import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from time import monotonic

from dynamic_des import DynamicRealtimeEnvironment, MemoryEgress

SNIPPETS = Path(__file__).with_name("snippets")


def test_a_capacity_jump_is_scheduled_and_seen_in_real_time():
    start = monotonic()
    command = [sys.executable, "-W", "error", str(SNIPPETS / "local_deterministic_testing.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    took = monotonic() - start
    assert (done.returncode, done.stderr) == (0, "")
    assert took >= 10
    lags = re.findall(r"^\[TEL\] t=(\d+)\.\d+ system\.simulation\.lag_seconds: ", done.stdout, re.MULTILINE)
    assert len(lags) >= 5
    [changed] = [line for line in done.stdout.splitlines() if "system.changes" in line]
    assert changed.startswith("[TEL] t=5.000 system.changes: ")
    assert "status=applied" in changed
    assert "Line_A.resources.lathe.current_cap" in changed


def test_the_resource_of_the_article_follows_the_jump():
    text = (SNIPPETS / "local_deterministic_testing.py").read_text()
    names, seen = {}, []
    before, run = text.replace("factor=1.0", "factor=0").rsplit("env.run(", 1)
    exec(before, names)
    env, lathe = names["env"], names["res"]

    def watcher():
        for _ in range(9):
            yield env.timeout(1)
            seen.append(lathe.capacity)

    env.process(watcher())
    exec(f"env.run({run}", names)
    env.teardown()
    assert seen == [1, 1, 1, 1, 3, 3, 3, 3, 3]


def test_a_pydantic_model_is_published_as_it_is():
    spec = spec_from_file_location("pydantic_task_event", SNIPPETS / "pydantic_task_event.py")
    snippet = module_from_spec(spec)
    spec.loader.exec_module(snippet)
    egress = MemoryEgress()
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_egress([egress])
        snippet.work_task(env, 1)
    assert egress.events == [(0.0, "task-1", {"path_id": "Line_A.lathe", "status": "queued"})]
