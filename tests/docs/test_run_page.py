"""The harness of the documentation: a page that is right passes, and one that is wrong fails with its place."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

HARNESS = Path(__file__).with_name("run_page.py")


@pytest.fixture
def run(tmp_path):
    """A function that runs a page given as text, with ~~~ for its fences; returns the exit code and what was said."""

    def run(text):
        page = tmp_path / "page.md"
        page.write_text(dedent(text).replace("~~~", "```"))
        done = subprocess.run([sys.executable, str(HARNESS), str(page)], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr.removeprefix(f"{page}: ")

    return run


def test_blocks_of_a_page_share_their_names_and_what_they_print_is_compared(run):
    assert run("""
        ~~~python
        parts = 3
        ~~~
        Some words.
        ~~~python
        print(parts, __name__)
        print("and more")
        ~~~
        This prints:
        ~~~text
        3 __main__
        and more
        ~~~
        """) == (0, "")


def test_a_page_that_says_something_else_than_is_printed_fails(run):
    code, said = run("""
        ~~~python
        print("four")
        ~~~
        ~~~text
        three
        ~~~
        """)
    assert (code, said) == (1, "line 6: the page says:\nthree\n\nbut this is printed:\nfour\n\n")


@pytest.mark.parametrize("says", ["", "one\nthree", "one", "one\n...\nfour", "...two", "on... two\nthree"])
def test_what_is_printed_is_compared_as_a_whole(run, says):
    code, _ = run(f'~~~python\nprint("one")\nprint("two")\nprint("three")\n~~~\n~~~text\n{says}\n~~~\n')
    assert code == 1


@pytest.mark.parametrize(
    "says",
    ["one\ntwo\nthree", "...", "one\n...", "one\n...\nthree", "o...\n...o\nthree  ", "one\n...\ntwo\nthree"],
)
def test_three_dots_stand_for_what_may_differ(run, says):
    assert run(f'~~~python\nprint("one")\nprint("two")\nprint("three")\n~~~\n~~~text\n{says}\n~~~\n') == (0, "")


def test_text_behind_a_heading_is_not_output(run):
    assert run("""
        ~~~python
        print("four")
        ~~~
        ## The picture
        ~~~text
        a ──► b
        ~~~
        """) == (0, "")


def test_a_block_that_raises_fails_with_its_line_on_the_page(run):
    code, said = run("""
        ~~~python
        fine = 1

        1 / 0
        ~~~
        """)
    assert code == 1
    assert said.startswith("line 3: the block raises:\n")
    assert 'page.md", line 5, in <module>\n    1 / 0\n' in said
    assert said.endswith("ZeroDivisionError: division by zero\n\n")


def test_a_block_that_ends_the_interpreter_fails(run):
    code, said = run("~~~python\nraise SystemExit(0)\n~~~\n")
    assert (code, said.splitlines()[-2]) == (1, "SystemExit: 0")


def test_shell_commands_run_in_the_root_of_the_repository_with_this_python(run):
    assert run(f"""
        ~~~bash
        ls pyproject.toml
        python -c 'import sys; print(sys.prefix)'
        ~~~
        ~~~text
        pyproject.toml
        {sys.prefix}
        ~~~
        """) == (0, "")


def test_a_shell_command_that_fails_fails_the_page_unless_it_is_said(run):
    code, said = run("~~~bash\nfalse\ntrue\n~~~\n")
    assert (code, said) == (1, "line 2: the command ends with 1:\n\n")
    assert run("~~~bash exit=3\nexit 3\n~~~\n") == (0, "")
    assert run("~~~bash exit=3\ntrue\n~~~\n")[0] == 1


def test_a_console_shows_commands_and_what_each_prints(run):
    page = """
        ~~~console
        $ echo one \\
            two
        one two
        $ true
        $ echo three >&2
        %s
        ~~~
        """
    assert run(page % "three") == (0, "")
    assert run(page % "four")[0] == 1


def test_a_file_on_the_page_is_there_for_what_follows(run):
    assert run("""
        ~~~python file=parts/line.py
        count = 1 / 1
        ~~~
        ~~~python
        from pathlib import Path
        print(Path("parts/line.py").read_text(), end="")
        ~~~
        ~~~text
        count = 1 / 1
        ~~~
        ~~~console in=page
        $ cat parts/line.py
        count = 1 / 1
        ~~~
        """) == (0, "")


def test_configuration_and_data_are_parsed(run):
    assert run('~~~toml\n[a]\nb = 1\n~~~\n~~~json\n{"a": 1}\n~~~\n~~~jsonl\n{"a": 1}\n[2]\n~~~\n') == (0, "")
    assert run("~~~toml\na = \n~~~\n")[1].startswith("line 2: not TOML: ")
    assert run("~~~json\n{'a': 1}\n~~~\n")[1].startswith("line 2: not JSON: ")
    assert run("~~~jsonl\n{}\n{]\n~~~\n")[1].startswith("line 2: not JSON: ")


def test_a_test_run_on_a_page_is_collected_and_not_run(run):
    assert run("""
        ~~~bash
        python -m pytest tests/core/test_public_names.py | tail -n 1
        ~~~
        ~~~text
        ... tests collected in ...
        ~~~
        """) == (0, "")


def test_nothing_goes_unchecked_by_mistake(run):
    assert run("~~~\nx\n~~~\n") == (1, "line 1: the block does not say its language.\n")
    assert run("~~~pyhton\nx\n~~~\n")[1].startswith("line 2: nobody checks 'pyhton' blocks.")
    assert run("~~~python no-run\nx\n~~~\n")[1].startswith("line 1: 'no-run' is no option of a block.")
    assert run("~~~python\nx\n") == (1, "line 1: the block is not closed.\n")


def test_a_block_in_a_list_is_read_without_its_indentation(run):
    assert run("- so:\n\n  ~~~python\n  if True:\n      print(1)\n  ~~~\n\n  ~~~text\n  1\n  ~~~\n") == (0, "")
