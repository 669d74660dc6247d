"""``dynamic-des run``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynamic_des.cli.speaking import Speaker, configuration_errors

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
    """Connect, build and run; return the exit code."""
    from dynamic_des.cli.orderly import run_to_the_end
    from dynamic_des.cli.progress import progress
    from dynamic_des.cli.reader import stop_when_unread
    from dynamic_des.cli.summary import summary

    def live() -> None:
        twin.connect(env)
        stop_when_unread(twin, speaker)
        twin.build(env)
        with progress(env, twin, speaker):
            env.run(until=twin.simulation.until)

    return run_to_the_end(env, speaker, live, partial(summary, env))


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
