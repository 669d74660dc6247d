"""``dynamic-des plugins``."""

from __future__ import annotations

import dataclasses
import json

import click

from dynamic_des.kinds import KINDS
from dynamic_des.plugins import PluginReport, report_plugins

__all__ = ["plugins"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plugins(as_json: bool) -> None:
    """List what core brings and what is installed, and what is wrong with it."""
    reports = report_plugins()
    builtin = {kind.name: sorted(kind.builtin) for kind in KINDS.values()}
    if as_json:
        found = {"builtin": builtin, "plugins": [dataclasses.asdict(report) for report in reports]}
        click.echo(json.dumps(found, indent=2))
        return
    click.echo("built in")
    for kind, names in builtin.items():
        click.echo(f"  {kind}: {', '.join(names)}")
    click.echo("installed" if reports else "installed: none")
    for report in reports:
        click.echo(f"  {_row(report)}")


def _row(report: PluginReport) -> str:
    head = f"{report.name} ({report.distribution})"
    if report.error:
        return f"{head}: BROKEN: {report.error}"
    brings = "; ".join(f"{kind} {', '.join(names)}" for kind, names in report.classes.items())
    return f"{head}: {brings or 'registers nothing'}"
