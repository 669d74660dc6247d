"""``dynamic-des run``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynamic_des.cli.speaking import (
    INTERRUPTED_TWICE,
    LOST,
    MODEL_RAISED,
    Speaker,
    configuration_errors,
)

if TYPE_CHECKING:
    from dynamic_des.bridge.environment import DynamicRealtimeEnvironment
    from dynamic_des.bridge.report import Report
    from dynamic_des.config.twin import Twin

__all__ = ["run"]


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--until", type=float, help="Simulation time at which the run ends.")
@click.option("--factor", type=float, help="Wall seconds per simulated second; 0 runs flat out.")
@click.option("--set", "settings", multiple=True, metavar="PATH=VALUE", help="Start with another value; repeatable.")
@click.option("--seed", type=int, help="Seed of the random streams.")
def run(file: Path, until: float | None, factor: float | None, settings: tuple[str, ...], seed: int | None) -> None:
    """Run the twin that FILE describes, and say at the end what it did."""
    given = {"until": until, "factor": factor, "seed": seed}
    with configuration_errors():
        from dynamic_des.config.loading import load

        twin = load(file, {key: value for key, value in given.items() if value is not None})
        env = twin.environment()
        _set(env, settings)
        if twin.simulation.journal is not None:
            place = str(file.resolve())
            env.setup_journal(twin.simulation.journal, model=twin.simulation.model, file=place)
    raise SystemExit(_run(twin, env))


def _run(twin: Twin, env: DynamicRealtimeEnvironment) -> int:
    """Run, whatever happens, to an orderly end; return the exit code."""
    from dynamic_des.bridge.signals import Interrupted, Terminated
    from dynamic_des.cli.progress import progress

    speaker = Speaker(twin.secrets)
    speaker.take_logging()
    code = 0
    try:
        twin.connect(env)
        twin.build(env)
        with progress(env, twin):
            env.run(until=twin.simulation.until)
    except (Interrupted, Terminated):
        speaker.say("stopped by a signal")
    except KeyboardInterrupt:
        _end_at_once(speaker)
    except Exception as error:  # noqa: BLE001 - whatever the model raised: reported, and everything written
        speaker.say_traceback(error)
        code = MODEL_RAISED
    try:
        env.teardown()
    except KeyboardInterrupt:
        _end_at_once(speaker)
    report = env.report()
    speaker.say(_summary(env, report))
    _quiet_stdout()
    return code or (LOST if report.lost else 0)


def _summary(env: DynamicRealtimeEnvironment, report: Report) -> str:
    rows = [
        f"{env.name}: ended at t={env.now:g}; {report.events} events, {report.telemetry} telemetry records",
        f"changes: {report.changes_applied} applied, {report.changes_refused} refused; lag {report.lag_seconds:.3f} s",
    ]
    for sink in report.sinks:
        counts = f"{sink.written} written, {sink.retried} retried, {sink.set_aside} set aside, {sink.dropped} dropped"
        row = f"egress {sink.name}: {counts}"
        if sink.waiting:
            row += f", {sink.waiting} NOT WRITTEN{f' ({sink.reason})' if sink.reason else ''}"
        rows.append(row)
    rows += [f"ingress {source.name}: {source.received} messages" for source in report.sources]
    return "\n".join(rows)


def _set(env: DynamicRealtimeEnvironment, settings: tuple[str, ...]) -> None:
    from dynamic_des.errors import ConfigError

    for setting in settings:
        path, separator, text = setting.partition("=")
        if not separator:
            raise ConfigError(f"--set {setting}: has no value. Write --set PATH=VALUE.")
        outcome = env.registry.update(path, _value(text))
        if outcome.status == "refused":
            raise ConfigError(f"--set {setting}: {outcome.reason}")


def _value(text: str) -> Any:
    """Return JSON as what it means, and anything else as text."""
    import orjson

    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _end_at_once(speaker: Speaker) -> None:
    speaker.say("interrupted twice: not everything was written")
    os._exit(INTERRUPTED_TWICE)  # a model that swallows exceptions, or a connector that hangs, must not hold it up


def _quiet_stdout() -> None:
    """Let the interpreter end without a word when nobody reads standard output any more (``… | head``)."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
