"""The constructor is the schema: what of a table reaches a connector, its client, or core."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from dynamic_des import BaseEgress, ConfigError, ConsoleEgress, JsonDeserializer, JsonSerializer, MemoryIngress
from dynamic_des.bridge.sink_options import SinkOptions
from dynamic_des.bridge.source_options import SourceOptions

CONNECTORS = Path(__file__).with_name("connectors.py")
SMALL = '[simulation]\nmodel = "model:build"\n'


@pytest.fixture
def egress(folder):
    """A function that makes one egress of a class above from the rest of its table."""
    folder.module("connectors", CONNECTORS.read_text())

    def make(name, keys=""):
        return folder.load(f"{SMALL}[egress.x]\ntype = 'connectors:{name}'\n{keys}").egresses["x"].connector

    return make


@pytest.fixture
def refused(folder):
    """A function that returns what is wrong with such a table, after the place."""
    folder.module("connectors", CONNECTORS.read_text())

    def refuse(name, keys=""):
        found = folder.problems(f"{SMALL}[egress.x]\ntype = 'connectors:{name}'\n{keys}")
        return [re.sub(" at 0x[0-9a-f]+", "", line.partition("[egress.x")[2].removeprefix("] ")) for line in found]

    return refuse


def test_an_unknown_key_is_refused_with_the_nearest_one(refused):
    assert refused("Closed", "telemetri_topic = 'x'") == [
        "telemetri_topic: unknown key. Did you mean 'telemetry_topic'?"
    ]
    assert refused("Child", "topik = 'x'") == ["topik: unknown key. Did you mean 'topic'?"]
    assert refused("Closed", "flush_intervall = 1") == ["flush_intervall: unknown key. Did you mean 'flush_interval'?"]
    [text] = refused("Inner", "zzz = 1")
    assert text.startswith("zzz: unknown key. Inner takes type, batch_size, flush_interval, ")
    assert text.endswith(". Remove it.")


def test_of_a_client_that_is_named_every_key_is_known(egress, refused):
    assert egress("Named", "sasl_plain_password = 'hunter2'\nlinger_ms = 5").given == {
        "sasl_plain_password": "hunter2",
        "linger_ms": 5,
    }
    assert refused("Named", "sasl_plain_pasword = 'hunter2'\ntelemetri_topic = 'x'") == [
        "sasl_plain_pasword: unknown key. Did you mean 'sasl_plain_password'?",
        "telemetri_topic: unknown key. Did you mean 'telemetry_topic'?",
    ]
    [text] = refused("Named", "zzz = 1")
    assert text.startswith("zzz: unknown key. Named takes telemetry_topic, type, ")


def test_of_a_client_that_takes_anything_only_what_is_nearly_known_is_refused(egress, refused):
    keys = "timeout = 3\nlinger_ms = 5\nsomething_else = [1]"
    assert egress("NamedOpen", keys).given == {"timeout": 3, "linger_ms": 5, "something_else": [1]}
    assert refused("NamedOpen", "sasl_plain_pasword = 'hunter2'\ntelemetri_topic = 'x'\ntimeouts = 1") == [
        "sasl_plain_pasword: unknown key. Did you mean 'sasl_plain_password'?",
        "telemetri_topic: unknown key. Did you mean 'telemetry_topic'?",
        "timeouts: unknown key. Did you mean 'timeout'?",
    ]


@pytest.mark.parametrize("name", ["Blind", "Foreign"])
def test_for_a_client_that_is_not_named_what_the_connector_nearly_knows_is_refused(egress, refused, name):
    assert egress(name, "anything = 1").given == {"anything": 1}
    assert refused(name, "flush_intervall = 1") == ["flush_intervall: unknown key. Did you mean 'flush_interval'?"]


def test_a_client_that_is_not_there_is_reported(egress, refused):
    assert refused("Lost", "host = 'x'") == [
        (
            "host: Lost.client: no_such_driver:Client: No module named 'no_such_driver'. "
            "Name the client as 'module:callable'."
        )
    ]
    assert egress("Lost").given == {}, "it is only looked at when it is needed"


@pytest.mark.parametrize(("kind", "options"), [("egress", SinkOptions), ("ingress", SourceOptions)])
def test_no_key_of_core_reaches_a_connector_or_its_client(folder, kind, options):
    base = {"egress": "BaseEgress", "ingress": "BaseIngress"}[kind]
    method = {"egress": "async def write(self, batch): pass", "ingress": "async def messages(self): yield"}[kind]
    folder.module(
        "greedy",
        f"""
        from dynamic_des import {base}
        class Greedy({base}):
            def __init__(self, **kwargs): self.given = kwargs
            {method}
        """,
    )
    keys = []
    for field in dataclasses.fields(options):
        default = field.default if field.default is not dataclasses.MISSING else None
        if isinstance(default, (int, float, str)):
            keys.append(f"{field.name} = {default!r}".replace("True", "true").replace("False", "false"))
    if kind == "ingress":
        keys.append('deserializer = "json"')
    assert len(keys) >= 5
    text = f"{SMALL}[{kind}.x]\ntype = 'greedy:Greedy'\nown = 1\n" + "\n".join(keys)
    made = getattr(folder.load(text), {"egress": "egresses", "ingress": "ingresses"}[kind])["x"]
    assert made.connector.given == {"own": 1}


def test_annotations_are_understood_wherever_they_come_from(egress):
    made = egress("Data", "path = 'a/b'\nsize = '4'\nlabels = { a = 'b' }")
    assert (made.path, made.size, made.labels) == (Path("a/b"), 4, {"a": "b"})
    keys = """
        path = "x"
        key = "hidden"
        names = ["a", "b"]
        table = { a = 1 }
        mode = 3
        odd = [1]
        size = "7"
        plain = { anything = true }
    """
    given = egress("Typed", keys).given
    assert (given["path"], given["key"].get_secret_value(), given["names"]) == (Path("x"), "hidden", ["a", "b"])
    assert (given["table"], given["mode"], given["odd"], given["size"]) == ({"a": 1}, 3, [1], "7")
    assert given["plain"] == {"anything": True}


def test_what_is_not_of_the_type_is_shown_with_what_to_write(refused):
    keys = """
        path = 3
        names = "abc"
        table = { a = "b" }
        mode = "c"
        size = 1.5
    """
    assert refused("Typed", keys) == [
        "path: 3 is not a path. Write a path.",
        "names: 'abc' is not a list of texts. Write a list of texts.",
        "table.a: 'b' is not a whole number. Write a whole number.",
        "mode: 'c' is not 'a' or 'b' or 3. Write 'a' or 'b' or 3, such as mode = \"a\".",
        "size: 1.5 is not a whole number or text. Write a whole number or text, such as size = 1.",
    ]


def test_serializers_are_sub_tables_with_a_type(egress):
    made = egress(
        "Formats",
        """
        default_serializer = "json"
        topic_serializers = { "x" = { type = "json" }, type = { type = "connectors:Wax", colour = "red", seal = "3" } }
        topic_deserializers = { "y" = "json" }
        """,
    ).given
    assert isinstance(made["default_serializer"], JsonSerializer)
    assert isinstance(made["topic_serializers"]["x"], JsonSerializer)
    wax = made["topic_serializers"]["type"]
    assert (wax.colour, wax.seal) == ("red", 3)
    assert isinstance(made["topic_deserializers"]["y"], JsonDeserializer)


def test_a_wrong_serializer_says_where_it_is(refused):
    assert refused("Formats", "default_serializer = 3\ntopic_serializers = 'json'") == [
        'default_serializer: 3 is not a serializer. Write { type = "json" }.',
        (
            "topic_serializers: 'json' is not a table of serializers. "
            'Write topic_serializers = { "…" = { type = "json" } }.'
        ),
    ]
    assert refused("Formats", "topic_serializers = { a = 3, b = { type = 'connectors:Wax', color = 'x' } }") == [
        '.topic_serializers] a: 3 is not a serializer. Write { type = "json" }.',
        ".topic_serializers.b] color: unknown key. Did you mean 'colour'?",
        ".topic_serializers.b] colour: is missing, and has no default. Write colour = ….",
    ]
    [text] = refused("Formats", "default_serializer = { type = 'dynamic_des:JsonDeserializer' }")
    assert text == (
        ".default_serializer] type: dynamic_des:JsonDeserializer: JsonDeserializer is a deserializer, "
        "not a serializer. Derive it from dynamic_des.MessageSerializer."
    )


def test_a_deserializer_is_a_key_that_core_owns(folder):
    folder.module(
        "formats",
        """
        from dynamic_des import MessageDeserializer
        class Csv(MessageDeserializer):
            def __init__(self, separator: str = ","): self.separator = separator
            def deserialize(self, topic, payload): return {}
        """,
    )
    keys = "deserializer = { type = 'formats:Csv', separator = ';' }"
    made = folder.load(f"{SMALL}[ingress.x]\ntype = 'lines'\n{keys}").ingresses["x"]
    assert made.options.deserializer.separator == ";"


def test_callables_and_classes_are_named_by_their_place(egress):
    made = egress("Calls", "keep = 'connectors:only_events'\nmodel = 'collections:OrderedDict'\nrouter = 'my-topic'")
    assert made.keep({"stream_type": "event"})
    assert made.model.__name__ == "OrderedDict"
    assert made.router == "my-topic"
    assert egress("Calls", "router = 'connectors:only_events'").router({"stream_type": "event"})


def test_a_callable_may_be_made_from_a_sub_table(egress):
    made = egress("Calls", "keep = { type = 'connectors:Above', limit = 3 }")
    assert [made.keep({"value": value}) for value in (3, 4)] == [False, True]
    assert egress("Calls", "keep = { type = 'connectors:below', limit = '3' }").keep(3.0)


def test_what_cannot_be_called_is_refused(refused):
    assert refused("Calls", "keep = 'connectors:number'\nmodel = 'connectors:only_events'\nrouter = 3") == [
        "keep: connectors:number: 5 cannot be called. Name a function.",
        "model: connectors:only_events: <function only_events> is not a class. Name a class.",
        'router: 3 is not text or "module:name". Write text or "module:name".',
    ]
    assert refused("Calls", "keep = 'only_events'\nmodel = 3") == [
        "keep: 'only_events' names nothing. Write \"module:name\".",
        'model: 3 does not name a class. Write model = "module:name".',
    ]
    assert refused("Calls", "keep = 'connectors:only_event'") == [
        "keep: connectors:only_event: there is no 'only_event' in it. Did you mean 'only_events'?"
    ]
    assert refused("Calls", "keep = { type = 'connectors:Above', limt = 3 }\nmodel = { size = 1 }") == [
        ".keep] limt: unknown key. Did you mean 'limit'?",
        ".keep] limit: is missing, and has no default. Write limit = ….",
        "model: {'size': 1} does not name a class. Write model = \"module:name\".",
    ]


def test_instead_of_a_name_a_value_may_stand_where_the_annotation_says_so(egress, refused):
    for text, value in (("3", 3.0), ("'2.5'", 2.5), ("{ dist = 'constant' }", {"dist": "constant"})):
        assert egress("Calls", f"delay = {text}").delay == value
    assert egress("Calls", "delay = 'connectors:only_events'").delay({"stream_type": "event"})
    assert refused("Calls", "delay = true\nrouter = [1]") == [
        (
            'delay: True is not a number or a table or "module:name". '
            'Write a number or a table or "module:name", such as delay = 1.0.'
        ),
        'router: [1] is not text or "module:name". Write text or "module:name".',
    ]


def test_a_connector_may_have_connectors_of_its_own(egress, refused):
    made = egress("Teed", "aside = { type = 'file', path = 'x' }\nfeeds = { a = 'memory' }")
    assert made.aside.path == Path("x")
    assert isinstance(made.feeds["a"], MemoryIngress)
    assert isinstance(egress("Teed", "aside = 'console'").aside, ConsoleEgress)
    assert egress("Teed", "letters = 'dead.jsonl'").letters == "dead.jsonl", "text is text where text is taken"
    assert isinstance(egress("Teed", "letters = { type = 'console' }").letters, ConsoleEgress)
    assert refused("Teed", "aside = { type = 'file', pth = 'x' }") == [
        ".aside] pth: unknown key. Did you mean 'path'?",
        ".aside] path: is missing, and has no default. Write path = ….",
    ]
    assert refused("Teed", "aside = 3\nfeeds = 'memory'") == [
        'aside: 3 is not an egress. Write { type = "console" }.',
        'feeds: \'memory\' is not a table of ingresses. Write feeds = { "…" = { type = "lines" } }.',
    ]
    [text] = refused("Teed", "aside = { type = 'dynamic_des:BaseEgress' }")
    assert text.startswith(".aside] type: BaseEgress overrides neither write nor run: it cannot write anything. ")


def test_a_key_inside_of_a_table_is_as_well_known_as_one_outside(egress, refused):
    keys = """
        address = { host = "a", hots = "b", login = { user = "u", user_name = "v" } }
        addresses = [{ host = "a" }, { host = "b", prot = 1 }]
        logins = { x = { usr = "u" } }
        login = { tris = 1 }
    """
    assert refused("Nested", keys) == [
        "address.hots: unknown key. Did you mean 'host'?",
        "address.login.user_name: unknown key. Did you mean 'user'?",
        "addresses[1].prot: unknown key. Did you mean 'port'?",
        "logins.x.usr: unknown key. Did you mean 'user'?",
        "logins.x.user: is missing. Write all that logins takes there.",
        "login.tris: unknown key. Did you mean 'tries'?",
        "login: {'tris': 1} is not a Login or a whole number. Write a Login or a whole number, such as login = 1.",
    ]
    given = egress("Nested", "address = { host = 'a', PORT = '3' }\nloose = { size = 2, anything = 3 }").given
    assert (given["address"].port, given["loose"].anything) == (3, 3)


def test_a_key_inside_of_a_table_has_its_own_line(folder):
    folder.module("connectors", CONNECTORS.read_text())
    head = f"{SMALL}[egress.x]\ntype = 'connectors:Nested'\n"
    [text] = folder.problems(f"{head}[egress.x.address]\nhost = 'a'\n[egress.x.address.login]\nuser = 'u'\ntris = 1\n")
    assert text == "twin.toml:9: [egress.x] address.login.tris: unknown key. Did you mean 'tries'?"


def test_an_enumeration_is_shown_by_its_values(egress, refused):
    assert egress("Nested", "colour = 'blue'").given["colour"].name == "BLUE"
    assert refused("Nested", "colour = 'green'") == ["colour: 'green' is not 'red' or 'blue'. Write 'red' or 'blue'."]


def test_an_annotation_that_nothing_can_be_made_of_is_not_checked(egress):
    assert egress("Nested", "target = 3").given["target"] == 3, "a Protocol"


@dataclasses.dataclass(frozen=True)
class Options:
    """What core might own one day: every sort of thing that a table can hold."""

    size: int = 1
    on_full: Literal["block", "spill"] = "block"
    spill_dir: Path | None = None
    keep: Callable[[dict], bool] | None = None
    dead_letters: BaseEgress | None = None

    def __post_init__(self):
        if self.size < 1:
            raise ConfigError(f"setup_egress: size is {self.size}. Give a number of at least 1.")
        if self.on_full == "spill" and self.spill_dir is None:
            raise ConfigError("setup_egress: on_full='spill' needs a folder. Give spill_dir.")


@pytest.fixture
def options(folder, monkeypatch):
    """A function that returns core's options of an egress, if `Options` were all of them."""
    folder.module("connectors", CONNECTORS.read_text())
    monkeypatch.setattr("dynamic_des.config.loading.SinkOptions", Options)

    def load(keys):
        return folder.load(f"{SMALL}[egress.x]\ntype = 'console'\n{keys}").egresses["x"].options

    return load


def test_a_new_option_of_core_needs_no_word_here(options):
    found = options(
        """
        on_full = "spill"
        spill_dir = "overflow"
        keep = { type = "connectors:Above", limit = 3 }
        dead_letters = { type = "file", path = "dead.jsonl" }
        """
    )
    assert (found.on_full, found.spill_dir) == ("spill", Path("overflow"))
    assert found.keep({"value": 4})
    assert found.dead_letters.path == Path("dead.jsonl")
    assert options("keep = 'connectors:only_events'").keep({"stream_type": "event"})


def test_every_option_that_is_wrong_is_named(options):
    def refused(keys):
        with pytest.raises(ConfigError) as caught:
            options(keys)
        return [line.partition("[egress.x")[2] for line in str(caught.value).splitlines()]

    assert refused("size = 0\non_full = 'spill'\nkeep = 3\ndead_letters = 'fil'") == [
        "] size: is 0. Give a number of at least 1.",
        '] keep: 3 does not name something that can be called. Write keep = "module:name".',
        ".dead_letters] type: 'fil': there is no egress of this type. Did you mean 'file'?",
    ]
    assert refused("on_full = 'spill'") == ["]: on_full='spill' needs a folder. Give spill_dir."]
    assert refused("on_full = 'spill'\nspill_dir = 3") == ["] spill_dir: 3 is not a path. Write a path."]
