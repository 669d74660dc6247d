"""The names that users import: which they are, that they are there, and what asking for them loads."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import dynamic_des

SOURCES = Path(dynamic_des.__file__).parent
HEAVY = {"asyncio", "click", "numpy", "orjson", "pluggy", "pydantic", "simpy", "socket"}

# the public names, by subject. A name that is added here is a promise.
DOCUMENTED = {
    "the environment": ["DynamicRealtimeEnvironment"],
    "parameters": ["CapacityConfig", "DistributionConfig", "DynamicValue", "SimParameter", "SimulationRegistry"],
    "resources": ["DynamicContainer", "DynamicResource", "DynamicStore"],
    "random numbers": ["RandomStreams", "Sampler"],
    "connectors": ["ConsoleEgress", "FileEgress", "LinesIngress", "LocalIngress", "MemoryEgress", "MemoryIngress"],
    "writing a plugin": [
        "BaseEgress",
        "BaseIngress",
        "Batch",
        "Change",
        "JsonDeserializer",
        "JsonSerializer",
        "Message",
        "MessageDeserializer",
        "MessageSerializer",
        "Outcome",
        "RunInfo",
        "hookimpl",
    ],
    "records": ["BaseStreamPayload", "EventPayload", "TelemetryPayload"],
    "errors": [
        "ConfigError",
        "DecodeError",
        "DynamicDesError",
        "EncodeError",
        "ParameterError",
        "PermanentError",
        "PluginError",
        "ResourceError",
        "UnavailableError",
        "UnknownPathError",
        "WrongThreadError",
    ],
}


def loaded_after(code):
    """Return the modules of a fresh interpreter after ``code``, and those of them that were not there before."""
    script = f"import sys; before = set(sys.modules); {code}; print(*sys.modules); print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    there, new = done.stdout.splitlines()
    return set(there.split()), sorted(new.split())


def public_modules():
    names = {name: dynamic_des._WHERE[name] for name in dynamic_des.__all__}
    return sorted({f"dynamic_des.{module}" for module in names.values()})


def test_importing_the_package_imports_nothing_heavy():
    there, new = loaded_after("import dynamic_des")
    print(*new, sep="\n")
    assert there & HEAVY == set()
    assert [name for name in new if name.startswith("dynamic_des")] == [
        "dynamic_des",
        "dynamic_des.aliases",
        "dynamic_des.errors",
    ]
    assert [name for name in new if name.partition(".")[0] not in {"dynamic_des", *sys.stdlib_module_names}] == []


def test_a_name_loads_only_what_it_needs():
    there, _ = loaded_after("from dynamic_des import ConfigError, Change, BaseIngress, BaseEgress")
    assert there & HEAVY == set()
    there, _ = loaded_after("from dynamic_des import SimParameter, Sampler")
    assert there & HEAVY & {"asyncio", "click", "orjson", "pluggy", "pydantic", "socket"} == set()


def test_the_documented_names_are_the_public_ones():
    documented = [name for names in DOCUMENTED.values() for name in names]
    assert sorted(documented) == sorted(dynamic_des.__all__)
    assert len(set(dynamic_des.__all__)) == len(dynamic_des.__all__)


@pytest.mark.parametrize("name", dynamic_des.__all__)
def test_a_public_name_is_there_and_comes_from_where_the_table_says(name):
    value = getattr(dynamic_des, name)
    home = importlib.import_module(f"dynamic_des.{dynamic_des._WHERE[name]}")
    assert value is getattr(home, name)
    assert name in home.__all__
    assert name in dir(dynamic_des)


def test_what_checkers_of_types_see_is_what_is_there():
    tree = ast.parse(Path(dynamic_des.__file__).read_text())
    [block] = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    seen = {
        alias.asname or alias.name: node.module.removeprefix("dynamic_des.")
        for node in block.body
        for alias in node.names
    }
    assert seen == dynamic_des._WHERE
    assert sorted(seen) == sorted(dynamic_des.__all__)


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(
        AttributeError, match=r"^module 'dynamic_des' has no attribute 'Sampeler'. Did you mean 'Sampler'"
    ):
        dynamic_des.Sampeler  # noqa: B018


@pytest.mark.parametrize("module", public_modules())
def test_a_module_lists_only_names_that_it_has(module):
    home = importlib.import_module(module)
    assert [name for name in home.__all__ if not hasattr(home, name) or name.startswith("_")] == []


@pytest.mark.parametrize("name", [name for name in dynamic_des.__all__ if name != "hookimpl"])
def test_a_public_class_and_each_of_its_public_methods_says_what_it_is_for(name):
    kind = getattr(dynamic_des, name)
    assert inspect.isclass(kind)
    silent = []
    for attribute, value in vars(kind).items():
        described = isinstance(value, (property, staticmethod, classmethod)) or inspect.isfunction(value)
        if described and not attribute.startswith("_") and not inspect.getdoc(getattr(kind, attribute)):
            silent.append(attribute)
    assert inspect.cleandoc(kind.__doc__ or "") != ""
    assert silent == []


def test_every_module_says_what_it_is_for():
    files = sorted(SOURCES.rglob("*.py"))
    assert [str(file) for file in files if not ast.get_docstring(ast.parse(file.read_text()))] == []
