"""``dynamic-des schema``."""

from __future__ import annotations

import json

import click

__all__ = ["schema"]


@click.command()
def schema() -> None:
    """Print a JSON Schema of configuration files, with the installed plugins in it.

    Editors with a TOML language server complete and check by it: put "#:schema dynamic-des.json" on the first line.
    """
    from dynamic_des.config.json_schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
