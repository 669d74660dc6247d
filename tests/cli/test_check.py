"""`dynamic-des check`: what is wrong, without running anything; and with --connect, whether it answers."""

import pytest

MODEL = "def build(env): raise RuntimeError('check runs nothing')\n"
HEAD = """
    [simulation]
    model = "model:build"
    [parameters.A.variables]
    x = 1
"""
CONNECTORS = """
    import asyncio
    from dynamic_des import BaseEgress, BaseIngress, PermanentError

    def note(text):
        with open("opened", "a") as file: file.write(text)

    class In(BaseIngress):
        async def messages(self): yield

    class Good(In):
        async def open(self, run):
            note(f"{run.name} {run.trial}\\n")

        async def close(self):
            note("closed\\n")

    class Refused(In):
        async def open(self, run): raise ConnectionRefusedError("nobody at h:1")

    class Silent(In):
        async def open(self, run): await asyncio.sleep(60)

    class Plain(In):
        def open(self, run): note("plain ")
        def close(self): note("closed\\n")

    class Wrong(BaseEgress):
        async def open(self, run): raise PermanentError("wrong password")
        async def write(self, batch): pass
        async def close(self): raise ValueError("was never open")
"""


@pytest.fixture
def checked(twin):
    """A function that checks a twin with some connectors."""
    twin.module("model", MODEL).module("connectors", CONNECTORS)

    def check(tables="", *options):
        return twin.file(HEAD + tables)("check", "twin.toml", *options)

    return check


def table(kind, name, type_, more=""):
    return f"    [{kind}.{name}]\n    type = '{type_}'\n    {more}\n"


@pytest.mark.parametrize(
    ("tables", "counts"),
    [
        ("", "1 parameter, 0 resources, 0 ingresses, 0 egresses"),
        (
            table("ingress", "a", "lines") + table("egress", "b", "console"),
            "1 parameter, 0 resources, 1 ingress, 1 egress",
        ),
        (
            table("ingress", "a", "lines") + table("ingress", "b", "lines")
            + table("egress", "c", "console") + table("egress", "d", "console")
            + "    [parameters.A.resources.x]\n    current_cap = 1\n    max_cap = 1\n"
            + table("resources", "'A.x'", "resource"),
            "3 parameters, 1 resource, 2 ingresses, 2 egresses",
        ),
    ],
    ids=["none", "one", "two"],
)  # fmt: skip
def test_a_good_file_is_counted_and_nothing_is_run(checked, tables, counts):
    done = checked(tables)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", f"twin.toml: ok. {counts}.\n")


def test_what_is_wrong_is_printed_and_exits_with_two(checked):
    done = checked(table("egress", "b", "consol") + table("ingress", "a", "kernel"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "twin.toml:7: [egress.b] type: 'consol': there is no egress of this type. Did you mean 'console'?",
        (
            "twin.toml:10: [ingress.a] type: kernel: this plugin is not installed. "
            'Install it: pip install "dynamic-des-kernel"'
        ),
    ]


def test_a_resource_that_cannot_be_built_is_found_without_a_run(checked):
    done = checked(table("resources", "lathe", "resource"))
    assert done.returncode == 2
    assert done.stderr.startswith("twin.toml:6: [resources.lathe]: DynamicResource: 'lathe' does not name a parameter.")


def test_connections_are_tried_and_closed_again(checked, twin):
    done = checked(table("ingress", "a", "connectors:Good") + table("egress", "b", "console"), "--connect")
    assert done.stderr.splitlines() == ["ingress a: connected", "egress b: has no connection to try"]
    assert (done.returncode, done.stdout) == (0, "twin.toml: ok. 1 parameter, 0 resources, 1 ingress, 1 egress.\n")
    assert (twin.path / "opened").read_text() == "twin True\nclosed\n"


def test_every_connection_is_tried_whatever_became_of_the_others(checked):
    tables = (
        table("ingress", "a", "connectors:Refused")
        + table("ingress", "b", "connectors:Silent")
        + table("ingress", "c", "connectors:Good")
        + table("egress", "d", "connectors:Wrong")
    )
    done = checked(tables, "--connect", "--timeout", "0.2")
    assert done.stderr.splitlines() == [
        "ingress a: cannot connect: ConnectionRefusedError: nobody at h:1",
        "ingress b: no connection within 0.2 s. Is the address right, and is the server up?",
        "ingress c: connected",
        "WARNING Wrong.close: ValueError: was never open",
        "egress d: cannot connect: PermanentError: wrong password",
    ]
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("append", ["true", "false"])
def test_trying_a_file_leaves_it_as_it_is(checked, twin, append):
    (twin.path / "out.jsonl").write_text("precious\n")
    done = checked(table("egress", "a", "file", f"path = 'out.jsonl'\n    append = {append}"), "--connect")
    assert done.stderr == "egress a: connected\n"
    assert (twin.path / "out.jsonl").read_text() == "precious\n"


def test_trying_a_file_that_is_not_there_makes_none(checked, twin):
    done = checked(table("egress", "a", "file", "path = 'new/deep/out.jsonl'"), "--connect")
    assert (done.returncode, done.stderr) == (0, "egress a: connected\n")
    assert not (twin.path / "new").exists()


def test_trying_a_file_where_none_can_be_says_so(checked, twin):
    (twin.path / "folder").mkdir()
    done = checked(table("egress", "a", "file", "path = 'folder'"), "--connect")
    assert (
        done.stderr
        == "egress a: cannot connect: PermanentError: FileEgress: folder is a folder. Give the path of a file.\n"
    )
    done = checked(table("egress", "a", "file", "path = 'model.py/x'"), "--connect")
    assert done.returncode == 2
    assert "cannot be written to. Give another path." in done.stderr


def test_the_file_of_the_example_is_good(twin):
    from pathlib import Path

    example = Path(__file__).parents[2] / "examples" / "line_a" / "line_a.toml"
    done = twin("check", example)
    assert (done.returncode, done.stdout) == (
        0,
        f"{example}: ok. 12 parameters, 0 resources, 1 ingress, 1 egress.\n",
    )


def test_the_destinations_of_dead_letters_are_tried_too(checked, twin):
    kept = "on_poison = 'dead_letter'\n    dead_letters = 'new/letters.jsonl'"
    tables = table("ingress", "a", "connectors:Good", kept) + table("ingress", "b", "connectors:Good", kept)
    tables += table("egress", "c", "console", "dead_letters = { type = 'connectors:Wrong' }")
    done = checked(tables, "--connect")
    assert done.stderr.splitlines() == [
        "ingress a: connected",
        "ingress b: connected",
        "egress c: has no connection to try",
        "dead_letters:letters.jsonl: connected",
        "WARNING Wrong.close: ValueError: was never open",
        "dead_letters:Wrong: cannot connect: PermanentError: wrong password",
    ]
    assert done.returncode == 2
    assert not (twin.path / "new").exists()


def test_a_schedule_that_leads_to_no_parameter_is_doubted_with_its_place(checked):
    done = checked(
        table("ingress", "shifts", "local", "schedule = [[9.0, 'A.variables.y', 2], [1.0, 'A.variables.x', 3]]")
    )
    assert done.returncode == 0  # the model, which is not run, may register it
    assert done.stderr == (
        "twin.toml:8: [ingress.shifts] schedule[0][1]: 'A.variables.y': no such path. Did you mean 'A.variables.x'? "
        "It is refused when its time comes, unless the model registers it.\n"
    )


def test_plain_methods_are_tried_too(checked, twin):
    done = checked(table("ingress", "a", "connectors:Plain"), "--connect")
    assert (done.returncode, done.stderr) == (0, "ingress a: connected\n")
    assert (twin.path / "opened").read_text() == "plain closed\n"
