"""A twin that is told to stop, for a process of its own. Prints what became of it as one line of JSON.

Usage: stopping.py FACTOR MODEL SIGNAL FILE [ignored]
"""

import json
import os
import signal
import sys
from pathlib import Path

from dynamic_des import DynamicRealtimeEnvironment, FileEgress, MemoryIngress
from dynamic_des.sim.clock import Alarm

SIGNAL = signal.Signals[sys.argv[3]]
seen = []


def tell_to_stop(*_):
    os.kill(os.getpid(), SIGNAL)


def tick(env):
    env.publish_telemetry("tick", env.now)
    if env.now == 5:
        tell_to_stop()
        seen.append("went on to the end of the event")


def plain(env):
    """Told to stop at simulation time 5; another event of that time comes after it."""

    def ticking():
        while True:
            yield env.timeout(1)
            tick(env)

    def following():
        yield env.timeout(4.5)
        yield env.timeout(0.5)
        seen.append("a further event")

    env.process(ticking())
    env.process(following())
    return 10


def stubborn(env):
    """Told to stop at simulation time 5, but it lets no exception through."""

    def ticking():
        while True:
            try:
                yield env.timeout(1)
                tick(env)
            except GeneratorExit:  # the interpreter is ending, and complains about one that goes on
                raise
            except:  # noqa: E722
                seen.append("swallowed")

    env.process(ticking())
    return 10


def late(env):
    """Told to stop in the very event that ends the run."""
    env.publish_telemetry("tick", env.now)
    last = env.timeout(5)
    last.callbacks.append(tell_to_stop)
    return last


def idle(env):
    """Waits for ever, and for a signal from outside: prints ``ready`` when it rests."""
    wait = Alarm.wait

    def noting(alarm, timeout_s, unless):
        if not unless:
            print("ready", flush=True)
        wait(alarm, timeout_s, unless)

    Alarm.wait = noting
    env.publish_telemetry("tick", env.now)
    env.setup_ingress([MemoryIngress()])


def handlers():
    return [signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)]


def main():
    factor, model, file = float(sys.argv[1]), sys.argv[2], Path(sys.argv[4])
    if "ignored" in sys.argv:
        signal.signal(SIGNAL, signal.SIG_IGN)
    before, raised = handlers(), None
    with DynamicRealtimeEnvironment(factor=factor, lag_monitor_interval=0) as env:  # nothing else ends a wait
        env.setup_egress([FileEgress(file)])
        until = globals()[model](env)
        try:
            env.run(until=until)
        except BaseException as error:
            raised = repr(error)
        written = file.read_text().count('"tick"')  # when run() is over, not when the twin is torn down
        restored = handlers() == before
    print(json.dumps({"raised": raised, "now": env.now, "written": written, "restored": restored, "seen": seen}))


main()
