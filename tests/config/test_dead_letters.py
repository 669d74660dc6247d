"""Dead letters as a file describes them."""

import json

import pytest

from dynamic_des import FileEgress, MemoryEgress

SIMULATION = """
    [simulation]
    model = "model:build"
    factor = 0
    [parameters.A.variables]
    x = 1
"""


def test_a_path_and_a_table_are_both_taken(folder):
    twin = folder.load(
        SIMULATION
        + """
    [ingress.a]
    type = "memory"
    on_poison = "dead_letter"
    dead_letters = "refused.jsonl"
    [ingress.b]
    type = "memory"
    on_poison = "dead_letter"
    dead_letters = { type = "file", path = "other.jsonl", append = true }
    [egress.c]
    type = "memory"
    dead_letters = { type = "memory" }
    """
    )
    assert twin.ingresses["a"].options.dead_letters == "refused.jsonl"
    other = twin.ingresses["b"].options.dead_letters
    assert isinstance(other, FileEgress)
    assert str(other.path) == "other.jsonl"
    assert isinstance(twin.egresses["c"].options.dead_letters, MemoryEgress)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ('on_poison = "dead_letter"', "[ingress.a] on_poison: is 'dead_letter', and dead_letters is missing. Give"),
        ('dead_letters = "x"', "on_poison is 'skip', so that nothing would go to dead_letters. Set on_poison="),
        ('on_poison = "dead_letter"\n    dead_letters = 5', "[ingress.a] dead_letters: 5 is not an egress."),
        (
            'on_poison = "dead_letter"\n    dead_letters = { type = "fil", path = "x" }',
            "[ingress.a.dead_letters] type: 'fil': there is no egress of this type. Did you mean 'file'?",
        ),
    ],
)
def test_what_makes_no_sense_is_said_with_its_place(folder, keys, text):
    problems = folder.problems(f'{SIMULATION}    [ingress.a]\n    type = "memory"\n    {keys}\n')
    assert any(text in line for line in problems), problems


def test_the_schema_knows_both_forms():
    from dynamic_des.config.json_schema import json_schema

    schema = json.dumps(json_schema())
    assert '"dead_letters": {"description": "Where refused messages are kept' in schema
    assert '"anyOf": [{"$ref": "#/$defs/egress"}, {"type": "string"}]' in schema
