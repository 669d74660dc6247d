"""A live run, with real threads and random wall times, is repeated from its journal byte for byte."""

import contextlib
import filecmp
import json
import os
import random
import signal
import threading
from datetime import datetime

import pytest

from dynamic_des import (
    CapacityConfig,
    ConfigError,
    DistributionConfig,
    DynamicRealtimeEnvironment,
    DynamicResource,
    FileEgress,
    LocalIngress,
    MemoryIngress,
    SimParameter,
)
from dynamic_des.bridge.journal import read_journal
from dynamic_des.bridge.replay import DivergedError, replay

CHANGES = 300


def parameters():
    return SimParameter(
        "L",
        arrival={"parts": DistributionConfig("exponential", rate=200.0)},
        service={"turning": DistributionConfig("uniform", low=0.001, high=0.004)},
        resources={"lathe": CapacityConfig(2, 6)},
        variables={"mode": 0},
    )


def build(env):
    """A model with ties, waits for changes, and a resource that follows its capacity."""
    lathe = DynamicResource(env, "L", "lathe")
    gaps, times = env.registry.get_config("L.arrival.parts"), env.registry.get_config("L.service.turning")

    def part(key):
        with lathe.request() as request:
            yield request
            env.publish_event(key, {"status": "started", "capacity": lathe.capacity, "waiting": len(lathe.queue)})
            yield env.timeout(env.sampler("turning").sample(times))
        env.publish_event(key, {"status": "finished"})

    def arrivals():
        for number in range(100_000):
            yield env.timeout(env.sampler("arrivals").sample(gaps))
            env.process(part(f"part-{number}"))

    def waiter():
        mode = env.registry.get("L.variables.mode")
        while True:
            yield mode.wait_for_change() | env.timeout(0.01)
            env.publish_telemetry("L.mode", [mode.value, env.now])

    def tick():
        while True:
            yield env.timeout(0.005)
            env.publish_telemetry("L.tick", env.now)

    def shift():
        yield env.timeout(0.75)

    for process in (arrivals, waiter, waiter, tick):
        env.process(process())
    return env.process(shift())


def random_change(numbers):
    return numbers.choice(
        [
            ("L.resources.lathe.current_cap", numbers.randrange(8)),
            ("L.arrival.parts.rate", 50 + 200 * numbers.random()),
            ("L.variables.mode", numbers.randrange(5)),
            [{"path": "L.service.turning.low", "value": 0.002}, {"path": "L.service.turning.high", "value": 0.003}],
            {"path": "L.no.such.path", "value": 1},
            b"no change at all",
        ]
    )


def live_run(folder, seed, *, until=1.0, interrupt_after=None):
    """Run in real time while another thread sends changes at random wall times; return how many were settled."""
    ingress, pause = MemoryIngress(), threading.Event()
    numbers = random.Random(seed)

    def send():
        for number in range(CHANGES):
            pause.wait(numbers.random() * 0.9 * until * 2 / CHANGES)
            ingress.send(random_change(numbers))
            if number == interrupt_after:
                os.kill(os.getpid(), signal.SIGINT)
                return

    with DynamicRealtimeEnvironment(factor=1.0, seed=seed) as env:
        env.registry.register_sim_parameter(parameters())
        env.setup_journal(folder / "journal")
        env.setup_ingress([LocalIngress([(0.005 * tie, "L.variables.mode", tie) for tie in range(1, 20)]), ingress])
        env.setup_egress([FileEgress(folder / "live", system=False)])
        build(env)
        sender = threading.Thread(target=send)
        sender.start()
        try:
            env.run(until=until)
        except KeyboardInterrupt:
            assert interrupt_after is not None
        sender.join()
    return env.changes_applied + env.changes_refused


def repeated_run(folder, *, name="repeated"):
    journal = read_journal(folder / "journal")
    header = journal.header
    start = datetime.fromisoformat(header["start_time"])
    with DynamicRealtimeEnvironment(factor=0, seed=header["seed"], logical_start_time=start) as env:
        env.registry.register_sim_parameter(parameters())
        env.setup_egress([FileEgress(folder / name, system=False)])
        build(env)
        replay(journal, env)


def assert_same(folder, name="repeated"):
    assert (folder / "live").stat().st_size > 10_000
    assert filecmp.cmp(folder / "live", folder / name, shallow=False)


@pytest.mark.parametrize("seed", range(5))
def test_a_live_run_is_repeated_byte_for_byte(tmp_path, seed):
    settled = live_run(tmp_path, seed)
    assert settled > 100
    repeated_run(tmp_path)
    assert_same(tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(100, 110))
def test_longer_live_runs_are_repeated_byte_for_byte(tmp_path, seed):
    assert live_run(tmp_path, seed, until=5.0) >= CHANGES
    repeated_run(tmp_path)
    assert_same(tmp_path)


def test_a_run_that_was_ended_by_sigint_is_repeated_to_the_same_event(tmp_path):
    live_run(tmp_path, seed=7, until=60.0, interrupt_after=20)
    repeated_run(tmp_path)
    assert_same(tmp_path)


def test_a_journal_without_one_of_its_lines_is_refused(tmp_path):
    live_run(tmp_path, seed=3)
    path = tmp_path / "journal"
    lines = path.read_text().splitlines(keepends=True)
    for gone in (2, len(lines) // 2):
        path.write_text("".join(lines[:gone] + lines[gone + 1 :]))
        with pytest.raises(ConfigError, match=f"line {gone + 1}: change {gone - 1} is missing"):
            read_journal(path)


def test_without_some_of_the_changes_the_records_are_others(tmp_path):
    live_run(tmp_path, seed=3)
    path = tmp_path / "journal"
    kept, seq = [], 0
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if entry.get("status") == "applied" and entry["updates"][0][0] == "L.arrival.parts.rate":
            continue
        if "seq" in entry:
            seq += 1
            entry["seq"] = seq
        for ending in ("end", "close"):
            if ending in entry:
                entry[ending]["changes"] = seq
        kept.append(json.dumps(entry) + "\n")
    path.write_text("".join(kept))
    with contextlib.suppress(DivergedError):
        repeated_run(tmp_path)
    assert not filecmp.cmp(tmp_path / "live", tmp_path / "repeated", shallow=False)


def test_another_model_is_told_apart(tmp_path):
    live_run(tmp_path, seed=3)
    journal = read_journal(tmp_path / "journal")
    with DynamicRealtimeEnvironment(factor=0, seed=journal.header["seed"]) as env:
        env.registry.register_sim_parameter(parameters())
        env.process(iter_once(env))
        with pytest.raises(DivergedError, match="Is this the same model"):
            replay(journal, env)


def iter_once(env):
    yield env.timeout(0.001)


def test_several_runs_of_one_environment_are_repeated(tmp_path):
    with DynamicRealtimeEnvironment(factor=0, seed=1) as env:
        env.registry.register_sim_parameter(parameters())
        env.setup_journal(tmp_path / "journal")
        env.setup_egress([FileEgress(tmp_path / "live", system=False)])
        shift = build(env)
        env.run(until=0.5)
        env.post("L.arrival.parts.rate", 20.0)
        env.run(until=shift)
        env.post("L.variables.mode", float("nan"))
        env.post("L.variables.mode", 3)
        env.run(until=2)
    repeated_run(tmp_path)
    assert_same(tmp_path)


def test_a_journal_names_seed_start_and_parameters_and_each_change_its_place(tmp_path):
    with DynamicRealtimeEnvironment(factor=0, seed=9, name="line") as env:
        env.registry.register_sim_parameter(parameters())
        env.setup_journal(tmp_path / "journal", model="line:build")
        env.setup_ingress({"plan": LocalIngress([(1.0, "L.variables.mode", 4)])})
        env.process(iter_once(env))
        env.run(until=2)
    journal = read_journal(tmp_path / "journal")
    assert journal.complete
    assert {key: journal.header[key] for key in ("format", "name", "seed", "factor", "model")} == {
        "format": 2,
        "name": "line",
        "seed": 9,
        "factor": 0,
        "model": "line:build",
    }
    assert journal.header["parameters"]["L.resources.lathe.current_cap"] == 2
    change = journal.entries[1]
    assert (change["seq"], change["time"], change["processed"]) == (1, 1.0, 3)  # the process: start, timeout, end
    assert (change["source"], change["updates"], change["status"]) == ("plan", [["L.variables.mode", 4]], "applied")
    assert journal.entries[-1]["end"] == {"number": 1, "time": 2, "processed": 4, "how": "until", "changes": 1}
    assert journal.close == {"time": 2, "processed": 4, "changes": 1, "runs": 1}


def test_a_journal_that_ends_in_half_a_line_is_read_up_to_there(tmp_path):
    live_run(tmp_path, seed=2, until=0.2)
    path = tmp_path / "journal"
    path.write_bytes(path.read_bytes()[:-10])
    journal = read_journal(path)
    assert not journal.complete
    assert "end" not in journal.entries[-1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("nonsense\n", "line 1: is not JSON"),
        ('{"format": 99}\n', "the format is 99; this release reads 2"),
        ('{"format": 1}\nnonsense\n{}\n', "line 2: is not JSON"),
        ('{"format": 1}\n[1]\n', "line 2: .1. is not an entry"),
    ],
)
def test_what_is_no_journal_is_refused_with_the_line(tmp_path, text, reason):
    path = tmp_path / "journal"
    path.write_text(text)
    with pytest.raises(ConfigError, match=reason):
        read_journal(path)


def test_a_second_journal_and_one_in_no_folder_are_refused(tmp_path):
    with DynamicRealtimeEnvironment(factor=0) as env:
        env.setup_journal(tmp_path / "journal")
        with pytest.raises(ConfigError, match="is being written already"):
            env.setup_journal(tmp_path / "another")
    with DynamicRealtimeEnvironment(factor=0) as env, pytest.raises(ConfigError, match="cannot be written"):
        env.setup_journal(tmp_path)
