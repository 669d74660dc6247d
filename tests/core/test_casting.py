from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamic_des.errors import show
from dynamic_des.sim.casting import (
    Refusal,
    caster_like,
    to_amount,
    to_number,
    to_numbers,
    to_places,
    to_text,
    to_units,
)

HUGE = 10**5000


def refusal(cast, value):
    with pytest.raises(Refusal) as caught:
        cast(value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        (5, 5),
        ("5", 5),
        (" -5\n", -5),
        ("+5", 5),
        (5.0, 5),
        ("5.0", 5),
        ("5e3", 5000),
        (10**400, 10**400),
        ("9" * 400, int("9" * 400)),
        ("9007199254740993.0", 9007199254740993),
        (Decimal(9007199254740993), 9007199254740993),
        (Fraction(6, 2), 3),
        (np.int32(7), 7),
        (np.float64(7.0), 7),
        (np.float32(7.0), 7),
    ],
    ids=show,
)
def test_a_whole_number_is_taken_from_whatever_plainly_means_one(sent, got):
    value = caster_like(1)(sent)
    assert (type(value), value) == (int, got)


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (0.5, "0.5 is not a whole number"),
        ("0.5", "'0.5' is not a whole number"),
        (Decimal("0.5"), "Decimal('0.5') is not a whole number"),
        (Fraction(1, 2), "Fraction(1, 2) is not a whole number"),
        (True, "True is a flag, not a whole number"),
        (nan, "nan is not finite"),
        (inf, "inf is not finite"),
        ("nan", "nan is not finite"),
        ("-Infinity", "-inf is not finite"),
        ("1e400", "'1e400' is too large for a number"),
        (Decimal("1e400"), "Decimal('1E+400') is too large for a number"),
        (Decimal("sNaN"), "Decimal('sNaN') is not a number"),
        ("", "'' is not a number"),
        ("five", "'five' is not a number"),
        ("1_000", "'1_000' is not a number"),
        ("0x10", "'0x10' is not a number"),
        ("٣", "'٣' is not a number"),
        ("+-inf", "'+-inf' is not a number"),
        (None, "None is not a number"),
        ([1], "[1] is not a number"),
        ({}, "{} is not a number"),
        (1j, "1j is not a number"),
    ],
    ids=show,
)
def test_a_whole_number_is_never_guessed(sent, text):
    assert refusal(caster_like(1), sent) == text


def test_a_flag_of_numpy_is_no_number_either():
    assert refusal(caster_like(1), np.True_).endswith("is not a number")


@pytest.mark.parametrize(("sent", "got"), [(2, 2.0), ("2.5", 2.5), (".5", 0.5), (Decimal("2.5"), 2.5), (-0.0, 0.0)])
def test_a_number_is_taken_from_numbers_and_their_text(sent, got):
    value = to_number(sent)
    assert (type(value), value) == (float, got)


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (True, "True is a flag, not a number"),
        (nan, "nan is not finite"),
        (-inf, "-inf is not finite"),
        ("NaN", "nan is not finite"),
        (HUGE, "<int> is too large for a number"),
        (10**400, f"1{'0' * 78}… is too large for a number"),
        (Fraction(10**400), f"Fraction(1{'0' * 69}… is too large for a number"),
        ("9" * 401, f"'{'9' * 78}… is not a number"),
        ("9" * 400, f"'{'9' * 78}… is too large for a number"),
        ([], "[] is not a number"),
    ],
    ids=show,
)
def test_a_number_is_finite_and_no_flag(sent, text):
    assert refusal(to_number, sent) == text


def test_a_float_variable_takes_infinity_and_nan_only_if_it_started_so():
    assert refusal(caster_like(1.0), inf) == "inf is not finite"
    assert caster_like(inf)("-inf") == -inf
    assert refusal(caster_like(inf), nan) == "nan is not a number"
    assert isnan(caster_like(nan)("nan"))


@pytest.mark.parametrize("sent", [True, "true", " TRUE ", "yes", "on", "1", 1, 1.0, np.True_])
def test_what_means_true_is_true(sent):
    assert caster_like(False)(sent) is True


@pytest.mark.parametrize("sent", [False, "false", "False", "no", "off", "0", 0, 0.0, np.False_])
def test_what_means_false_is_false(sent):
    assert caster_like(True)(sent) is False


@pytest.mark.parametrize("sent", [2, -1, "2", "", "maybe", None, [], [True], nan, HUGE], ids=show)
def test_a_flag_is_never_guessed(sent):
    assert refusal(caster_like(True), sent).endswith("is not a flag (true or false)")


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        ("idle", "idle"),
        (np.str_("idle"), "idle"),
        ("", ""),
        (5, "5"),
        (0.5, "0.5"),
        (-inf, "-inf"),
        (np.float64(0.5), "0.5"),
        ("\ud800", "\ud800"),
    ],
)
def test_text_is_taken_from_text_and_numbers(sent, got):
    value = caster_like("running")(sent)
    assert (type(value), value) == (str, got)


@pytest.mark.parametrize("sent", [True, None, [], {}, b"idle", HUGE, 10**400, 1j, Fraction(1, 2)], ids=show)
def test_text_is_not_made_of_anything_else(sent):
    assert refusal(to_text, sent).endswith("is not text")


def test_a_capacity_in_units_is_a_whole_number_from_0_on():
    assert to_units("3") == 3
    assert to_units(0) == 0
    assert refusal(to_units, True) == "True is a flag, not a whole number"
    assert refusal(to_units, -1) == "-1 is negative"
    assert refusal(to_units, "-1") == "-1 is negative"
    assert refusal(to_units, inf) == "inf is not finite"
    assert refusal(to_units, HUGE) == "<int> is above 9223372036854775807, the largest capacity there is"


def test_a_capacity_in_places_may_be_infinite():
    assert to_places("inf") == inf
    assert to_places(inf) == inf
    assert type(to_places(5.0)) is int
    assert refusal(to_places, 0.5) == "0.5 is not a whole number"
    assert refusal(to_places, -inf) == "-inf is not finite"
    assert refusal(to_places, "1e999") == "'1e999' is too large for a number"
    assert refusal(to_places, HUGE) == "<int> is above 9223372036854775807, the largest capacity there is"


def test_a_capacity_as_an_amount_may_be_infinite_and_broken():
    assert to_amount(0.5) == 0.5
    assert to_amount("inf") == inf
    assert type(to_amount(5)) is int
    assert refusal(to_amount, nan) == "nan is not a number"
    assert refusal(to_amount, -0.5) == "-0.5 is negative"
    assert refusal(to_amount, False) == "False is a flag, not a number"
    assert refusal(to_amount, 10**400).endswith("is above 9223372036854775807, the largest capacity there is")


def test_a_list_of_numbers_is_a_new_list_of_floats():
    sent = [1, "2", 3.0]
    got = to_numbers(sent)
    assert got == [1.0, 2.0, 3.0]
    assert got is not sent
    assert to_numbers(np.array([1, 2])) == [1.0, 2.0]
    assert refusal(to_numbers, []) == "the list of numbers is empty"
    assert refusal(to_numbers, "123") == "'123' is not a list of numbers"
    assert refusal(to_numbers, {"a": 1}) == "{'a': 1} is not a list of numbers"
    assert refusal(to_numbers, [1, nan]) == "nan is not finite"
    assert refusal(to_numbers, [1, [2]]) == "[2] is not a number"


def test_a_variable_that_starts_as_an_object_or_a_list_stays_one_and_is_copied():
    sent = {"jobs": [1, (2, [3])]}
    got = caster_like({})(sent)
    assert got == sent
    sent["jobs"][1][1].append(4)
    assert got == {"jobs": [1, (2, [3])]}
    assert refusal(caster_like({}), []) == "[] is not an object"
    assert refusal(caster_like([]), {}) == "{} is not a list"
    assert refusal(caster_like([]), "text") == "'text' is not a list"


def test_a_nest_is_taken_up_to_a_fixed_depth_and_not_up_to_what_the_stack_allows():
    nest = []
    for _ in range(99):
        nest = [nest]
    assert caster_like([])(nest) == nest
    assert refusal(caster_like([]), [nest]) == "the value is nested more than 100 deep"
    for _ in range(100_000):
        nest = [nest]
    assert refusal(caster_like(None), nest) == "the value is nested more than 100 deep"
    nest.append(nest)
    assert refusal(caster_like(None), nest) == "the value is nested more than 100 deep"
    while nest:  # taken apart by hand: older interpreters overflow when they free such a thing
        nest = nest[0]


def test_a_variable_that_starts_as_none_or_an_object_of_the_model_takes_anything():
    thing = object()
    for first in (None, thing, np.zeros(2)):
        cast = caster_like(first)
        assert cast(thing) is thing
        assert isnan(cast(nan))
        assert cast("5") == "5"


class State(Enum):
    IDLE = "idle"
    BUSY = "busy"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


def test_a_variable_that_starts_as_a_member_of_an_enumeration_takes_members_values_and_names():
    cast = caster_like(State.IDLE)
    assert cast(State.BUSY) is State.BUSY
    assert cast("busy") is State.BUSY
    assert cast("BUSY") is State.BUSY
    assert refusal(cast, "broken") == "'broken' is not one of IDLE, BUSY"
    assert refusal(cast, ["busy"]) == "['busy'] is not one of IDLE, BUSY"
    assert caster_like(Level.LOW)(2) is Level.HIGH
    assert refusal(caster_like(Level.LOW), True) == "True is not one of LOW, HIGH"


def test_numpy_scalars_declare_what_they_hold():
    assert refusal(caster_like(np.int64(1)), 0.5) == "0.5 is not a whole number"
    assert refusal(caster_like(np.float32(1)), inf) == "inf is not finite"
    assert caster_like(np.True_)("false") is False


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals() | st.fractions(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3) | st.tuples(inner),
)


@settings(derandomize=True, database=None, deadline=None, max_examples=500)
@given(ANYTHING, st.sampled_from([True, 1, 1.0, inf, nan, "a", {}, [], None, State.IDLE]))
def test_a_cast_gives_the_declared_type_or_refuses_and_does_nothing_else(sent, first):
    try:
        value = caster_like(first)(sent)
    except Refusal as refused:
        assert str(refused)  # noqa: PT017 - either way is right
    else:
        assert first is None or type(value) is type(first) or isinstance(value, (list, tuple))


@settings(derandomize=True, database=None, deadline=None, max_examples=300)
@given(ANYTHING)
def test_a_capacity_is_never_anything_but_a_number_from_0_on(sent):
    for cast in (to_units, to_places, to_amount):
        try:
            value = cast(sent)
        except Refusal:
            continue
        assert type(value) in (int, float)
        assert value >= 0
