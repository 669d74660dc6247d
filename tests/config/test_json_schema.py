"""The JSON Schema for editors: it takes what the loader takes, and marks what the loader refuses."""

import json
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from tests.plugins.distributions import Shelf

from dynamic_des import ConfigError
from dynamic_des.config.json_schema import json_schema
from dynamic_des.config.loading import load

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").rglob("*.toml"))
SMALL = '[simulation]\nmodel = "model:build"\n'
PLUGIN = '''
    from __future__ import annotations
    from collections.abc import Callable
    from datetime import datetime
    from typing import Any, Literal
    from pydantic import BaseModel, SecretStr
    from dynamic_des import BaseEgress, BaseIngress, DynamicResource, MessageSerializer, hookimpl

    class Address(BaseModel):
        host: str
        port: int = 1

    class Client:
        def __init__(self, *, linger_ms: int = 0): pass

    class FancyEgress(BaseEgress):
        """Writes fancily.

        Args:
            topic: Where to,
                in full.
            password: Of the user.
        """
        client = Client

        def __init__(
            self,
            topic: str,
            password: SecretStr | None = None,
            *,
            mode: Literal["a", "b"] = "a",
            addresses: list[Address] = (),
            keep: Callable[[dict], bool] | None = None,
            delay: Callable[[], float] | float = 1.0,
            dead: BaseEgress | None = None,
            mixed: Address | str = '',
            topic_serializers: dict[str, MessageSerializer] | None = None,
            since: datetime | None = None,
            **kwargs: Any,
        ): pass

        async def write(self, batch): pass

    class OtherEgress(FancyEgress): pass

    def other_address():
        class Address(BaseModel):
            street: str
        return Address

    class PostalEgress(BaseEgress):
        def __init__(self, address: other_address() | None = None): pass
        async def write(self, batch): pass

    class FancyIngress(BaseIngress):
        def __init__(self, group: str = "g"): pass
        async def messages(self): yield

    class Wax(MessageSerializer):
        def __init__(self, colour: str): pass
        def serialize(self, topic, data): return b""

    class Crane:
        def __init__(self, env, name, *, reach: float): pass

    @hookimpl
    def dynamic_des_register_egress(): return [FancyEgress, OtherEgress, PostalEgress]

    @hookimpl
    def dynamic_des_register_ingress(): return [FancyIngress]

    @hookimpl
    def dynamic_des_register_serializer(): return [Wax]

    @hookimpl
    def dynamic_des_register_resource(): return [Crane]
'''


@pytest.fixture(scope="module")
def plain():
    """The schema with nothing installed."""
    Draft202012Validator.check_schema(json_schema())
    return Draft202012Validator(json_schema())


@pytest.fixture(scope="module")
def fancy(tmp_path_factory):
    """The schema with a plugin installed, and a broken one beside it."""
    shelf = Shelf(tmp_path_factory.mktemp("site"))
    shelf.put("plugin-fancy", {"fancy": "plugin_fancy"}, plugin_fancy=PLUGIN)
    shelf.put("plugin-broken", {"broken": "plugin_broken"}, plugin_broken="1 / 0")
    printed = shelf.command("schema")
    assert (printed.returncode, printed.stderr) == (0, "")
    schema = json.loads(printed.stdout)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def accepts(validator, text):
    return validator.is_valid(json.loads(json.dumps(tomllib.loads(text), default=str)))


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_the_examples_are_accepted(plain, example):
    assert accepts(plain, example.read_text())


GOOD = [
    SMALL,
    f"{SMALL}start_time = 2030-01-01T00:00:00Z\nuntil = 5\nseed = '${{SEED}}'\nfactor = '${{F:-1}}'",
    f"{SMALL}[egress.x]\ntype = 'console'\nformat = 'json'\nbatch_size = 5",
    f"{SMALL}[egress.x]\ntype = 'file'\npath = 'x'\nserializer = {{ type = 'json' }}",
    f"{SMALL}[egress.x]\ntype = 'my_module:MyEgress'\nanything = 3",
    f"{SMALL}[ingress.x]\ntype = 'local'\nschedule = [[1, 'a.b', 3], [2.5, 'c', 'x']]",
    f"{SMALL}[ingress.x]\ntype = 'lines'\non_poison = 'stop'\ndeserializer = 'json'",
    f"{SMALL}[ingress.x]\ntype = 'local'\nschedule = [['${{DELAY}}', 'a.b', 3]]",
    f"{SMALL}[resources.'A.b']\ntype = 'resource'\nlifo = true",
    f"{SMALL}[parameters.A.variables]\nx = [1]\n[bounds.'A.b']\nmin = '${{LEAST}}'",
]
BAD = [
    "",
    "[simulation]",
    f"{SMALL}factr = 1",
    f"{SMALL}factor = true",
    f"{SMALL}seed = 'x'",
    f"{SMALL}[simulatoin]",
    f"{SMALL}[egress.x]\nformat = 'json'",
    f"{SMALL}[egress.x]\ntype = 'consol'",
    f"{SMALL}[egress.x]\ntype = 'console'\nformat = 'yaml'",
    f"{SMALL}[egress.x]\ntype = 'console'\nbatch_sise = 5",
    f"{SMALL}[egress.x]\ntype = 'console'\nbatch_size = 'five'",
    f"{SMALL}[egress.x]\ntype = 'file'",
    f"{SMALL}[egress.x]\ntype = 'lines'",
    f"{SMALL}[egress.x]\ntype = 'file'\npath = 'x'\nserializer = {{ type = 'jsn' }}",
    f"{SMALL}[ingress.x]\ntype = 'local'\nschedule = [1]",
    f"{SMALL}[ingress]\ntype = 'lines'",
    f"{SMALL}[resources.x]\ntype = 'shop'",
    f"{SMALL}[parameters.A.arrival.x]\nrate = 1",
    f"{SMALL}[parameters.A.arival.x]\ndist = 'constant'",
    f"{SMALL}[bounds.'A.b']\nmaximum = 1",
]


@pytest.mark.parametrize("text", GOOD)
def test_what_is_right_is_accepted(plain, text):
    assert accepts(plain, text)


@pytest.mark.parametrize("text", BAD)
def test_what_is_wrong_is_marked_and_the_loader_agrees(plain, folder, text):
    assert not accepts(plain, text)
    with pytest.raises(ConfigError):
        load(folder.write(text))


@pytest.mark.parametrize(
    "keys",
    [
        "type = 'fancy.FancyEgress'\ntopic = 't'",
        "type = 'fancy.OtherEgress'\ntopic = 't'",
        "type = 'fancy.FancyEgress'\ntopic = 't'\nmode = 'b'\npassword = 'x'\nlinger_ms = 3\nbatch_size = 3",
        "type = 'fancy.FancyEgress'\ntopic = 't'\naddresses = [{ host = 'h' }]\nsince = 2030-01-01T00:00:00Z",
        "type = 'fancy.FancyEgress'\ntopic = 't'\nkeep = 'm:f'\ntopic_serializers = { x = { type = 'json' } }",
        "type = 'fancy.FancyEgress'\ntopic = 't'\ntopic_serializers = { x = { type = 'fancy', colour = 'red' } }",
        "type = 'fancy.FancyEgress'\ntopic = 't'\ndelay = 3",
        "type = 'fancy.FancyEgress'\ntopic = 't'\ndelay = '${DELAY}'\nmixed = { host = 'h', port = '${PORT}' }",
        "type = 'fancy.FancyEgress'\ntopic = 't'\ndelay = 'm:f'\nmixed = 'text'",
        "type = 'fancy.FancyEgress'\ntopic = 't'\ndead = { type = 'file', path = 'x' }",
        "type = 'fancy.FancyEgress'\ntopic = 't'\ndead = { type = 'fancy.FancyEgress', topic = 'u' }",
        "type = 'fancy.PostalEgress'\naddress = { street = 's' }",
    ],
)
def test_with_a_plugin_its_keys_are_accepted(fancy, plain, keys):
    text = f"{SMALL}[egress.x]\n{keys}"
    assert accepts(fancy, text)
    assert not accepts(plain, text)


@pytest.mark.parametrize(
    "keys",
    [
        "type = 'fancy'\ntopic = 't'",  # it has two
        "type = 'fancy.FancyEgress'",
        "type = 'fancy.FancyEgress'\ntopic = 3",
        "type = 'fancy.FancyEgress'\ntopic = 't'\nmode = 'c'",
        "type = 'fancy.FancyEgress'\ntopic = 't'\nlinger = 3",
        "type = 'fancy.FancyEgress'\ntopic = 't'\naddresses = [{ port = 1 }]",
        "type = 'fancy.FancyEgress'\ntopic = 't'\nkeep = 'f'",
        "type = 'fancy.FancyEgress'\ntopic = 't'\ntopic_serializers = { x = { type = 'fancy' } }",
        "type = 'fancy.FancyEgress'\ntopic = 't'\ndelay = true",
        "type = 'fancy.FancyEgress'\ntopic = 't'\nmixed = { host = 'h', prot = 1 }",
        "type = 'fancy.FancyEgress'\ntopic = 't'\ndead = { type = 'file', pth = 'x' }",
        "type = 'fancy.FancyEgress'\ntopic = 't'\ndead = { type = 'lines' }",
        "type = 'fancy.PostalEgress'\naddress = { host = 'h' }",
        "type = 'broken'",
    ],
)
def test_with_a_plugin_what_is_wrong_is_marked(fancy, keys):
    assert not accepts(fancy, f"{SMALL}[egress.x]\n{keys}")


def test_ingresses_and_resources_of_a_plugin_are_there_too(fancy):
    assert accepts(fancy, f"{SMALL}[ingress.x]\ntype = 'fancy'\ngroup = 'h'\ninbox_size = 3")
    assert accepts(fancy, f"{SMALL}[resources.x]\ntype = 'fancy'\nreach = 3")
    assert not accepts(fancy, f"{SMALL}[resources.x]\ntype = 'fancy'")
    assert not accepts(fancy, f"{SMALL}[resources.x]\ntype = 'fancy'\nreach = 3\nname = 'y'")


def test_docstrings_are_shown_by_the_editor(fancy):
    choices = fancy.schema["properties"]["egress"]["additionalProperties"]["anyOf"]
    [mine] = [one for one in choices if one["properties"]["type"].get("const") == "fancy.FancyEgress"]
    assert mine["description"] == "Writes fancily."
    assert mine["properties"]["topic"] == {"description": "Where to, in full.", "type": "string"}
    assert mine["properties"]["drain_timeout"]["default"] == 30.0
    assert mine["properties"]["drain_timeout"]["description"].startswith("How long, in wall seconds,")
