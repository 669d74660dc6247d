"""In which order, and at which times, what has arrived is applied in real time."""

import pytest
from tests.bridge.conftest import make_environment

from dynamic_des import Change
from dynamic_des.sim.arrivals import Arrival


def applied_by_one_drain(reach, *ats, now=1.0):
    """Let changes arrive together, in this order, each with its time or None; return when each was applied."""
    seen = []
    with make_environment(factor=1, initial_time=now) as env:
        for number, at in enumerate(ats):
            change = Change((("L.variables.n", number + 1),), at)
            env._steering.arrivals.append(
                Arrival(change, lambda outcome, number=number: seen.append((number, env.now)))
            )
        env._steering.drain(len(ats), reach)
        env._steering.arrivals.clear()
        env._steering.abandon("the test is over")
    return seen


@pytest.mark.parametrize(
    ("ats", "expected"),
    [
        ([None, None], [(0, 3.0), (1, 3.0)]),
        ([2.0, None], [(0, 2.0), (1, 3.0)]),
        ([2.0, 1.5, None], [(1, 1.5), (0, 2.0), (2, 3.0)]),
        ([None, 2.0], [(0, 3.0), (1, 3.0)]),
        ([1.0, None], [(0, 1.0), (1, 3.0)]),
        ([0.5, None], [(0, 1.0), (1, 3.0)]),
        ([4.0, None], [(1, 3.0)]),
        ([2.0], []),
    ],
)
def test_a_change_with_a_time_comes_at_its_time_and_before_what_arrives_later(ats, expected):
    assert applied_by_one_drain(3.0, *ats) == expected
