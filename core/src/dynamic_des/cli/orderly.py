"""A run of a command, whatever happens, to an orderly end."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from dynamic_des.bridge.signals import Interrupted, Terminated
from dynamic_des.cli.interrupts import Interrupts
from dynamic_des.cli.speaking import CONFIGURATION, LOST, MODEL_RAISED, Speaker, let_go_of_output
from dynamic_des.errors import ConfigError, DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_des.bridge.environment import DynamicRealtimeEnvironment
    from dynamic_des.bridge.report import Report

__all__ = ["run_to_the_end"]


def run_to_the_end(
    env: DynamicRealtimeEnvironment, speaker: Speaker, live: Callable[[], None], summary: Callable[[Report], str]
) -> int:
    """Run; write what was published, also after a signal or an error; sum up; return the exit code.

    Args:
        env: The environment; it is torn down.
        speaker: Says what happens.
        live: Connects, builds and runs.
        summary: What to say at the end.
    """
    with Interrupts(speaker) as interrupts:
        try:
            code = _lived(live, speaker)
        except (KeyboardInterrupt, SystemExit):
            code = 0  # a signal, just when the run had ended
        interrupts.ending = True
        env.teardown()
        report = env.report()
        speaker.say(summary(report))
    let_go_of_output()
    return code or (LOST if report.lost else 0)


def _lived(live: Callable[[], None], speaker: Speaker) -> int:
    """Return the exit code, as far as what was lost is left aside."""
    try:
        live()
    except (Interrupted, Terminated):
        speaker.say("stopped by a signal")
    except (KeyboardInterrupt, SystemExit) as left:
        return _left(left, speaker)
    except ConfigError as error:
        speaker.say(str(error))
        return CONFIGURATION
    except DecodeError as poison:  # on_poison = "stop"
        speaker.say(str(poison))
        return MODEL_RAISED
    except BaseException as error:  # noqa: BLE001 - whatever the model raised: reported, and everything written
        speaker.say_traceback(error)
        return MODEL_RAISED
    return 0


def _left(left: KeyboardInterrupt | SystemExit, speaker: Speaker) -> int:
    """Return the exit code after a signal in the last writing of the run, or a ``sys.exit`` of the model."""
    from simpy.core import EmptySchedule, StopSimulation

    if isinstance(left, SystemExit) and left.code != 128 + signal.SIGTERM:
        if left.code in (None, 0):
            return 0
        speaker.say(f"the model left with sys.exit({left.code!r})")
        return MODEL_RAISED
    before = left.__context__
    if isinstance(before, Exception) and not isinstance(before, (EmptySchedule, StopSimulation)):
        speaker.say_traceback(before)  # the model had raised already
        return MODEL_RAISED
    speaker.say("stopped by a signal; what was published is being written, interrupt again to give it up")
    return 0
