"""Which part of core may import which: read from every import in the sources, also those inside functions."""

import ast
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "core" / "src" / "dynamic_des"

CONTRACTS = {"errors", "messages", "columns", "ingress", "egress", "serializers", "hookspecs"}
PLUGINS = {"kinds", "plugins", "entrypoints", "importing"}
# part → the parts that it may import besides itself; `the package` is `import dynamic_des`, with every name in it
MAY_IMPORT = {
    "sim": {"errors", "messages", "columns"},
    "components": {"sim", "errors"},
    "bridge": {"sim", "appended_file", *CONTRACTS},
    "config": {"bridge", "sim", "the package", *PLUGINS, *CONTRACTS},
    "cli": {"config", "bridge", "sim", "connectors", "the package", "aliases", *PLUGINS, *CONTRACTS},
    "connectors": {"appended_file", *CONTRACTS},
    "appended_file": set(),
    "testing": {"config", "bridge", "sim", "connectors", *PLUGINS, *CONTRACTS},
    "errors": set(),
    "messages": {"errors"},
    "columns": set(),
    "encoding": {"errors", "serializers"},
    "objects": set(),
    "portion": set(),
    "serializers": {"errors", "messages"},
    "ingress": {"errors", "messages", "serializers"},
    "egress": {"errors", "messages", "columns", "encoding", "serializers"},
    "hookspecs": {"ingress", "egress", "serializers"},
    "kinds": CONTRACTS,
    "importing": {"errors"},
    "plugins": {"kinds", "entrypoints", "aliases", "importing", *CONTRACTS},
    "entrypoints": {"kinds", "aliases", "the package", *CONTRACTS},
    "aliases": {"errors"},
    "__main__": {"cli"},
    "the package": {"errors", "aliases"},
}
WAITS_OR_CONNECTS = {
    "asyncio", "concurrent", "http", "multiprocessing", "select", "selectors", "signal", "socket", "socketserver",
    "ssl", "subprocess", "threading", "urllib",
}  # fmt: skip


class Import(NamedTuple):
    """One imported module, and what of it where that is known."""

    file: str
    line: int
    module: str
    name: str | None
    typing_only: bool

    @property
    def root(self):
        return self.module.partition(".")[0]

    @property
    def part(self):
        """The part of core that is imported; None when it is not core's."""
        return part_of(self.module) if self.root == "dynamic_des" else None

    def __str__(self):
        name = f" import {self.name}" if self.name else ""
        return f"{self.file}:{self.line}: {self.module}{name}"


def part_of(module):
    return module.split(".")[1] if "." in module else "the package"


def module_of(file):
    path = file.relative_to(SOURCES.parent).with_suffix("")
    return ".".join(path.parts[:-1] if path.name == "__init__" else path.parts)


def imports_of(file):
    place, package = str(file.relative_to(ROOT)), module_of(file).split(".")
    if file.name != "__init__.py":
        package.pop()

    def look(node, typing_only):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for inner in node.body:
                yield from look(inner, True)
            for inner in node.orelse:
                yield from look(inner, typing_only)
            return
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(place, node.lineno, alias.name, None, typing_only)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [above, node.module]))
            for alias in node.names:
                if is_module(f"{module}.{alias.name}"):
                    yield Import(place, node.lineno, f"{module}.{alias.name}", None, typing_only)
                else:
                    yield Import(place, node.lineno, module, alias.name, typing_only)
        for inner in ast.iter_child_nodes(node):
            yield from look(inner, typing_only)

    return list(look(ast.parse(file.read_text()), False))


def is_module(name):
    path = SOURCES.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


FILES = sorted(SOURCES.rglob("*.py"))
IMPORTS = {file: imports_of(file) for file in FILES}


def imports(part=None):
    """Every import of core, or of one part of it."""
    return [one for file, found in IMPORTS.items() for one in found if part in (None, part_of(module_of(file)))]


def listed(found):
    return sorted(map(str, found))


def test_the_imports_are_found():
    places = {(one.file, one.module, one.name, one.typing_only) for one in imports()}
    sim = "core/src/dynamic_des/sim"
    assert (f"{sim}/environment.py", "simpy.rt", "RealtimeEnvironment", False) in places
    assert (f"{sim}/steering.py", "dynamic_des.sim.environment", "SteeredEnvironment", True) in places
    assert ("core/src/dynamic_des/entrypoints.py", "dynamic_des.hookspecs", None, False) in places
    assert any(one.module == "dynamic_des.config.loading" for one in imports("cli"))  # inside a function
    assert len(FILES) > 50


def test_every_part_has_its_place():
    parts = {part_of(module_of(file)) for file in FILES}
    assert parts - set(MAY_IMPORT) == set(), "a new part of core: say in MAY_IMPORT what it may import"


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_a_part_imports_only_what_it_may(part):
    allowed = {part, *MAY_IMPORT[part]}
    # for the checker of types the package names all that it offers
    found = [one for one in imports(part) if not (part == "the package" and one.typing_only)]
    assert listed(one for one in found if one.part and one.part not in allowed) == []


def test_cli_config_bridge_and_sim_import_only_in_this_direction():
    order = ["cli", "config", "bridge", "sim"]
    for place, part in enumerate(order):
        assert listed(one for one in imports(part) if one.part in order[:place]) == []
        assert not MAY_IMPORT[part] & set(order[:place])


def test_the_simulation_side_neither_waits_nor_connects():
    found = [one for one in imports("sim") if one.root in WAITS_OR_CONNECTS]
    assert listed(one for one in found if (one.module, one.name) != ("threading", "get_ident")) == []


def test_core_imports_no_plugin():
    assert listed(one for one in imports() if one.root.startswith("dynamic_des_")) == []


def test_what_the_contracts_need_at_run_time_is_small():
    third_party = {
        contract: {one.root for one in imports(contract) if not one.typing_only} - sys.stdlib_module_names
        for contract in sorted(CONTRACTS)
    }
    assert third_party == {
        "columns": set(),
        "egress": {"dynamic_des"},
        "errors": set(),
        "hookspecs": {"pluggy"},
        "ingress": set(),
        "messages": set(),
        "serializers": {"dynamic_des", "orjson"},
    }


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    project = tomllib.loads((ROOT / "core" / "pyproject.toml").read_text())["project"]
    declared = {requirement.partition(">")[0] for requirement in project["dependencies"]}
    imported = {one.root for one in imports()} - sys.stdlib_module_names - {"dynamic_des"}
    imported.discard("pydantic_core")  # pydantic's own other half, of exactly one version
    if "testing" in {part_of(module_of(file)) for file in FILES}:
        imported -= {one.root for one in imports("testing")} - declared  # the test tools of who writes a plugin
    assert imported == declared


def test_nothing_private_is_imported_from_another_module():
    found = [one for one in imports() if one.part and one.name and one.name.startswith("_")]
    assert listed(one for one in found if not one.name.startswith("__")) == []
