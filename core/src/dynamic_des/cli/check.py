"""``dynamic-des check``."""

from __future__ import annotations

import logging
from inspect import isawaitable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynamic_des.cli.speaking import CONFIGURATION, Speaker, configuration_errors, counted
from dynamic_des.errors import told

if TYPE_CHECKING:
    from dynamic_des.config.twin import Twin
    from dynamic_des.messages import RunInfo

__all__ = ["check"]

log = logging.getLogger("dynamic_des")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--connect", is_flag=True, help="Also try every connection, and close it again.")
@click.option(
    "--timeout", default=10.0, show_default=True, type=click.FloatRange(min=0.0), help="Seconds for a connection."
)
def check(file: Path, connect: bool, timeout: float) -> None:
    """Check FILE: its keys, its types, its plugins, its parameters and its model. Runs nothing."""
    with configuration_errors():
        from dynamic_des.cli.doubts import note_unknown_paths
        from dynamic_des.config.loading import load

        twin = load(file)
    speaker = Speaker(twin.secrets)
    speaker.take_over()
    with configuration_errors(speaker):
        env = twin.environment()
    note_unknown_paths(twin, env)
    if len(twin.problems):
        speaker.say(twin.problems.text())
    if connect:
        import asyncio

        from dynamic_des.messages import RunInfo

        run = RunInfo(env.name, env.run_id, env.start_datetime, env.seed, trial=True)
        if not asyncio.run(_try_all(twin, run, timeout, speaker)):
            raise SystemExit(CONFIGURATION)
    counts = [
        counted(len(env.registry.paths()), "parameter"),
        counted(len(twin.resources), "resource"),
        counted(len(twin.ingresses), "ingress"),
        counted(len(twin.egresses), "egress"),
    ]
    click.echo(f"{file}: ok. {', '.join(counts)}.")


async def _try_all(twin: Twin, run: RunInfo, timeout_s: float, speaker: Speaker) -> bool:
    """Try the connections one after the other; return whether all are good."""
    from dataclasses import replace

    from dynamic_des.bridge.dead_letters import egress_of

    connectors: list[tuple[str, Any]] = [(f"ingress {name}", one) for name, (one, _) in twin.ingresses.items()]
    connectors += [(f"egress {name}", one) for name, (one, _) in twin.egresses.items()]
    kept = [made.options.dead_letters for made in [*twin.ingresses.values(), *twin.egresses.values()]]
    connectors += [egress_of(one) for one in {str(one): one for one in kept if one is not None}.values()]  # each once
    answers = []
    for name, connector in connectors:
        own = name.removeprefix("ingress ").removeprefix("egress ")
        answer, good = await _try(connector, replace(run, connector=own), timeout_s)
        speaker.say(f"{name}: {answer}")
        answers.append(good)
    return all(answers)


async def _try(connector: Any, run: RunInfo, timeout_s: float) -> tuple[str, bool]:
    import asyncio

    from dynamic_des.egress import BaseEgress
    from dynamic_des.ingress import BaseIngress

    if type(connector).open in (BaseEgress.open, BaseIngress.open):
        return "has no connection to try", True
    try:
        opening = connector.open(run)
        if isawaitable(opening):  # a plain `def open` has been called
            await asyncio.wait_for(opening, timeout_s)
        return "connected", True
    except TimeoutError:
        return f"no connection within {timeout_s:g} s. Is the address right, and is the server up?", False
    except Exception as error:  # noqa: BLE001 - a connector is a plugin: what it says is the answer
        return f"cannot connect: {told(error)}", False
    finally:
        await _close(connector)


async def _close(connector: Any) -> None:
    try:
        closing = connector.close()
        if isawaitable(closing):
            await closing
    except Exception as error:  # noqa: BLE001 - it was only a try
        log.warning("%s.close: %s", type(connector).__name__, told(error))
