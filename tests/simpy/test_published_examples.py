"""The seven examples that SimPy publishes, with the outputs that it publishes."""

import subprocess
import sys

import pytest

EXAMPLES = (
    "bank_renege",
    "carwash",
    "gas_station_refuel",
    "latency",
    "machine_shop",
    "movie_renege",
    "process_communication",
)
THEIR_IMPORT = "import simpy\n"
OUR_IMPORT = (
    "import simpy, functools, dynamic_des; "
    "simpy.Environment = functools.partial(dynamic_des.DynamicRealtimeEnvironment, factor=0)\n"
)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_output_is_the_published_one_byte_for_byte(simpy_sources, tmp_path, name):
    folder = simpy_sources / "docs" / "examples" / "code"
    code = (folder / f"{name}.py").read_text()
    assert code.count(THEIR_IMPORT) == 1
    example = tmp_path / f"{name}.py"
    example.write_text(code.replace(THEIR_IMPORT, OUR_IMPORT))
    done = subprocess.run([sys.executable, "-W", "error", str(example)], capture_output=True, timeout=60)
    assert done.stderr == b""
    assert done.stdout == (folder / f"{name}.out").read_bytes()


def test_there_are_seven(simpy_sources):
    published = (simpy_sources / "docs" / "examples" / "code").glob("*.out")
    assert sorted(file.stem for file in published) == sorted(EXAMPLES)
