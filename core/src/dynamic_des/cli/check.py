"""``dynamic-des check``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynamic_des.cli.speaking import CONFIGURATION, Speaker, configuration_errors

if TYPE_CHECKING:
    from dynamic_des.config.twin import Twin
    from dynamic_des.messages import RunInfo

__all__ = ["check"]


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--connect", is_flag=True, help="Also try every connection, and close it again.")
@click.option("--timeout", default=10.0, show_default=True, help="Seconds that a connection may take.")
def check(file: Path, connect: bool, timeout: float) -> None:
    """Check FILE: its keys, its types, its plugins, its parameters and its model. Runs nothing."""
    with configuration_errors():
        from dynamic_des.config.loading import load

        twin = load(file)
        env = twin.environment()
    speaker = Speaker(twin.secrets)
    if connect:
        from dynamic_des.messages import RunInfo

        run = RunInfo(env.name, env.run_id, env.start_datetime, env.seed)
        if not asyncio.run(_try_all(twin, run, timeout, speaker)):
            raise SystemExit(CONFIGURATION)
    click.echo(
        f"{file}: ok. {len(env.registry.paths())} parameters, {len(twin.resources)} resources, "
        f"{len(twin.ingresses)} ingresses, {len(twin.egresses)} egresses."
    )


async def _try_all(twin: Twin, run: RunInfo, timeout_s: float, speaker: Speaker) -> bool:
    good = True
    connectors: list[tuple[str, Any]] = [(f"ingress {name}", one) for name, (one, _) in twin.ingresses.items()]
    connectors += [(f"egress {name}", one) for name, (one, _) in twin.egresses.items()]
    for name, connector in connectors:
        try:
            await asyncio.wait_for(connector.open(run), timeout_s)
            speaker.say(f"{name}: connected")
        except TimeoutError:
            speaker.say(f"{name}: no connection within {timeout_s:g} s. Is the address right, and is the server up?")
            good = False
        except Exception as error:  # noqa: BLE001 - a connector is a plugin: what it says is the answer
            speaker.say(f"{name}: cannot connect: {type(error).__name__}: {error}")
            good = False
        finally:
            await _close(connector)
    return good


async def _close(connector: Any) -> None:
    try:
        await connector.close()
    except Exception as error:  # noqa: BLE001 - it was only a try
        click.echo(f"{type(connector).__name__}.close: {error}", err=True)
