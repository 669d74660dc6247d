"""``dynamic-des replay``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dynamic_des.cli.speaking import Speaker, configuration_errors, counted

if TYPE_CHECKING:
    from dynamic_des.bridge.environment import DynamicRealtimeEnvironment
    from dynamic_des.bridge.journal import JournalFile
    from dynamic_des.bridge.report import Report
    from dynamic_des.config.twin import Twin

__all__ = ["replay"]


@click.command()
@click.argument("journal", type=click.Path(path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), help="The twin's file, when it is not where it was.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the records to this file; else they are printed.")
def replay(journal: Path, config: Path | None, out: Path | None) -> None:
    """Repeat the run that wrote JOURNAL, flat out, and write the same records again.

    The twin's own connectors are left alone: the records go to a file, or to standard output, as JSON lines.
    """
    with configuration_errors():
        from dynamic_des.bridge.journal import read_journal

        found = read_journal(journal)
        twin, env = _prepared(found, journal, config)
    raise SystemExit(_repeat(found, twin, env, out))


def _prepared(found: JournalFile, journal: Path, config: Path | None) -> tuple[Twin, DynamicRealtimeEnvironment]:
    """Return the twin in the state it had before its first run."""
    from dynamic_des.config.loading import load
    from dynamic_des.errors import ConfigError

    header = found.header
    if config is None and not header.get("file"):
        raise ConfigError(f"{journal}: does not say which file its twin came from. Give it: --config FILE.")
    overrides = {
        "factor": 0,
        "seed": header["seed"],
        "name": header["name"],
        "initial_time": header["initial_time"],
        "start_time": datetime.fromisoformat(header["start_time"]),
        "journal": None,
    }
    twin = load(config or Path(header["file"]), overrides, connectors=False)
    env = twin.environment()
    registry = env.registry
    known = set(registry.paths())
    missing = sorted(path for path in header["parameters"] if path not in known)
    if missing:
        raise ConfigError(
            f"{journal}: the twin has no parameter {missing[0]} any more. Give its old file: --config FILE."
        )
    changed = {path: value for path, value in header["parameters"].items() if registry.get(path).value != value}
    outcome = registry.update_many(changed) if changed else None
    if outcome is not None and outcome.status == "refused":
        raise ConfigError(f"{journal}: its parameters do not fit the twin any more: {outcome.reason}")
    return twin, env


def _repeat(found: JournalFile, twin: Twin, env: DynamicRealtimeEnvironment, out: Path | None) -> int:
    from dynamic_des.bridge.replay import DivergedError
    from dynamic_des.bridge.replay import replay as repeat
    from dynamic_des.cli.orderly import run_to_the_end
    from dynamic_des.connectors.console import ConsoleEgress
    from dynamic_des.connectors.file import FileEgress
    from dynamic_des.errors import ConfigError

    speaker = Speaker(twin.secrets)
    speaker.take_over()

    def live() -> None:
        env.setup_egress([FileEgress(out, system=False) if out else ConsoleEgress("json", system=False)])
        twin.build(env)
        try:
            repeat(found, env)
        except DivergedError as error:
            raise ConfigError(f"replay: {error}") from error

    def summary(report: Report) -> str:
        changes = counted(report.changes_applied + report.changes_refused, "change")
        published = f"{counted(report.events, 'event')}, {counted(report.telemetry, 'telemetry record')}"
        torn = "" if found.complete else "; the journal ends in half a line"
        return f"{env.name}: repeated {changes} to t={env.now:g}; {published}{torn}"

    return run_to_the_end(env, speaker, live, summary)
