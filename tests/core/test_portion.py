"""How many messages to ask for at once, and which parameters belong together: for whoever writes a connector."""

import pytest

from dynamic_des.objects import by_object
from dynamic_des.portion import Portion


def test_a_portion_is_a_tenth_after_an_answer_that_came_too_late_and_grows_slowly():
    portion, sizes = Portion(1000), []
    for late in (True, True, True, True, False, False, True, False):
        try:
            with portion.asked() as size:
                sizes.append(size)
                if late:
                    raise TimeoutError
        except TimeoutError:
            pass
    assert sizes == [1000, 100, 10, 1, 1, 2, 3, 1]


def test_a_portion_is_never_larger_than_at_first_and_heeds_only_its_own_time_out():
    portion = Portion(10, KeyError)
    with pytest.raises(TimeoutError), portion.asked():
        raise TimeoutError
    for _ in range(3):
        with portion.asked() as size:
            assert size == 10


def test_the_fields_of_one_object_belong_together_and_a_variable_stands_for_itself():
    pairs = [("A.service.turning.low", 1), ("A.variables.n", 2), (None, 3), ("A.service.turning.high", 4), (None, 5)]
    assert by_object(pairs) == [
        [("A.service.turning.low", 1), ("A.service.turning.high", 4)],
        [("A.variables.n", 2)],
        [(None, 3), (None, 5)],
    ]
