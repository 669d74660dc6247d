"""The command line: ``dynamic-des``. One file per subcommand, imported when it is called."""

from __future__ import annotations

from importlib import import_module

import click

import dynamic_des
from dynamic_des.errors import nearest

__all__ = ["main"]

_COMMANDS = {
    "run": "Run a twin from its configuration file.",
    "check": "Check a configuration file, without running it.",
    "plugins": "List the installed plugins, and what is wrong with them.",
    "replay": "Repeat a run from its journal.",
    "schema": "Print a JSON Schema of configuration files, for editors.",
    "new": "Start something new from a template.",
}


class _Commands(click.Group):
    """Imports a subcommand when it is asked for: `check` needs nothing of `run`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            ctx.fail(f"there is no command {cmd_name!r}.{nearest(cmd_name, _COMMANDS)}")
        command: click.Command = getattr(import_module(f"dynamic_des.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(dynamic_des.__version__, prog_name="dynamic-des")
def main() -> None:
    """Live, steerable discrete-event simulation.

    Exit codes: 0 done, 1 the model raised, 2 configuration or usage, 3 done but something was lost, 130 interrupted
    twice, or before anything had begun.
    """
