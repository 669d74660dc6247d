"""`${VAR}` and `${VAR:-default}`."""

import pytest

SMALL = '[simulation]\nmodel = "model:build"\n'


def name_of(folder, text):
    return folder.load(f"{SMALL}name = {text}").simulation.name


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"${DES_A}"', "first"),
        ('"${DES_A}-${DES_B:-2}"', "first-2"),
        ('"${DES_B:-}x"', "x"),
        ('"${DES_EMPTY:-instead}"', "instead"),
        ('"x${DES_EMPTY}"', "x"),
        ('"${DES_B:-a:-b}"', "a:-b"),
        ('"${DES_REFERENCE}"', "${DES_A}"),
        ('"$${DES_A}"', "${DES_A}"),
        ('"$5 $$ $DES_A"', "$5 $$ $DES_A"),
    ],
)
def test_references_are_filled_in_as_a_shell_does(folder, monkeypatch, text, value):
    monkeypatch.setenv("DES_A", "first")
    monkeypatch.setenv("DES_EMPTY", "")
    monkeypatch.setenv("DES_REFERENCE", "${DES_A}")
    assert name_of(folder, text) == value


def test_text_from_a_variable_becomes_what_the_key_takes(folder, monkeypatch):
    monkeypatch.setenv("DES_N", "7")
    twin = folder.load(
        f"""{SMALL}
        factor = "${{DES_F:-0}}"
        seed = "${{DES_N}}"
        strict = "${{DES_S:-false}}"
        [parameters.A.resources.lathe]
        current_cap = "${{DES_N}}"
        max_cap = 9
        [bounds."A.resources.lathe.current_cap"]
        max = "${{DES_MAX:-8}}"
        [ingress.shifts]
        type = "local"
        schedule = [["${{DES_N}}", "A.resources.lathe.current_cap", 3]]
        """
    )
    settings = twin.simulation
    assert (settings.factor, settings.seed, settings.strict) == (0.0, 7, False)
    assert twin.environment().registry.get("A.resources.lathe.current_cap").value == 7
    assert twin.bounds == {"A.resources.lathe.current_cap": {"max": 8.0}}
    assert twin.ingresses["shifts"].connector.schedule == [(7.0, "A.resources.lathe.current_cap", 3)]


def test_a_variable_that_is_not_set_is_named(folder):
    assert folder.problems(f'{SMALL}name = "${{DES_NONE}}"\nseed = "${{DES_ALSO_NONE}}"') == [
        "twin.toml:3: [simulation] name: the environment has no DES_NONE. Set it, or write ${DES_NONE:-default}.",
        (
            "twin.toml:4: [simulation] seed: the environment has no DES_ALSO_NONE. "
            "Set it, or write ${DES_ALSO_NONE:-default}."
        ),
        "twin.toml:4: [simulation] seed: '' is not a whole number. Write a whole number.",
    ]


@pytest.mark.parametrize("reference", ["${}", "${a b}", "${1A}", "${A", "${:-x}"])
def test_what_names_no_variable_is_shown(folder, reference):
    assert folder.problems(f'{SMALL}name = "{reference}"') == [
        f"twin.toml:3: [simulation] name: '{reference}' names no variable. Write ${{NAME}} or ${{NAME:-default}}."
    ]
