"""Scripts that forget to tear down: everything is written all the same, and what was not is said."""

import json
import subprocess
import sys
import textwrap

import pytest


def run_script(body, *arguments, expected=0, **options):
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(body), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )
    assert process.returncode == expected, process.stderr
    return process


def sequence_in(path):
    return [json.loads(line)["seq"] for line in path.read_text().splitlines()]


HEAD = """
import sys
from dynamic_des import BaseEgress, BaseIngress, DynamicRealtimeEnvironment, FileEgress, MemoryEgress
env = DynamicRealtimeEnvironment(factor=float(sys.argv[2]))
env.setup_egress([FileEgress(sys.argv[1], system=False)])
"""
SCRIPTS = {
    "after a run": """
for number in range(1000):
    env.publish_telemetry("x", number)
env.run()
""",
    "without a run": """
for number in range(1000):
    env.publish_telemetry("x", number)
""",
    "with publications before and after a run": """
def model():
    for number in range(500):
        env.publish_telemetry("x", number)
        yield env.timeout(0.0001)
env.publish_telemetry("x", "before")
env.process(model())
env.run()
for number in range(499):
    env.publish_telemetry("x", "after")
""",
    "with the environment forgotten": """
for number in range(1000):
    env.publish_telemetry("x", number)
del env
import gc
gc.collect()
""",
    "in a function": """
def main():
    global env
    mine = env
    del env
    for number in range(1000):
        mine.publish_telemetry("x", number)
    mine.run()
main()
""",
}


@pytest.mark.parametrize("factor", [0, 1])
@pytest.mark.parametrize("body", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_a_script_without_teardown_writes_everything(tmp_path, body, factor):
    process = run_script(HEAD + body, tmp_path / "out.jsonl", factor)
    assert sequence_in(tmp_path / "out.jsonl") == list(range(1, 1001))
    assert process.stderr == ""


def test_an_exception_in_the_model_still_writes_everything(tmp_path):
    body = """
def model():
    for number in range(1000):
        env.publish_telemetry("x", number)
    yield env.timeout(1)
    raise ZeroDivisionError("in the model")
env.process(model())
env.run()
"""
    process = run_script(HEAD + body, tmp_path / "out.jsonl", 0, expected=1)
    assert sequence_in(tmp_path / "out.jsonl") == list(range(1, 1001))
    assert "ZeroDivisionError: in the model" in process.stderr


def test_a_script_that_ends_with_sys_exit_writes_everything(tmp_path):
    body = """
for number in range(1000):
    env.publish_telemetry("x", number)
sys.exit(7)
"""
    run_script(HEAD + body, tmp_path / "out.jsonl", 0, expected=7)
    assert sequence_in(tmp_path / "out.jsonl") == list(range(1, 1001))


@pytest.mark.parametrize("end", ["", "env.teardown()"])
def test_what_could_not_be_written_is_said_with_counts(end):
    process = run_script(f"""
        import asyncio
        from dynamic_des import BaseEgress, BaseIngress, DynamicRealtimeEnvironment, FileEgress, MemoryEgress
        class Down(BaseEgress):
            async def open(self, run):
                raise ConnectionError("no broker")
            async def write(self, batch):
                pass
        env = DynamicRealtimeEnvironment(factor=0)
        env.setup_egress([Down(), MemoryEgress()], drain_timeout=2)
        for number in range(1000):
            env.publish_telemetry("x", number)
        {end}
    """)
    assert "egress Down: connecting: ConnectionError: no broker" in process.stderr
    assert "egress Down: 1000 records are not written: ConnectionError: no broker" in process.stderr
    assert "MemoryEgress" not in process.stderr


def test_an_ingress_that_is_open_does_not_keep_the_interpreter():
    process = run_script("""
        import asyncio
        from dynamic_des import BaseEgress, BaseIngress, DynamicRealtimeEnvironment, FileEgress, MemoryEgress
        class Endless(BaseIngress):
            async def messages(self):
                await asyncio.Event().wait()
                yield
            async def close(self):
                print("closed")
        env = DynamicRealtimeEnvironment(factor=0)
        env.setup_ingress([Endless()])
        env.run()
    """)
    assert (process.stdout, process.stderr) == ("closed\n", "")


def test_the_seeds_form_in_a_thread_does_not_keep_the_interpreter():
    process = run_script("""
        import asyncio
        from dynamic_des import BaseEgress, BaseIngress, DynamicRealtimeEnvironment, FileEgress, MemoryEgress
        class InAThread(BaseEgress):
            async def run(self, egress_queue):
                while True:
                    batch = await asyncio.to_thread(egress_queue.get)
                    print(len(batch), flush=True)
        env = DynamicRealtimeEnvironment(factor=0)
        env.setup_egress([InAThread()])
        env.publish_telemetry("x", 1)
        env.run()
        env.teardown()
    """)
    assert process.stderr == ""
    assert process.stdout.startswith("1\n")
