"""Two thousand wrong files: never a traceback, always the place and a remedy."""

import copy
import re
import string

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from dynamic_des import ConfigError
from dynamic_des.config.loading import load

GOOD = {
    "simulation": {"name": "line-a", "model": "model:build", "factor": 0.0, "until": 60, "seed": 7, "strict": False},
    "parameters": {
        "Line_A": {
            "arrival": {"parts": {"dist": "exponential", "rate": 1.2}},
            "service": {"turning": {"dist": "normal", "mean": 1.6, "std": 0.2}},
            "resources": {"lathe": {"current_cap": 1, "max_cap": 5}},
            "stores": {"shelf": {"current_cap": 1, "max_cap": 5}},
            "variables": {"shift": "early", "limits": [1, 2], "nested": {"a": {"b": 1}}},
        }
    },
    "bounds": {"Line_A.arrival.parts.rate": {"min": 0.01, "max": 10.0, "max_step": 5}},
    "resources": {"Line_A.lathe": {"type": "resource", "lifo": True}, "Line_A.shelf": {"type": "store"}},
    "ingress": {
        "shifts": {"type": "local", "schedule": [[6.0, "Line_A.resources.lathe.current_cap", 3]]},
        "control": {"type": "lines", "path": "-", "deserializer": {"type": "json"}, "inbox_size": 10},
    },
    "egress": {
        "screen": {"type": "console", "format": "json", "flush_interval": 0.2},
        "records": {"type": "file", "path": "x.jsonl", "serializer": {"type": "json"}, "on_full": "block"},
    },
}
# what may stand anywhere: every type that TOML has, and text that leads somewhere else
VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.sampled_from([0, 1, -1])
    | st.floats()
    | st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)
    | st.sampled_from(
        ["kafka", "x:y", "model:build", "${NONE}", "${", "json", "a.b.c", "\x1b[2J", ":", "nan", "1e9", "console.X"]
    )
    | st.datetimes(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(string.ascii_letters, max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
PLACE = re.compile(r'(:\d+)?: (\[[^\n]+\]|"[^\n]+"|[^\n ]+|is|cannot)[: ]')
REMEDY = re.compile(
    r"\b(Did you mean '[^\n]+'\?|(Write|Give|Set|Save|Use|Install it|Install|There are|Move|Remove|Rename|Name|Derive|"
    r"Choose|Register|Swap|Mend|Is it|Report|Wrap) [^\n]+)$"
)


def paths(tables, path=()):
    for key, value in tables.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from paths(value, (*path, key))


PATHS = list(paths(GOOD))


def inside(tables, path):
    for key in path:
        if not isinstance(tables, dict) or key not in tables:
            return None
        tables = tables[key]
    return tables if isinstance(tables, dict) else None


@st.composite
def damaged(draw):
    """The good tables after one to four accidents."""
    tables = copy.deepcopy(GOOD)
    for _ in range(draw(st.integers(1, 4))):
        *outer, key = draw(st.sampled_from(PATHS))
        table = inside(tables, outer)
        if table is None or key not in table:
            continue
        accident = draw(st.sampled_from(["drop", "misspell", "retype", "add", "move", "wrap"]))
        if accident == "drop":
            del table[key]
        elif accident == "misspell":
            at = draw(st.integers(0, len(key)))
            letter = draw(st.sampled_from([*string.ascii_lowercase, "", " ", ".", '"', "é", "\x7f"]))
            table[key[:at] + letter + key[at + 1 :]] = table.pop(key)
        elif accident == "retype":
            table[key] = draw(VALUES)
        elif accident == "add":
            table[draw(st.text(max_size=8) | st.sampled_from(["type", "", "path", "model", "batch_size"]))] = draw(
                VALUES
            )
        elif accident == "move":
            target = inside(tables, draw(st.sampled_from(PATHS)))
            if target is not None and target is not table[key]:
                target[key] = copy.deepcopy(table[key])
        else:
            table[key] = draw(st.sampled_from([{key: table[key]}, [table[key]], {"": table[key]}]))
    return tables


def toml(value):
    """Inline TOML: enough for what is made here."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return (
            '"'
            + "".join(f"\\U{ord(letter):08x}" if letter not in string.ascii_letters else letter for letter in value)
            + '"'
        )
    return value.isoformat() if hasattr(value, "isoformat") else repr(value)


def headers(tables, path=()):
    """TOML as people write it: a header for each table."""
    plain = {key: value for key, value in tables.items() if not isinstance(value, dict)}
    lines = [f"[{'.'.join(map(toml, path))}]"] if path else []
    lines += [f"{toml(key)} = {toml(value)}" for key, value in plain.items()]
    for key, value in tables.items():
        if isinstance(value, dict):
            lines += headers(value, (*path, key))
    return lines


def judge(file):
    """Load a file; whatever is said of it has to be of use. Returns how many problems there were."""
    try:
        load(file).environment()
    except ConfigError as error:
        lines = str(error).split("\n")
        for line in lines:
            assert line.startswith(str(file)), line
            assert line.isprintable(), line
            rest = line.removeprefix(str(file))
            assert PLACE.match(rest), line
            assert REMEDY.search(line), line
        return len(lines)
    return 0


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "model.py").write_text("def build(env): pass\n")
    return folder / "twin.toml"


def test_the_file_that_is_damaged_here_is_good(place):
    place.write_text("\n".join(headers(GOOD)))
    assert judge(place) == 0


def test_every_single_key_misspelt_or_left_out_is_noticed_or_not_needed(place):
    silent = []
    for path in PATHS:
        for accident in ("drop", "misspell"):
            tables = copy.deepcopy(GOOD)
            table = inside(tables, path[:-1])
            value = table.pop(path[-1])
            if accident == "misspell":
                table[f"{path[-1]}x"] = value
            place.write_text("\n".join(headers(tables)))
            if judge(place) == 0:
                silent.append((accident, ".".join(path)))
    named = {"parameters", "variables", "shift", "limits", "nested", "a", "b"}  # these are names, and free
    assert [one for one in silent if one[0] == "misspell" and one[1].split(".")[-1] not in named] == [
        ("misspell", "parameters.Line_A.service.turning"),
        ("misspell", "ingress.shifts"),
        ("misspell", "ingress.control"),
        ("misspell", "egress.screen"),
        ("misspell", "egress.records"),
    ]


@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(damaged(), st.booleans())
def test_damaged_tables_are_reported_with_place_and_remedy(place, tables, inline):
    lines = [f"{toml(key)} = {toml(value)}" for key, value in tables.items()] if inline else headers(tables)
    place.write_text("\n".join(lines))
    event(f"{min(judge(place), 5)} problems")


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_damaged_text_is_reported_with_place_and_remedy(place, data):
    text = "\n".join(headers(GOOD))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        text = text[:start] + data.draw(st.text(st.characters(blacklist_categories=["Cs"]), max_size=5)) + text[end:]
    place.write_text(text)
    event(f"{min(judge(place), 5)} problems")


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode(errors="replace")))
def test_garbage_is_reported_with_place_and_remedy(place, garbage):
    place.write_bytes(garbage)
    assert judge(place) > 0


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(1, 3000), st.sampled_from(["list", "inline", "header", "dotted"]), st.sampled_from([*GOOD, "x"]))
def test_deep_nesting_is_reported_with_place_and_remedy(place, depth, how, where):
    text = {
        "list": f"{where} = {'[' * depth}{']' * depth}",
        "inline": f"{where} = {'{a = ' * depth}1{'}' * depth}",
        "header": f"[{where}.{'.'.join(['a'] * depth)}]\nb = 1",
        "dotted": f"{where}.{'.'.join(['a'] * depth)} = 1",
    }[how]
    place.write_text(text)
    assert judge(place) > 0
