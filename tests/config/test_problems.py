"""Everything that is wrong with a file, in one go: where, what, and what to write instead."""

import re
from importlib.metadata import entry_points

import pytest

from dynamic_des import ConfigError
from dynamic_des.config.loading import load

# what there is to choose from: this repository's own plugins are installed, too
PLUGINS = ", ".join(sorted(point.name for point in entry_points(group="dynamic_des")))
RESOURCES = f"resource, container, store, or a plugin ({PLUGINS})"
SMALL = '[simulation]\nmodel = "model:build"\n'


def test_everything_that_is_wrong_is_said_at_once_in_the_order_of_the_file(folder):
    found = folder.problems(
        """\
        [simulatoin]
        x = 1

        [simulation]
        model = "modle:build"
        factr = 1
        until = "soon"
        seed = -3

        [parameters.Line_A.arrival.parts]
        dist = "exponental"
        rate = 1

        [parameters.Line_A.arrival.rush]
        dist = "exponential"
        rat = 1

        [parameters.Line_A.resources.lathe]
        current_cap = true
        max_cap = 5

        [parameters.Line_A.servce.milling]
        dist = "constant"

        [bounds."Line_A.resources.lathe.max_cap"]
        maximum = 3

        [bounds."Line_A.variables.shift"]
        max = "much"

        [resources.buffer]
        type = "shop"

        [ingress.control]
        type = "kernel"
        topic = "control"

        [ingress.lines]
        path = "-"

        [egress.screen]
        type = "console"
        format = "yaml"
        flush_intervall = 1
        batch_size = 0

        [egress.records]
        type = "file"
        """
    )
    assert found == [
        "twin.toml:1: simulatoin: unknown table. Did you mean 'simulation'?",
        "twin.toml:5: [simulation] model: modle:build: there is no module 'modle'. Did you mean 'model'?",
        "twin.toml:6: [simulation] factr: unknown key. Did you mean 'factor'?",
        "twin.toml:7: [simulation] until: 'soon' is not a number. Write a number.",
        "twin.toml:8: [simulation] seed: -3 is negative. Write a whole number, 0 or more.",
        (
            "twin.toml:11: [parameters.Line_A.arrival.parts] dist: 'exponental' is no distribution. "
            "Did you mean 'exponential'?"
        ),
        "twin.toml:16: [parameters.Line_A.arrival.rush] rat: unknown key. Did you mean 'rate'?",
        (
            "twin.toml:19: [parameters.Line_A.resources.lathe] current_cap: True is a flag, not a whole number. "
            "Give a capacity, such as 1."
        ),
        "twin.toml:22: [parameters.Line_A] servce: unknown table. Did you mean 'service'?",
        "twin.toml:26: [bounds.\"Line_A.resources.lathe.max_cap\"] maximum: unknown key. Did you mean 'max'?",
        "twin.toml:29: [bounds.\"Line_A.variables.shift\"] max: 'much' is not a number. Write a number.",
        (
            "twin.toml:32: [resources.buffer] type: 'shop': there is no resource of this type. "
            f'Use one of {RESOURCES}; install a plugin that has it; or write "module:Class".'
        ),
        (
            "twin.toml:35: [ingress.control] type: kernel: this plugin is not installed. "
            'Install it: pip install "dynamic-des-kernel"'
        ),
        (
            "twin.toml:38: [ingress.lines] type: is missing: it says which ingress this is. "
            'Write type = "lines", or another one.'
        ),
        (
            "twin.toml:43: [egress.screen] format: 'yaml' is not 'text' or 'json'. Write 'text' or 'json', "
            'such as format = "text".'
        ),
        "twin.toml:44: [egress.screen] flush_intervall: unknown key. Did you mean 'flush_interval'?",
        "twin.toml:45: [egress.screen] batch_size: is 0. Give a number of at least 1.",
        "twin.toml:47: [egress.records] path: is missing, and has no default. Write path = ….",
    ]


def place(line, table, key, text):
    return f"twin.toml:{line}: [{table}] {key}: {text}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", 'twin.toml: [simulation]: is missing. Write [simulation], and model = "module:function" under it.'),
        ("[simulation]", place(1, "simulation", "model", "is missing, and has no default. Write model = ….")),
        ("simulation = 3", "twin.toml:1: simulation: 3 is not a table. Write [simulation]."),
        (
            f"{SMALL}bounds = 1",
            (
                "twin.toml:3: [simulation] bounds: unknown key. Simulation takes model, name, factor, "
                "until, seed, initial_time, strict, start_time, lag_monitor_interval, journal. Remove it."
            ),
        ),
        (
            f"{SMALL}[ingress]\ntype = 'lines'",
            "twin.toml:4: [ingress] type: 'lines' is not a table. Write [ingress.control], and its keys under it.",
        ),
        (
            f"{SMALL}[[egress]]\ntype = 'console'",
            (
                "twin.toml:3: egress: [{'type': 'console'}] is not a table. "
                "Write [egress.screen], and its keys under it."
            ),
        ),
        (
            f"{SMALL}[parameters.A]\nrate = 1",
            (
                "twin.toml:4: [parameters.A] rate: unknown table. "
                "There are arrival, service, resources, containers, stores, variables."
            ),
        ),
        (
            f"{SMALL}[parameters.A.arrival]\ndist = 'constant'",
            (
                "twin.toml:4: [parameters.A.arrival] dist: 'constant' is not a table. "
                "Write [parameters.A.arrival.NAME], and this key under it."
            ),
        ),
        (
            f"{SMALL}[parameters]\nA = 1",
            "twin.toml:4: [parameters] A: 1 is not a table. Write [parameters.Line_A], and its keys under it.",
        ),
        (
            f"{SMALL}[parameters.A]\narrival = 1",
            "twin.toml:4: [parameters.A] arrival: 1 is not a table. Write [parameters.….arrival.NAME].",
        ),
        (
            f"{SMALL}[bounds]\nA = 1",
            'twin.toml:4: [bounds] A: 1 is not a table. Write [bounds."A"] max = 10.',
        ),
        (
            f"{SMALL}[bounds.'A.b']\nmin = 1",
            (
                "twin.toml:3: [bounds.\"A.b\"]: 'A.b': no such path. Nothing is registered yet: call "
                "registry.register_sim_parameter first. Write limits that the value in force keeps."
            ),
        ),
        (
            f"{SMALL}[egress.screen]\ntype = 3",
            'twin.toml:4: [egress.screen] type: 3 is not text. Write type = "console", or another one.',
        ),
        (
            f'{SMALL}[egress."a b.\\u001b"]\ntype = "consol"',
            (
                "twin.toml:4: [egress.\"a b.\\u001b\"] type: 'consol': there is no egress of this type. "
                "Did you mean 'console'?"
            ),
        ),
        (
            f"{SMALL}[resources.x]\ntype = 'resource'\nsim_id = 'x'",
            (
                "twin.toml:5: [resources.x] sim_id: unknown key. "
                "DynamicResource takes preemptive, lifo, queue_limit, type. Remove it."
            ),
        ),
        (
            f"{SMALL}[ingress.x]\ntype = 'local'\nschedule = [[-1, 'a', 3]]",
            (
                "twin.toml:3: [ingress.x]: LocalIngress: entry 0 has the delay -1.0. "
                "Give (delay in simulated seconds, path, value)."
            ),
        ),
        (
            f"{SMALL}[egress.x]\ntype = 'file'\npath = 'x'\nserializer = {{ type = 'jsn' }}",
            (
                "twin.toml:6: [egress.x.serializer] type: 'jsn': there is no serializer of this type. "
                "Did you mean 'json'?"
            ),
        ),
    ],
)
def test_a_wrong_table_says_where_and_what_to_write(folder, text, problem):
    assert folder.problems(text) == [problem]


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("model", "'model' names nothing. Write \"module:name\"."),
        ("model:biuld", "model:biuld: there is no 'biuld' in it. Did you mean 'build'?"),
        ("math:pi", "3.141592653589793 cannot be called. Name a function: def build(env)."),
        (
            "model:nothing",
            "model:nothing: there is no 'nothing' in it. Write the name of something that is defined there.",
        ),
        (
            "odd:two",
            "<function two> does not take the environment as its one argument. Name a function: def build(env).",
        ),
        (
            "odd:process",
            (
                "<function process> does nothing when it is called: it is a generator or a coroutine. "
                "Name a function: def build(env)."
            ),
        ),
        (
            "failing:build",
            "failing:build: the module 'failing' raised KeyError: 'x' (failing.py, line 1). Mend the module.",
        ),
        (
            "needy:build",
            "needy:build: the module 'needy' needs 'no_such_thing', which is not installed. Install it.",
        ),
    ],
)
def test_a_model_that_cannot_be_used_says_why(folder, model, text):
    folder.module("odd", "def two(env, more): pass\ndef process(env): yield")
    folder.module("failing", "{}['x']")
    folder.module("needy", "import no_such_thing")
    [problem] = folder.problems(f'[simulation]\nmodel = "{model}"')
    head, _, found = problem.partition("model: ")
    assert head == "twin.toml:2: [simulation] "
    assert re.sub(r" at 0x\w+", "", found) == text


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a = [", "twin.toml: is not TOML at the end: Invalid value. Write key = value under a [table]."),
        (b"a = 1\nb = = 2", "twin.toml:2: is not TOML at column 5: Invalid value. Write key = value under a [table]."),
        (
            b"a = 1\na = 2\n",
            (
                "twin.toml:2: is not TOML at column 6: Cannot overwrite a value. "
                "A key is there twice, or is also a table: leave one of the two."
            ),
        ),
        (
            b"[egress.screen]\n[egress.screen]\n",
            "twin.toml:2: [egress.screen] is there twice. Give one of the two another name.",
        ),
        (
            b'[resources."Line_A.\'mill"]\n[resources."Line_A.\'mill"]\n',
            'twin.toml:2: [resources."Line_A.\'mill"] is there twice. Give one of the two another name.',
        ),
        (b"a = '\xff'", "twin.toml: is not UTF-8 at byte 5. Save it as UTF-8."),
        (b"x = " + b"[" * 5000, "twin.toml: is nested too deeply. Write at most 32 levels."),
        (b"[" + b".".join([b"a"] * 5000) + b"]", "twin.toml: [a] is nested too deeply. Write at most 32 levels."),
        (b"x = " + b"{a=" * 40 + b"1" + b"}" * 40, "twin.toml: [x] is nested too deeply. Write at most 32 levels."),
        (
            b"x = " + b"9" * 5000,
            "twin.toml: is not TOML: an integer has too many digits. Write key = value under a [table].",
        ),
    ],
    ids=range(10),
)
def test_a_file_that_is_no_toml_says_where(folder, content, text):
    folder.file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(folder.file)
    assert str(caught.value).replace(f"{folder.path}/", "") == text


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    for path, reason in [
        (tmp_path / "none.toml", "there is no such file"),
        (tmp_path, "cannot be read: Is a directory"),
    ]:
        with pytest.raises(ConfigError) as caught:
            load(path)
        assert str(caught.value) == f"{path}: {reason}. Give the path of a TOML file."
    with pytest.raises(ConfigError, match=r"cannot be read: embedded null byte\. Give the path"):
        load("a\0b")


def test_a_byte_order_mark_and_windows_line_ends_are_read(folder):
    folder.file.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load(folder.file).simulation.model == "model:build"


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("factor", "-1", "-1.0 is no number from 0 on. Write factor = 1.0."),
        ("factor", "inf", "inf is no number from 0 on. Write factor = 1.0."),
        ("factor", "nan", "nan is not a number. Write a number, such as factor = 1.0."),
        ("factor", "true", "True is not a number. Write a number, such as factor = 1.0."),
        ("until", "0", "0.0 is no time after 0.0, the start. Give a later one, or none for no end."),
        ("until", "inf", "inf is no time after 0.0, the start. Give a later one, or none for no end."),
        ("initial_time", "inf", "inf is no time. Write initial_time = 0."),
        ("lag_monitor_interval", "-1", "-1.0 is no number from 0 on. Write lag_monitor_interval = 1.0."),
        ("seed", "-1", "-1 is negative. Write a whole number, 0 or more."),
        ("seed", "1.5", "1.5 is not a whole number. Write a whole number."),
        ("strict", "1", "1 is not true or false. Write true or false, such as strict = false."),
        ("name", "3", "3 is not text. Write text in quotes."),
        ("start_time", '"now"', "'now' is not a date and time. Write a date and time."),
        ("journal", "3", "3 is not a path. Write a path."),
    ],
)
def test_a_key_of_the_simulation_has_to_make_sense(folder, key, value, text):
    assert folder.problems(f"{SMALL}{key} = {value}") == [place(3, "simulation", key, text)]


def test_what_the_command_line_gave_is_named_by_its_option(folder):
    found = folder.problems(f"{SMALL}factor = 0", {"factor": -1.0, "until": float("nan")})
    assert found == [
        "--until: nan is not a number. Write a number.",
        "--factor: -1.0 is no number from 0 on. Write factor = 1.0.",
    ]


def test_a_connector_that_does_nothing_is_refused(folder):
    folder.module("mute", "from dynamic_des import *\nclass In(BaseIngress): pass\nclass Out(BaseEgress): pass")
    assert folder.problems(f"{SMALL}[ingress.a]\ntype = 'mute:In'\n[egress.b]\ntype = 'mute:Out'") == [
        place(
            4,
            "ingress.a",
            "type",
            "In overrides neither messages nor snapshot nor run: it cannot bring anything in. "
            "Write `async def messages` in it.",
        ),
        place(
            6,
            "egress.b",
            "type",
            "Out overrides neither write nor run: it cannot write anything. Write `async def write` in it.",
        ),
    ]


def test_a_constructor_that_refuses_is_quoted(folder):
    folder.module(
        "picky",
        """
        from dynamic_des import BaseEgress
        class Picky(BaseEgress):
            def __init__(self, size: int): raise ValueError(f"{size} does not fit.")
            async def write(self, batch): pass
        """,
    )
    assert folder.problems(f"{SMALL}[egress.b]\ntype = 'picky:Picky'\nsize = 3") == [
        "twin.toml:3: [egress.b]: Picky refused its arguments: ValueError: 3 does not fit. Give others."
    ]


def test_resources_that_cannot_be_built_are_all_named(folder):
    folder.module("kinds", "class Odd:\n    def __init__(self, env, name): raise KeyError(name)")
    text = '[resources."A.lathe"]\ntype = "resource"\n[resources.odd]\ntype = "kinds:Odd"'
    twin = folder.load(f"{SMALL}{text}")
    with pytest.raises(ConfigError) as caught:
        twin.environment()
    first, second = str(caught.value).replace(f"{folder.path}/", "").splitlines()
    assert first == (
        "twin.toml:3: [resources.\"A.lathe\"]: DynamicResource A.lathe: 'A.resources.lathe.current_cap': no such path. "
        "Nothing is registered yet: call registry.register_sim_parameter first. "
        "Register SimParameter(sim_id='A', resources={'lathe': CapacityConfig(current_cap=…, max_cap=…)}) first."
    )
    assert second == "twin.toml:5: [resources.odd]: Odd: KeyError: 'odd' (kinds.py, line 2). Give other options."


def test_a_resource_kind_has_to_be_built_with_an_environment_and_a_name(folder):
    folder.module("kinds", "class Lone:\n    def __init__(self, env): pass")
    assert folder.problems(f"{SMALL}[resources.x]\ntype = 'kinds:Lone'") == [
        place(4, "resources.x", "type", "Lone cannot be built with (env, name, **options). Give a resource kind.")
    ]
