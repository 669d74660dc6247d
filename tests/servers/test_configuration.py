"""Servers as a plugin: found by name, made from a configuration file."""

import inspect
import typing
from importlib.metadata import entry_points

import pytest
from jsonschema import Draft202012Validator

import dynamic_des_servers
from dynamic_des.config.json_schema import json_schema
from dynamic_des.config.loading import load
from dynamic_des.errors import ConfigError
from dynamic_des.plugins import find_class
from dynamic_des_servers import AsyncServer, DynamicConcurrency, LIFOQueue, Server, ThreadPool, WeightedConcurrency

SHOP = """
[simulation]
model = "shop_model:build"
factor = 0
seed = 4

[parameters.Shop.service.api]
dist = "exponential"
rate = 20.0

[parameters.Shop.resources.api]
current_cap = 2
max_cap = 8

[resources.web]
type = "servers.AsyncServer"
max_connections = 50
cpu_work_distribution = 0.001
io_handler = "shop_model:ask_api"

[resources.api]
type = "servers.Server"
concurrency = "Shop.resources.api.current_cap"
service_time = "Shop.service.api"
queue_policy = "lifo"
queue_capacity = 5
max_wait = 2.5
downstream = "mailer"

[resources.mailer]
type = "servers.ThreadPool"
num_workers = 3
default_processing_time = { dist = "constant", value = 0.25 }
queue_policy = "shop_model:Own"

[resources.db]
type = "servers.Server"
concurrency = { type = "weighted", total_capacity = 100 }
service_time = "shop_model:two"
"""
MODEL = """
from dynamic_des_servers import FIFOQueue

class Own(FIFOQueue):
    pass

def two():
    return 2

def ask_api(request):
    yield 0.5

def build(env):
    for number in range(3):
        env.resources["web"].submit(number)
        env.resources["api"].submit(number)
        env.resources["db"].submit(number, weight=60)
"""


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "shop_model.py").write_text(MODEL)

    def write(text):
        file = tmp_path / "shop.toml"
        file.write_text(text)
        return file

    return write


def test_the_plugin_is_found_by_the_name_of_its_entry_point():
    (point,) = [point for point in entry_points(group="dynamic_des") if point.name == "servers"]
    assert point.load() is dynamic_des_servers
    assert dynamic_des_servers.dynamic_des_register_resource() == [AsyncServer, Server, ThreadPool]
    assert find_class("resource", "servers.Server") is Server


def test_a_configuration_file_describes_servers_completely(shop):
    twin = load(shop(SHOP))
    env = twin.environment()
    web, api, mailer, db = (env.resources[name] for name in ("web", "api", "mailer", "db"))
    assert [type(one) for one in (web, api, mailer, db)] == [AsyncServer, Server, ThreadPool, Server]
    assert isinstance(api.concurrency_model, DynamicConcurrency)
    assert isinstance(api._room.policy, LIFOQueue)
    assert type(mailer._room.policy).__name__ == "Own"
    assert isinstance(db.concurrency_model, WeightedConcurrency)
    twin.build(env)
    env.registry.update("Shop.resources.api.current_cap", 3)
    assert api.active_requests == 3
    env.run()
    assert web.stats.total_io_time == 1.5
    assert (db.stats.requests_completed, db.stats.total_service_time) == (3, 6.0)
    assert mailer.stats.tasks_completed == 3
    assert mailer.stats.total_processing_time == 0.75


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (('type = "servers.Server"', 'type = "servers.Sever"'), "Server"),
        (("queue_capacity = 5", "queue_capacty = 5"), "unknown key. Did you mean 'queue_capacity'?"),
        (('"shop_model:two"', '"shop_model:tow"'), "there is no 'tow' in it. Did you mean 'two'?"),
    ],
)
def test_a_file_that_is_wrong_says_where(shop, wrong, what):
    with pytest.raises(ConfigError) as caught:
        load(shop(SHOP.replace(*wrong)))
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (('"lifo"', '"filo"'), "Server 'api': queue_policy: 'filo' is no queue policy. Did you mean 'fifo'?"),
        (
            ('"Shop.service.api"', '"Shop.service.app"'),
            "Server 'api': service_time: 'Shop.service.app': no such configuration. Did you mean 'Shop.service.api'?",
        ),
        (('api.current_cap"', 'api.cap"'), "Server 'api': concurrency: 'Shop.resources.api.cap': no such path."),
        (
            ("num_workers = 3", "num_workers = 0"),
            "ThreadPool 'mailer': concurrency: 0 is not a whole number, 1 or more",
        ),
        (('type = "weighted"', 'type = "heavy"'), "'heavy' is no type of concurrency."),
    ],
)
def test_an_option_that_makes_no_sense_names_the_resource(shop, wrong, what):
    twin = load(shop(SHOP.replace(*wrong)))
    with pytest.raises((ValueError, KeyError)) as caught:
        twin.environment()
    assert what in str(caught.value)


def test_numbers_may_come_from_variables_of_the_environment(shop, monkeypatch):
    monkeypatch.setenv("PLACES", "7")
    text = SHOP.replace("queue_capacity = 5", 'queue_capacity = "${PLACES}"')
    text = text.replace("num_workers = 3", 'num_workers = "${WORKERS:-2}"').replace(
        "max_wait = 2.5", 'max_wait = "1.5"'
    )
    env = load(shop(text)).environment()
    assert env.resources["mailer"].num_workers == 2
    for _ in range(20):
        env.resources["api"].submit()
    assert (env.resources["api"].active_requests, env.resources["api"].depth) == (2, 7)


def test_the_schema_of_the_file_knows_the_servers():
    choices = json_schema()["properties"]["resources"]["additionalProperties"]["anyOf"]
    (server,) = [one for one in choices if one["properties"]["type"].get("const") == "servers.Server"]
    assert {"concurrency", "service_time", "queue_policy", "queue_capacity", "downstream"} <= set(server["properties"])
    validator = Draft202012Validator(server["properties"]["service_time"])
    for good in (2, "2", "shop_model:two", "Shop.service.api", {"dist": "constant", "value": 1}):
        assert validator.is_valid(good)
    assert not validator.is_valid(True)
    assert not validator.is_valid([1])


@pytest.mark.parametrize("kind", [Server, AsyncServer, ThreadPool])
def test_the_types_of_a_constructor_can_be_looked_up(kind):
    hints = typing.get_type_hints(kind.__init__)
    assert set(hints) == {"return", *inspect.signature(kind).parameters}


def test_public_names_are_those_documented():
    for name in dynamic_des_servers.__all__:
        found = getattr(dynamic_des_servers, name)
        assert getattr(found, "__doc__", None), name
        if inspect.isclass(found) and found.__module__.startswith("dynamic_des_servers"):
            undocumented = [
                member
                for member, value in vars(found).items()
                if not member.startswith("_")
                and (inspect.isfunction(value) or isinstance(value, property))
                and not inspect.getdoc(getattr(found, member))
            ]
            assert undocumented == [], name
    for module in dynamic_des_servers.__dict__.values():
        if inspect.ismodule(module) and module.__name__.startswith("dynamic_des_servers."):
            assert set(module.__all__) <= set(vars(module)), module.__name__
