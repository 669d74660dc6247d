"""Where something stands in a file."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from dynamic_des.config.places import dotted, line_numbers

TEXT = '''\
top = 1
"odd key".inner = 2

[a]  # a header
x = """
[not.a.header]
y = 1
"""
list = [
    [1, "a"],  # of many
    [2, "b"],
]
after = { in = 1, of = { on = 2 } }

[a.b."c.d"]
key = "x]"
[[rows]]
z = 1
[[rows]]
z = 2
'''


def test_every_table_and_key_has_its_line():
    assert line_numbers(TEXT) == {
        ("top",): 1,
        ("odd key",): 2,
        ("odd key", "inner"): 2,
        ("a",): 4,
        ("a", "x"): 5,
        ("a", "list"): 9,
        ("a", "after"): 13,
        ("a", "after", "in"): 13,
        ("a", "after", "of"): 13,
        ("a", "after", "of", "on"): 13,
        ("a", "b"): 15,
        ("a", "b", "c.d"): 15,
        ("a", "b", "c.d", "key"): 16,
        ("rows",): 17,
        ("rows", "z"): 18,
    }


def test_a_long_list_does_not_take_long():
    rows = "\n".join(f'    [{number}.0, "Line_A.resources.lathe.current_cap", 3],' for number in range(20_000))
    assert line_numbers(f"schedule = [\n{rows}\n]\nafter = 1") == {("schedule",): 1, ("after",): 20_003}


@given(st.lists(st.text(max_size=5), min_size=1, max_size=3))
def test_the_name_of_a_table_reads_as_it_is_written(names):
    text = dotted(tuple(names))
    assert text.isprintable()
    read = tomllib.loads(f"[{text}]")
    for name in names:
        read = read[name]
    assert read == {}


def test_control_characters_do_not_reach_the_terminal():
    assert dotted(("egress", "\x1b[31m\x9b\u202e")) == r'egress."\u001b[31m\u009b\u202e"'
