"""``dynamic-des new``: something to start from."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import click

from dynamic_des.aliases import PUBLISHED
from dynamic_des.cli.speaking import configuration_errors
from dynamic_des.entrypoints import distributions, installed
from dynamic_des.errors import ConfigError, show
from dynamic_des.kinds import RESERVED

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["new"]

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PREFIX = "dynamic-des-"
_KINDS = {"ingress": ("ingress",), "egress": ("egress",), "both": ("ingress", "egress")}
_HOOK = """@hookimpl
def dynamic_des_register_{kind}() -> list[type]:
    return [{cls}]"""

# file in the distribution → template; {module} and {kind} are filled in, those with {kind} once for each kind
_FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    ".gitignore": "gitignore",
    "src/{module}/__init__.py": "init.py",
    "src/{module}/{kind}.py": "{kind}.py",
    "src/{module}/py.typed": "py.typed",
    "tests/test_plugin.py": "test_plugin.py",
    "tests/test_{kind}.py": "test_{kind}.py",
}


@click.group()
def new() -> None:
    """Start something new from a template."""


@new.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(list(_KINDS)), default="both", show_default=True, help="What it connects.")
@click.option(
    "--directory", type=click.Path(path_type=Path), default=Path(), help="Where its folder is made; here by default."
)
def connector(name: str, kind: str, directory: Path) -> None:
    """Make a distribution with connectors of the type NAME, whose tests pass as it is made.

    It stores in SQLite, so that there is something to see: put your own client in that place.
    """
    with configuration_errors():
        _check_name(name)
        target = directory / f"{_PREFIX}{name}"
        texts = _texts(name, _KINDS[kind])
        _write(target, texts)
    click.echo(f"made {target}: {len(texts)} files. Next:")
    click.echo(f'  cd {target}\n  pip install --editable ".[test]"\n  pytest')


def _check_name(name: str) -> None:
    """Raise a ConfigError, with a remedy, for what cannot be the name of a plugin."""
    if not _NAME.fullmatch(name):
        better = re.sub(r"[^a-z0-9]+", "-", name.lower()).lstrip("-0123456789").rstrip("-")
        hint = f" Take {better!r}." if _NAME.fullmatch(better) else " Take a name such as 'mqtt'."
        raise ConfigError(
            f"new connector: {show(name)} is no name for a plugin: small letters, digits and single dashes, "
            f"with a letter first.{hint}"
        )
    if name.startswith(_PREFIX):
        short = name.removeprefix(_PREFIX)
        raise ConfigError(
            f"new connector: {name} has the prefix already that its distribution gets. Take {short!r}: "
            f"the distribution is called {name}, and type = {short!r} names it in configuration files."
        )
    if name in RESERVED or name in PUBLISHED:
        raise ConfigError(f"new connector: {name!r} is a type of this framework. Take {f'my-{name}'!r}.")
    if name in installed():
        who = distributions(installed()[name])
        raise ConfigError(f"new connector: {who} has the type {name!r} already. Take another name.")


def _texts(name: str, kinds: tuple[str, ...]) -> dict[str, str]:
    """Return the text of each file."""
    prefix = "".join(part.capitalize() for part in name.split("-"))
    module = f"{_PREFIX}{name}".replace("-", "_")
    classes = {kind: f"{prefix}{kind.capitalize()}" for kind in kinds}
    fields = {
        "name": name,
        "module": module,
        "prefix": prefix,
        "brings": " and ".join(kinds),
        "imports": "\n".join(f"from {module}.{kind} import {classes[kind]}" for kind in sorted(kinds)),
        "hooks": "\n\n\n".join(_HOOK.format(kind=kind, cls=cls) for kind, cls in classes.items()),
        "all": ", ".join(f'"{cls}"' for cls in sorted(classes.values())),
        "tables": "\n".join(f'[{kind}.{name}]\ntype = "{name}"\npath = "{name}.db"\n' for kind in kinds).rstrip(),
        "found": "\n".join(f'    assert find_class("{kind}", "{name}") is {cls}' for kind, cls in classes.items()),
    }
    templates = files("dynamic_des.cli") / "templates" / "connector"
    texts = {}
    for place, template in _FILES.items():
        for kind in kinds if "{kind}" in place else ("",):
            made = place.format(module=module, kind=kind)
            texts[made] = _filled(templates / f"{template.format(kind=kind)}.tmpl", fields)
    return texts


def _filled(template: Traversable, fields: dict[str, str]) -> str:
    return Template(template.read_text(encoding="utf-8")).substitute(fields)


def _write(target: Path, texts: dict[str, str]) -> None:
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise ConfigError(f"{target}: is there already. Take another name, or give another --directory.")
    try:
        for place, text in texts.items():
            file = target / place
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written: {error.strerror}. Give another --directory.") from error
