"""`dynamic-des run`: what it prints, what it leaves behind, and how it exits."""

import json

import pytest

MODEL = """
    def build(env):
        rate = env.registry.get("A.arrival.parts.rate")
        shift = env.registry.get("A.variables.shift")

        def life():
            for number in range(1, 4):
                yield env.timeout(1)
                env.publish_event(f"part-{number}", {"rate": rate.value, "shift": shift.value, "seed": env.seed})
            env.publish_telemetry("A.done", True)
        env.process(life())
"""
FILE = """
    [simulation]
    name = "small"
    model = "model:build"
    factor = 0
    seed = 7
    [parameters.A.arrival.parts]
    dist = "exponential"
    rate = 1.0
    [parameters.A.variables]
    shift = "early"
    [parameters.A.resources.lathe]
    current_cap = 1
    max_cap = 5
    [bounds."A.arrival.parts.rate"]
    max = 10
    max_step = 2
    [egress.screen]
    type = "console"
    system = false
"""


@pytest.fixture
def small(twin):
    return twin.module("model", MODEL).file(FILE)


def records(twin, name="out.jsonl"):
    return [json.loads(line) for line in (twin.path / name).read_text().splitlines()]


def test_records_are_printed_and_a_summary_closes(small):
    done = small("run", "twin.toml")
    assert done.stdout.splitlines() == [
        "[EVT] t=1.000 part-1: rate=1 shift=early seed=7",
        "[EVT] t=2.000 part-2: rate=1 shift=early seed=7",
        "[EVT] t=3.000 part-3: rate=1 shift=early seed=7",
        "[TEL] t=3.000 A.done: True",
    ]
    assert done.stderr.splitlines() == [
        "small: ended at t=3; 3 events, 1 telemetry record",
        "0 changes applied, 0 refused; lag 0.000 s",
        "egress screen: 4 written, 0 retried, 0 set aside, 0 dropped",
    ]
    assert done.returncode == 0


def test_options_take_precedence_over_the_file(small):
    done = small(
        "run", "twin.toml", "--until", "1.5", "--factor", "0.001", "--seed", "9",
        "--set", "A.arrival.parts.rate=7.5", "--set", "A.variables.shift=late",
    )  # fmt: skip
    assert done.stdout.splitlines() == ["[EVT] t=1.000 part-1: rate=7.5 shift=late seed=9"]
    assert done.stderr.startswith("small: ended at t=1.5; 1 event, 0 telemetry records\n")
    assert done.returncode == 0


def test_a_value_is_json_else_text(twin):
    given = {"a": "late", "b": '"quoted"', "c": "3", "d": "[1", "e": "x=y", "f": "", "g": "true", "h": "[1, 2]"}
    first = {"a": '""', "b": '""', "c": "0", "d": '""', "e": '""', "f": '"x"', "g": "false", "h": "[]"}
    twin.module(
        "model",
        """
        def build(env):
            value = {key: env.registry.get(f"A.variables.{key}").value for key in "abcdefgh"}
            env.publish_event("x", value)
        """,
    )
    twin.file(
        '[simulation]\nmodel = "model:build"\nfactor = 0\n[egress.x]\ntype = "file"\npath = "out.jsonl"\n'
        "[parameters.A.variables]\n" + "\n".join(f"{key} = {value}" for key, value in first.items())
    )
    settings = [part for key, value in given.items() for part in ("--set", f"A.variables.{key}={value}")]
    assert twin("run", "twin.toml", *settings).returncode == 0
    assert records(twin)[0]["value"] == {
        "a": "late",
        "b": "quoted",
        "c": 3,
        "d": "[1",
        "e": "x=y",
        "f": "",
        "g": True,
        "h": [1, 2],
    }


def test_values_that_belong_together_are_set_together(twin):
    twin.module("model", "def build(env): env.publish_event('x', vars(env.registry.get_config('A.service.x')))")
    twin.file(
        """
        [simulation]
        model = "model:build"
        factor = 0
        [parameters.A.service.x]
        dist = "uniform"
        low = 1
        high = 2
        [egress.screen]
        type = "console"
        """
    )
    done = twin("run", "twin.toml", "--set", "A.service.x.low=5", "--set", "A.service.x.high=6")
    assert done.stdout == "[EVT] t=0.000 x: dist=uniform low=5 high=6\n"
    done = twin("run", "twin.toml", "--set", "A.service.x.low=5")
    assert done.returncode == 2
    assert done.stderr == (
        "--set: A.service.x.low: low 5.0 is above high 2.0: send low and high in one change. The value stays 1.0.\n"
    )


def test_every_setting_that_cannot_be_is_named(small):
    done = small(
        "run", "twin.toml", "--set", "A.arrival.parts.rat=1", "--set", "A.arrival.parts.rate=fast",
        "--set", "A.resources.lathe.current_cap=true",
    )  # fmt: skip
    assert done.stderr.splitlines() == [
        "--set A.arrival.parts.rat: 'A.arrival.parts.rat': no such path. Did you mean 'A.arrival.parts.rate'?",
        "--set A.arrival.parts.rate: 'fast' is not a number. Give another value.",
        "--set A.resources.lathe.current_cap: True is a flag, not a whole number. Give another value.",
    ]
    assert (done.returncode, done.stdout) == (2, "")


def test_a_first_value_is_no_step_but_has_to_keep_the_bounds(small):
    assert small("run", "twin.toml", "--set", "A.arrival.parts.rate=9").returncode == 0
    done = small("run", "twin.toml", "--set", "A.arrival.parts.rate=11")
    assert done.returncode == 2
    assert "is above the allowed maximum 10" in done.stderr


def test_a_setting_that_is_clamped_is_said_to_be(small):
    done = small("run", "twin.toml", "--set", "A.resources.lathe.current_cap=9")
    assert done.returncode == 0
    assert done.stderr.splitlines()[0].startswith("WARNING --set: A.resources.lathe.current_cap: 9 ")
    assert "max_cap 5" in done.stderr.splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["run"], "Missing argument 'FILE'"),
        (["run", "twin.toml", "--untill", "3"], "No such option"),
        (["run", "twin.toml", "--until", "soon"], "'soon' is not a valid float"),
        (["run", "twin.toml", "--set", "A.x"], "--set A.x: has no value. Write --set PATH=VALUE."),
        (["run", "twin.toml", "--set", "=3"], "--set =3: has no path. Write --set PATH=VALUE."),
        (["run", "twin.toml", "--factor", "-1"], "--factor: -1.0 is no number from 0 on."),
        (["run", "none.toml"], "none.toml: there is no such file. Give the path of a TOML file."),
        (["rum", "twin.toml"], "there is no command 'rum'. Did you mean 'run'?"),
        (["check", "twin.toml", "--timeout", "-1"], "-1.0 is not in the range"),
    ],
)
def test_wrong_usage_exits_with_two(small, arguments, text):
    done = small(*arguments)
    assert text in done.stderr
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_a_wrong_file_exits_with_two_and_runs_nothing(small):
    small.file(f"{FILE}flush_intervall = 1\n", "wrong.toml")
    done = small("run", "wrong.toml")
    assert done.stderr == (
        "wrong.toml:21: [egress.screen] flush_intervall: unknown key. Did you mean 'flush_interval'?\n"
    )
    assert (done.returncode, done.stdout) == (2, "")


BREAKING = """
    def build(env):
        env.publish_event("first", {{}})
        {in_build}

        def life():
            yield env.timeout(1)
            env.publish_event("second", {{}})
            {in_run}
        env.process(life())
"""
KEPT = """
    [simulation]
    model = "model:build"
    factor = 0
    [egress.kept]
    type = "file"
    path = "out.jsonl"
    system = false
"""


@pytest.mark.parametrize(
    ("where", "kept"), [("in_build", ["first"]), ("in_run", ["first", "second"])], ids=["build", "run"]
)
def test_a_model_that_raises_exits_with_one_and_everything_before_is_written(twin, where, kept):
    code = {"in_build": "pass", "in_run": "pass", where: "raise RuntimeError('the model is broken')"}
    twin.module("model", BREAKING.format(**code)).file(KEPT)
    done = twin("run", "twin.toml")
    assert done.returncode == 1
    assert "RuntimeError: the model is broken" in done.stderr
    assert f"{len(kept)} event" in done.stderr
    assert f"egress kept: {len(kept)} written" in done.stderr
    assert [record["key"] for record in records(twin)] == kept


@pytest.mark.parametrize(("left", "code"), [("SystemExit()", 0), ("SystemExit(0)", 0), ("SystemExit('no')", 1)])
def test_a_model_that_leaves_says_so_by_its_own_code(twin, left, code):
    twin.module("model", BREAKING.format(in_build="pass", in_run=f"raise {left}")).file(KEPT)
    done = twin("run", "twin.toml")
    assert done.returncode == code
    assert ("the model left with sys.exit('no')" in done.stderr) == bool(code)
    assert [record["key"] for record in records(twin)] == ["first", "second"]
    assert "Traceback" not in done.stderr


SINKS = """
    from dynamic_des import BaseEgress, PermanentError

    class Refusing(BaseEgress):
        async def write(self, batch):
            raise PermanentError("the disk is full")

    class Down(BaseEgress):
        async def open(self, run):
            raise ConnectionError("nobody answers")

        async def write(self, batch): pass

    class Picky(BaseEgress):
        async def write(self, batch):
            return [(record["seq"], "too large") for record in batch if record.get("key") == "first"]

    class Flaky(BaseEgress):
        tries = 0

        async def write(self, batch):
            self.tries += 1
            if self.tries == 1:
                raise OSError("once")
"""


@pytest.mark.parametrize(
    ("name", "code", "row"),
    [
        ("Refusing", 3, "0 written, 0 retried, 0 set aside, 0 dropped, 2 NOT WRITTEN (the disk is full)"),
        (
            "Down",
            3,
            "0 written, 0 retried, 0 set aside, 0 dropped, 2 NOT WRITTEN (ConnectionError: nobody answers)",
        ),
        ("Picky", 3, "1 written, 0 retried, 1 set aside, 0 dropped"),
        ("Flaky", 0, "2 written, 1 retried, 0 set aside, 0 dropped"),
    ],
)
def test_what_was_lost_is_said_and_exits_with_three(twin, name, code, row):
    twin.module("model", BREAKING.format(in_build="pass", in_run="pass")).module("sinks", SINKS)
    twin.file(f'{KEPT}\n    [egress.other]\n    type = "sinks:{name}"\n    drain_timeout = 0.2\n')
    done = twin("run", "twin.toml")
    assert done.returncode == code
    assert f"egress other: {row}" in done.stderr.splitlines()
    assert "egress kept: 2 written, 0 retried, 0 set aside, 0 dropped" in done.stderr.splitlines()


def test_a_model_that_raises_counts_more_than_what_was_lost(twin):
    twin.module("model", BREAKING.format(in_build="pass", in_run="raise RuntimeError('the model is broken')"))
    twin.module("sinks", SINKS).file(f'{KEPT}\n    [egress.other]\n    type = "sinks:Refusing"\n')
    done = twin("run", "twin.toml")
    assert done.returncode == 1
    assert "2 NOT WRITTEN" in done.stderr


def test_changes_are_counted_and_an_ingress_that_failed_says_why(twin):
    twin.module("model", "def build(env): env.process(iter_(env))\ndef iter_(env):\n    yield env.timeout(9)")
    twin.file(
        """
        [simulation]
        model = "model:build"
        factor = 0
        [parameters.A.variables]
        x = 1
        [ingress.shifts]
        type = "local"
        schedule = [[1, "A.variables.x", 2], [2, "A.variables.x", "no"], [3, "A.variables.y", 1]]
        [ingress.lost]
        type = "lines"
        path = "none.jsonl"
        follow = false
        """
    )
    done = twin("run", "twin.toml")
    lines = done.stderr.splitlines()
    assert "1 change applied, 2 refused; lag 0.000 s" in lines
    assert "ingress shifts: 3 messages" in lines
    assert any(line.startswith("ingress lost: 0 messages; failed: LinesIngress: there is no file") for line in lines)
    assert "twin: ended at t=9; no egress, so nothing was published" in lines
    assert done.returncode == 0


def test_standard_input_steers(twin):
    twin.module(
        "model",
        """
        def wait(env):
            value = env.registry.get("A.variables.x")
            if value.value == 1:  # else it was there before time began
                yield value.wait_for_change()
            env.publish_event("x", {"now": value.value})

        def build(env): env.process(wait(env))
        """,
    )
    twin.file(
        """
        [simulation]
        model = "model:build"
        factor = 0.001
        [parameters.A.variables]
        x = 1
        [ingress.lines]
        type = "lines"
        [egress.screen]
        type = "console"
        system = false
        """
    )
    done = twin("run", "twin.toml", stdin='{"path": "A.variables.x", "value": 5}\n')
    assert done.stdout.endswith("x: now=5\n")
    assert "1 change applied, 0 refused" in done.stderr
    assert "ingress lines: 1 message\n" in done.stderr
    assert done.returncode == 0


def test_a_journal_is_kept_and_a_place_for_it_has_to_be_there(small):
    small.file(FILE.replace("seed = 7", 'seed = 7\n    journal = "journal.jsonl"'))
    assert small("run", "twin.toml").returncode == 0
    assert json.loads((small.path / "journal.jsonl").read_text().splitlines()[0])["seed"] == 7
    small.file(FILE.replace("seed = 7", 'seed = 7\n    journal = "twin.toml/journal.jsonl"'))
    done = small("run", "twin.toml")
    assert done.returncode == 2
    assert done.stderr.startswith("setup_journal: twin.toml/journal.jsonl cannot be written: ")


def test_a_thread_of_the_model_that_dies_is_heard(twin):
    twin.module(
        "model",
        """
        import threading
        def fail(): raise RuntimeError("the model is broken")
        def build(env):
            thread = threading.Thread(target=fail, name="helper")
            thread.start()
            thread.join()
        """,
    ).file(KEPT)
    done = twin("run", "twin.toml")
    assert done.stderr.startswith("in the thread helper:\nTraceback")
    assert done.returncode == 0


def test_every_command_has_help():
    from click.testing import CliRunner

    from dynamic_des.cli import main

    for command in ("run", "check", "plugins", "schema", "replay"):
        done = CliRunner().invoke(main, [command, "--help"], prog_name="dynamic-des")
        assert (done.exit_code, done.output.partition(" [")[0]) == (0, f"Usage: dynamic-des {command}")


def test_the_command_itself_lists_them_and_the_exit_codes(small):
    done = small("--help")
    assert "run      Run a twin from its configuration file." in done.stdout
    assert "3 done but something was lost" in " ".join(done.stdout.split())
    assert small("--version").stdout == "dynamic-des, version 0.1.0\n"


def test_a_message_that_stops_the_run_is_said_without_a_traceback(twin):
    twin.module("model", BREAKING.format(in_build="pass", in_run="pass"))
    (twin.path / "changes.jsonl").write_text("more lathes, please\n")
    lines = '    [ingress.lines]\n    type = "lines"\n    path = "changes.jsonl"\n    on_poison = "stop"\n'
    done = twin.file(f"{KEPT}{lines}".replace("factor = 0", "factor = 1"))("run", "twin.toml")
    assert done.returncode == 1
    assert "more lathes, please" in done.stderr.splitlines()[0]
    assert "The run was stopped" in done.stderr.splitlines()[0]
    assert "Traceback" not in done.stderr


def test_a_small_run_imports_nothing_that_it_does_not_need(twin):
    twin.module(
        "model",
        """
        import sys

        def build(env):
            slow = ["pydantic", "numpy", "pluggy", "difflib", "dynamic_des.entrypoints"]
            env.publish_event("x", {name: name in sys.modules for name in slow})
        """,
    ).file(FILE)
    done = twin("run", "twin.toml")
    assert done.stdout == (
        "[EVT] t=0.000 x: pydantic=False numpy=False pluggy=False difflib=False dynamic_des.entrypoints=False\n"
    )


def test_a_repetition_writes_the_same_records_or_says_where_it_left_them(small):
    small.file(
        FILE.replace("seed = 7", 'seed = 7\n    journal = "journal.jsonl"').replace(
            '"console"', '"file"\n    path = "a"'
        )
    )
    assert small("run", "twin.toml").returncode == 0
    done = small("replay", "journal.jsonl", "--out", "b")
    assert (done.returncode, done.stderr) == (
        0,
        "small: repeated 0 changes to t=3; 3 events, 1 telemetry record\n",
    )
    assert (small.path / "a").read_bytes() == (small.path / "b").read_bytes()
    small.module("model", MODEL.replace("yield env.timeout(1)", "yield env.timeout(2)"))
    done = small("replay", "journal.jsonl", "--out", "b")
    assert done.returncode == 2
    assert done.stderr.startswith("replay: ")
    assert "Traceback" not in done.stderr
