"""docs/configuration.md: its fragments load, and its tables say what the code says. Its blocks run in tests/docs."""

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from dynamic_des.bridge.sink_options import SinkOptions
from dynamic_des.bridge.source_options import SourceOptions
from dynamic_des.config.loading import TABLES
from dynamic_des.config.twin import Simulation

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
BLOCKS = re.findall(r"^```toml(?P<info>[^\n]*)\n(?P<code>.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
MODELS = dict(re.findall(r"^```python file=(\w+)\.py\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
WHOLE = {
    "simulation": {"model": "line:build"},
    "parameters": {"Line_A": {"resources": {"lathe": {"current_cap": 1, "max_cap": 5}}}},
}
ROW = re.compile(r"^\| `(?P<key>\w+)` \| [^|]* \| (?P<default>[^|]*) \|$", re.MULTILINE)


@pytest.mark.parametrize("code", [code for info, code in BLOCKS if "wrong" not in info])
def test_every_block_is_a_twin_or_a_part_of_one(folder, code):
    for name, text in MODELS.items():
        folder.module(name, text)
    tables = tomllib.loads(code)
    missing = {key: value for key, value in WHOLE.items() if key not in tables}
    if "bounds" in tables or "resources" in tables or "simulation" in tables:
        head = '[simulation]\nmodel = "line:build"\n' if "simulation" in missing else ""
        lathe = "[parameters.Line_A.resources.lathe]\ncurrent_cap = 1\nmax_cap = 5\n" if "parameters" in missing else ""
        code = f"{head}{code}\n{lathe}"
    elif "simulation" in missing:
        code = f'[simulation]\nmodel = "line:build"\n{code}'
    folder.load(code).environment()


@pytest.mark.parametrize("options", [Simulation, SinkOptions, SourceOptions])
def test_every_key_has_a_row_with_its_default(options):
    rows = {row["key"]: row["default"] for row in ROW.finditer(PAGE)}
    for field in dataclasses.fields(options):
        assert field.name in rows
        default = field.default
        if isinstance(default, bool):
            assert rows[field.name] == f"`{str(default).lower()}`"
        elif isinstance(default, (int, float)):
            assert rows[field.name] == f"`{default}`"
        elif isinstance(default, str):
            assert rows[field.name] == f'`"{default}"`'


def test_every_table_has_a_heading():
    for table in TABLES:
        assert re.search(rf"^### .*`\[{table}\b", PAGE, re.MULTILINE)
