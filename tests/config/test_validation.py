"""Checking values: the shortcut says what pydantic says, and nothing is guessed."""

import inspect
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamic_des.config.adapters import validate
from dynamic_des.config.annotations import evaluate, expected, plainly
from dynamic_des.config.signatures import Parameter
from dynamic_des.config.validation import checked

ANNOTATIONS = [
    Any,
    bool,
    int,
    float,
    str,
    Path,
    datetime,
    int | None,
    float | None,
    Path | None,
    str | Path,
    int | str,
    int | float,
    bool | int | None,
    Literal["a", 1, True],
    Literal["a"] | None,
    list[int],
    list[float | None],
    Sequence[str],
    Iterable[Any],
    Iterable[tuple[float, str, Any]],
    list[list[float]],
    tuple[int, str],
    dict[str, int],
    dict[str, list[bool]],
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.integers(0, 1)
    | st.floats()
    | st.sampled_from(["a", "1", "1.5", "true", "nan", "", "2030-01-01T00:00:00Z"])
    | st.text(max_size=3)
    | st.just(datetime(2030, 1, 1, tzinfo=UTC)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=5,
)


def same(one, two):
    if isinstance(one, (list, tuple)) and type(one) is type(two):
        return len(one) == len(two) and all(map(same, one, two))
    return type(one) is type(two) and (one == two or (one != one and two != two))


@given(st.sampled_from(ANNOTATIONS), VALUES)
def test_what_is_plainly_right_is_right_for_pydantic_and_becomes_the_same(annotation, value):
    plain, converted = plainly(annotation, value)
    if plain and annotation is not Any:
        found, errors = validate(annotation, value)
        assert not errors
        assert same(converted, found)


@given(st.sampled_from([Iterable[tuple[float, str, Any]]]), st.lists(st.tuples(st.floats(allow_nan=False), st.text())))
def test_a_schedule_needs_no_pydantic(annotation, rows):
    schedule = [[delay, path, 3] for delay, path in rows]
    assert plainly(annotation, schedule) == (True, [(delay, path, 3) for delay, path in rows])


@given(st.sampled_from(ANNOTATIONS), VALUES)
def test_every_value_is_taken_or_refused_with_a_remedy(annotation, value):
    _, wrong = checked(Parameter("key", annotation, inspect.Parameter.empty), value)
    for one in wrong:
        assert one.text.isprintable()
        assert ". Write " in one.text


@pytest.mark.parametrize(
    ("annotation", "value", "converted"),
    [
        (int, "9092", 9092),
        (int, 3.0, 3),
        (float, "1.5", 1.5),
        (float, 3, 3.0),
        (bool, "false", False),
        (bool, "on", True),
        (Path, "a", Path("a")),
        (datetime, "2030-01-01T00:00:00Z", datetime(2030, 1, 1, tzinfo=UTC)),
        (int | None, "3", 3),
        (list[int], ["3"], [3]),
        (Sequence[float], [1], [1.0]),
        (tuple[int, str], [1, "a"], (1, "a")),
        (float, float("inf"), float("inf")),
    ],
)
def test_text_becomes_what_is_meant(annotation, value, converted):
    found, wrong = checked(Parameter("key", annotation, None), value)
    assert (found, wrong) == (converted, [])


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, True),
        (float, True),
        (int | None, True),
        (list[int], [True]),
        (bool, 1),
        (bool, 0.0),
        (str, 5),
        (float, float("nan")),
        (float, "nan"),
        (int, 1.5),
        (int, ""),
        (list[str], "abc"),
        (dict[str, int], [1]),
        (Path, 3),
    ],
)
def test_nothing_is_guessed(annotation, value):
    _, wrong = checked(Parameter("key", annotation, None), value)
    assert len(wrong) == 1


def test_an_annotation_that_cannot_be_found_out_is_not_checked():
    assert evaluate("Missing | None", {}) is Any
    assert evaluate("SecretStr", {}).__name__ == "SecretStr"
    assert evaluate("Path | None", {}) == Path | None


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (int, "a whole number"),
        (float | None, "a number"),
        (int | str, "a whole number or text"),
        (Literal["block", "spill"], "'block' or 'spill'"),
        (list[str], "a list of texts"),
        (Sequence[tuple[int, int]], "a list of lists"),
        (dict[str, int], "a table"),
        (datetime, "a date and time"),
        (Any, "a value"),
    ],
)
def test_types_have_words(annotation, words):
    assert expected(annotation) == words
