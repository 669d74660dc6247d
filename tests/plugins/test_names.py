"""Names that live elsewhere: classes of the published plugins, and the import paths of the earliest releases."""

import importlib
import inspect
import sys

import pytest

import dynamic_des
from dynamic_des.aliases import OLD_MODULES, PLUGIN_NAMES, PUBLISHED

# what the documents of the earliest releases import, and where they say it is
DOCUMENTED = {
    "core.environment": ["DynamicRealtimeEnvironment"],
    "core.registry": ["SimulationRegistry"],
    "core.sampler": ["Sampler"],
    "models.params": ["SimParameter", "CapacityConfig", "DistributionConfig"],
    "models.schemas": ["TelemetryPayload", "EventPayload", "BaseStreamPayload"],
    "resources.resource": ["DynamicResource"],
    "resources.container": ["DynamicContainer"],
    "resources.store": ["DynamicStore"],
    "connectors.admin.kafka": ["KafkaAdminConnector"],
    "connectors.ingress.base": ["BaseIngress"],
    "connectors.ingress.kafka": [
        "KafkaIngress",
        "JsonDeserializer",
        "ConfluentAvroDeserializer",
        "GlueAvroDeserializer",
    ],
    "connectors.ingress.local": ["LocalIngress"],
    "connectors.ingress.postgres": ["PostgresIngress"],
    "connectors.ingress.redis": ["RedisIngress"],
    "connectors.egress.base": ["BaseEgress"],
    "connectors.egress.kafka": ["KafkaEgress", "JsonSerializer", "ConfluentAvroSerializer", "GlueAvroSerializer"],
    "connectors.egress.local": ["ConsoleEgress"],
    "connectors.egress.postgres": ["PostgresEgress"],
    "connectors.egress.redis": ["RedisEgress"],
}
PAIRS = [(module, name) for module, names in DOCUMENTED.items() for name in names]
EVERYTHING = "from dynamic_des import hookimpl\n" + "".join(f"class {name}: pass\n" for name in PLUGIN_NAMES)


@pytest.fixture
def bare(shelf):
    """A process that has none of the published plugins."""
    return shelf


@pytest.fixture
def full(shelf):
    """A process that has all of them."""
    for module in {plugin.module.partition(".")[0] for plugin in PUBLISHED.values()}:
        shelf.write(module, EVERYTHING + "__path__ = []\nimport sys\n")
        for inner in {one.module for one in PUBLISHED.values() if one.module.startswith(f"{module}.")}:
            with (shelf.folder / f"{module}.py").open("a") as file:
                file.write(f"sys.modules[{inner!r}] = sys.modules[__name__]\n")
    return shelf


def test_every_documented_name_is_in_the_table():
    assert {module: sorted(names) for module, names in DOCUMENTED.items()} == {
        module: sorted(set(OLD_MODULES[module]) & set(DOCUMENTED[module])) for module in DOCUMENTED
    }


def test_every_name_of_the_table_leads_somewhere():
    for names in OLD_MODULES.values():
        for name in names:
            assert name in PLUGIN_NAMES or inspect.isclass(getattr(dynamic_des, name))


@pytest.mark.parametrize(("module", "name"), [pair for pair in PAIRS if pair[1] not in PLUGIN_NAMES])
def test_an_old_path_leads_to_the_same_class(module, name):
    assert getattr(importlib.import_module(f"dynamic_des.{module}"), name) is getattr(dynamic_des, name)


def test_with_the_plugins_every_name_leads_to_them_by_every_path(full):
    found = full.python(
        f"""
        import importlib, json, sys
        import dynamic_des
        before = [name for name in sys.modules if name.startswith("dynamic_des_")]
        for module, name in {[pair for pair in PAIRS if pair[1] in PLUGIN_NAMES]}:
            deep = getattr(importlib.import_module("dynamic_des." + module), name)
            assert deep is getattr(dynamic_des, name) and deep.__module__.startswith("dynamic_des_")
        print(json.dumps(before))
        """
    )
    assert found == []


def test_a_name_imports_its_own_plugin_alone(full):
    loaded = full.python(
        """
        import json, sys
        from dynamic_des.connectors.egress.kafka import KafkaEgress
        print(json.dumps([name for name in sys.modules if name.startswith("dynamic_des_")]))
        """
    )
    assert loaded == ["dynamic_des_kafka"]


class Absent:
    """Finds nothing of a package, as if it were not installed."""

    def __init__(self, package):
        self.package = package

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == self.package:
            raise ModuleNotFoundError(f"No module named {self.package!r}", name=self.package)


@pytest.mark.parametrize("name", PLUGIN_NAMES)
def test_without_the_plugin_a_name_fails_with_the_line_to_install_it(name, monkeypatch):
    package = PLUGIN_NAMES[name].module.partition(".")[0]
    for loaded in [one for one in sys.modules if one.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setattr(sys, "meta_path", [Absent(package), *sys.meta_path])
    text = f'{name} is in a plugin that is not installed: pip install "{PLUGIN_NAMES[name].install}"'
    paths = [module for module, names in OLD_MODULES.items() if name in names]
    for module in ("dynamic_des", *(f"dynamic_des.{path}" for path in paths)):
        with pytest.raises(ImportError) as caught:
            getattr(importlib.import_module(module), name)
        assert str(caught.value) == text


@pytest.fixture
def fresh(monkeypatch):
    """No plugin is loaded that an earlier test has loaded."""
    for loaded in [one for one in sys.modules if one.startswith(("dynamic_des_kafka", "dynamic_des_redis"))]:
        monkeypatch.delitem(sys.modules, loaded)


@pytest.mark.usefixtures("fresh")
def test_without_its_driver_a_name_fails_with_the_line_that_brings_it(installed):
    installed.write("dynamic_des_kafka", "import no_such_driver\n")
    with pytest.raises(ImportError) as caught:
        dynamic_des.KafkaEgress  # noqa: B018 - looking it up is what imports it
    assert str(caught.value) == (
        "KafkaEgress needs the module 'no_such_driver', which is not installed: pip install \"dynamic-des-kafka\""
    )


@pytest.mark.usefixtures("fresh")
def test_a_fault_of_the_plugin_itself_is_shown_as_it_is(installed):
    installed.write("dynamic_des_kafka", "import dynamic_des_kafka.gone\n")
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'dynamic_des_kafka\.gone'"):
        dynamic_des.KafkaEgress  # noqa: B018
    installed.write("dynamic_des_redis", "1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        dynamic_des.RedisEgress  # noqa: B018


def test_a_wrong_name_is_answered_with_the_nearest_one():
    with pytest.raises(AttributeError, match=r"has no attribute 'KafkaEgres'\. Did you mean 'KafkaEgress'\?"):
        dynamic_des.KafkaEgres  # noqa: B018
    old = importlib.import_module("dynamic_des.connectors.egress.kafka")
    with pytest.raises(AttributeError, match=r"has no attribute 'KafkaEgres'\. Did you mean 'KafkaEgress'\?"):
        old.KafkaEgres  # noqa: B018


def test_old_packages_can_be_walked_like_any_other():
    from dynamic_des.connectors.egress import local

    from dynamic_des.connectors import egress

    assert local.ConsoleEgress is dynamic_des.ConsoleEgress
    assert egress.__name__ == "dynamic_des.connectors.egress"
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("dynamic_des.connectors.egress.carrier_pigeon")


def test_every_public_name_is_listed_and_resolves():
    assert sorted(dynamic_des.__all__) == sorted(set(dynamic_des.__all__))
    for name in dynamic_des.__all__:
        assert getattr(dynamic_des, name) is not None
    assert set(dynamic_des.__all__) <= set(dir(dynamic_des))


def test_the_finder_is_there_once_however_often_the_package_is_imported():
    importlib.reload(dynamic_des)
    assert sum(getattr(finder, "__name__", "") == "OldPaths" for finder in sys.meta_path) == 1
