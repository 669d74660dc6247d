"""``dynamic-des run``."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynamic_des.cli.speaking import (
    CONFIGURATION,
    LOST,
    MODEL_RAISED,
    Speaker,
    configuration_errors,
    let_go_of_output,
)

if TYPE_CHECKING:
    from dynamic_des.bridge.environment import DynamicRealtimeEnvironment
    from dynamic_des.config.twin import Twin

__all__ = ["run"]


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--until", type=float, help="Simulation time at which the run ends.")
@click.option("--factor", type=float, help="Wall seconds per simulated second; 0 runs flat out.")
@click.option("--set", "settings", multiple=True, metavar="PATH=VALUE", help="Start with another value; repeatable.")
@click.option("--seed", type=int, help="Seed of the random streams.")
def run(file: Path, until: float | None, factor: float | None, settings: tuple[str, ...], seed: int | None) -> None:
    """Run the twin that FILE describes, and say at the end what it did.

    A VALUE is JSON, else text: 3, true, [1, 2], early.
    """
    given = {"until": until, "factor": factor, "seed": seed}
    with configuration_errors():
        from dynamic_des.config.loading import load

        overrides = {key: value for key, value in given.items() if value is not None}
        twin = load(file, overrides, [_setting(setting) for setting in settings])
    speaker = Speaker(twin.secrets)
    speaker.take_over()
    with configuration_errors(speaker):
        env = twin.environment()
        if twin.simulation.journal is not None:
            place = str(file.resolve())
            env.setup_journal(twin.simulation.journal, model=twin.simulation.model, file=place)
    raise SystemExit(_run(twin, env, speaker))


def _run(twin: Twin, env: DynamicRealtimeEnvironment, speaker: Speaker) -> int:
    """Run, whatever happens, to an orderly end; return the exit code."""
    from dynamic_des.cli.interrupts import Interrupts
    from dynamic_des.cli.summary import summary

    with Interrupts(speaker) as interrupts:
        try:
            code = _live(twin, env, speaker)
        except (KeyboardInterrupt, SystemExit):
            code = 0  # a signal, just when the run had ended
        interrupts.ending = True
        env.teardown()
        report = env.report()
        speaker.say(summary(env, report))
    let_go_of_output()
    return code or (LOST if report.lost else 0)


def _live(twin: Twin, env: DynamicRealtimeEnvironment, speaker: Speaker) -> int:
    """Connect, build and run; return the exit code as far as the model is concerned."""
    from dynamic_des.bridge.signals import Interrupted, Terminated
    from dynamic_des.cli.progress import progress
    from dynamic_des.cli.reader import stop_when_unread
    from dynamic_des.errors import ConfigError

    try:
        twin.connect(env)
    except ConfigError as error:
        speaker.say(str(error))
        return CONFIGURATION
    stop_when_unread(twin, speaker)
    try:
        twin.build(env)
        with progress(env, twin, speaker):
            env.run(until=twin.simulation.until)
    except (Interrupted, Terminated):
        speaker.say("stopped by a signal")
    except (KeyboardInterrupt, SystemExit) as left:
        return _left(left, speaker)
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


def _setting(text: str) -> tuple[str, Any]:
    """Return a path, and its value: JSON as what it means, anything else as text."""
    import orjson

    from dynamic_des.errors import ConfigError

    path, separator, value = text.partition("=")
    if not separator or not path:
        raise ConfigError(f"--set {text}: has no {'value' if path else 'path'}. Write --set PATH=VALUE.")
    try:
        return path, orjson.loads(value)
    except orjson.JSONDecodeError:
        return path, value
