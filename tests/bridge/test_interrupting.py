"""One SIGINT ends a run in time, whatever keeps it busy."""

import signal
import subprocess
import sys
import textwrap

import pytest

SCRIPT = textwrap.dedent("""
    import asyncio, sys, threading, time
    from dynamic_des import BaseEgress, BaseIngress, DynamicRealtimeEnvironment, Message, SimParameter

    class Flood(BaseIngress):
        async def messages(self):
            number = 0
            while True:
                number += 1
                yield Message({"path": "L.variables.n", "value": number}, {"part": number})

    class Hangs(BaseEgress):
        async def write(self, batch):
            await asyncio.Event().wait()

    def swallows(env):
        while True:
            try:
                env.publish_telemetry("x", env.now)
                yield env.timeout(0.0001)
            except:
                pass

    env = DynamicRealtimeEnvironment(factor=float(sys.argv[1]))
    env.registry.register_sim_parameter(SimParameter("L", variables={"n": 0}))
    env.setup_ingress([Flood()])
    env.setup_egress([Hangs()], outbox_size=50, batch_size=10, on_full=sys.argv[2], drain_timeout=0.2)
    env.process(swallows(env))

    def tell(env):
        yield env.timeout(0.05)
        print("under way", flush=True)

    def tell_once_blocked():
        while env.health().simulation.state != "blocked":
            time.sleep(0.01)
        print("under way", flush=True)

    if sys.argv[2] == "block":  # before the model gets as far as to say so
        threading.Thread(target=tell_once_blocked, daemon=True).start()
    else:
        env.process(tell(env))
    try:
        env.run()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    env.teardown()
""")


@pytest.mark.parametrize("on_full", ["block", "spill", "drop_oldest"])
@pytest.mark.parametrize("factor", [0, 1])
def test_a_flood_a_sink_that_hangs_and_a_bare_except_do_not_hinder_a_sigint(factor, on_full):
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(factor), on_full], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "under way\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert "interrupted" in out
    assert "Traceback" not in err
    assert process.returncode == 0


TWICE = textwrap.dedent("""
    import asyncio, sys, time
    from dynamic_des import BaseEgress, DynamicRealtimeEnvironment

    class Hangs(BaseEgress):
        async def write(self, batch):
            await asyncio.Event().wait()

    try:
        with DynamicRealtimeEnvironment(factor=1) as env:
            env.setup_egress([Hangs()], drain_timeout=1000, flush_interval=0)
            env.publish_event("a", 1)
            def tell():
                yield env.timeout(0.01)
                print("under way", flush=True)

            env.process(tell())
            env.run(until=1000)
    except KeyboardInterrupt:
        print("ended", flush=True)
""")


def test_a_second_sigint_ends_the_environment_too_not_only_the_run():
    process = subprocess.Popen([sys.executable, "-c", TWICE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "under way\n"
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.0)  # it waits for what hangs, for a thousand seconds
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert out == "ended\n"
    assert "1 records are not written" in err
