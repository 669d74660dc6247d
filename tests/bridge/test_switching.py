"""The interpreter's switch interval during runs in real time."""

import sys
import threading

import pytest
from tests.bridge.conftest import make_environment

from dynamic_des import MemoryEgress, MemoryIngress


@pytest.mark.parametrize(("factor", "during"), [(1e-6, 0.0005), (0, 0.005)])
def test_it_is_short_during_a_run_in_real_time_and_as_before_afterwards(factor, during):
    sys.setswitchinterval(0.005)
    seen = []
    with make_environment(factor=factor) as env:
        env.setup_ingress([MemoryIngress()])

        def model():
            seen.append(sys.getswitchinterval())
            yield env.timeout(1)
            raise ZeroDivisionError

        env.process(model())
        with pytest.raises(ZeroDivisionError):
            env.run()
    assert seen == [pytest.approx(during)]
    assert sys.getswitchinterval() == pytest.approx(0.005)


def test_several_runs_at_a_time_leave_it_as_it_was_whichever_ends_first():
    sys.setswitchinterval(0.005)
    seen, first_is_on, second_has_ended = [], threading.Event(), threading.Event()

    def first():
        with make_environment(factor=1e-6) as env:
            env.setup_egress([MemoryEgress()])

            def model():
                yield env.timeout(1)
                first_is_on.set()
                second_has_ended.wait(10)

            env.process(model())
            env.run()

    thread = threading.Thread(target=first)
    thread.start()
    first_is_on.wait(10)
    with make_environment(factor=1e-6) as env:
        env.setup_egress([MemoryEgress()])
        env.timeout(1)
        env.run()
    seen.append(sys.getswitchinterval())
    second_has_ended.set()
    thread.join()
    assert [*seen, sys.getswitchinterval()] == pytest.approx([0.0005, 0.005])
