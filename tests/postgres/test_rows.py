"""Rows made many at once are those made one by one."""

import json
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from dynamic_des.columns import RecordColumns
from dynamic_des.egress import Batch
from dynamic_des.sim.records import record_builder
from dynamic_des.testing.batches import START
from dynamic_des_postgres.rows import Rows

text = st.text(alphabet=st.one_of(st.sampled_from('\\\t\n\r"N,[]{}\0\ud800'), st.characters()), max_size=12)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), text, st.just(10**400), st.just({1, "a"}))
values = st.recursive(scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(text, inner)))


def record(seq, name, value):
    key = "key" if seq % 2 else "path_id"
    stream_type = "event" if seq % 2 else "telemetry"
    return {
        "stream_type": stream_type, "sim_ts": seq / 3, "timestamp": "2026-01-01T00:00:00+00:00",
        key: name, "value": value, "seq": seq,
    }  # fmt: skip


def cells(line):
    """A row's cells, the value decoded: there is more than one way to write a number."""
    *before, value, number = line.removesuffix(b"\n").split(b"\t")
    return *before, json.loads(value.replace(b"\\\\", b"\\")), number


@settings(max_examples=60)
@given(st.lists(st.tuples(text, values), min_size=1, max_size=6))
def test_many_rows_at_once_are_the_rows_one_by_one(pairs):
    records = [record(seq, name, value) for seq, (name, value) in enumerate(pairs, 1)]
    many, single = Rows("t\tw", "run", system=False), Rows("t\tw", "run", system=False)
    lines = [row.line for row in single.one_by_one(records)]
    assert list(map(cells, b"".join(many.chunks(records)).splitlines(keepends=True))) == list(map(cells, lines))
    assert (many.refused, many.nulled) == (single.refused, single.nulled)
    assert len(lines) + len(single.refused) == len(records)


def test_usual_records_are_made_at_once():
    rows = Rows("twin", "run", system=False)
    rows.one_by_one = None  # so that it raises where they are not
    records = [record(seq, f"part-{seq}", {"text": 'a\\b"\t', "number": seq, "none": None}) for seq in range(1, 2001)]
    lines = b"".join(rows.chunks(records)).split(b"\n")
    assert lines.pop() == b""
    assert [line.split(b"\t")[2] for line in lines] == [b"%d" % seq for seq in range(1, 2001)]
    value = lines[0].split(b"\t")[7].replace(b"\\\\", b"\\")
    assert json.loads(value) == records[0]["value"]


def test_nan_is_counted_where_no_column_holds_it():
    rows = Rows("twin", "run", system=False)
    records = [record(1, "a", math.nan), record(2, "a", {"x": [math.inf, math.nan]}), record(3, "a", None)]
    assert [line.split(b"\t")[7:] for line in b"".join(rows.chunks(records)).splitlines()] == [
        [b"null", b"nan"],
        [b'{"x":[null,null]}', b"\\N"],
        [b"null", b"\\N"],
    ]
    assert rows.nulled == {2: 2}


def test_the_columns_of_a_batch_make_the_rows_of_its_records():
    import numpy  # noqa: F401 - there are columns where it is imported

    names = ["part", "tab\t", 7, "part"]
    raw = [(seq, seq / 3, seq % 2 == 1, name, {"n": seq}) for seq, name in enumerate(names * 300, 1)]
    batch = Batch(RecordColumns(raw), record_builder(START, 0.0))
    by_columns, by_records = Rows("twin", "run", system=False), Rows("twin", "run", system=False)
    columns = batch.columns()
    assert columns is not None
    assert b"".join(by_columns.chunks(columns)) == b"".join(by_records.chunks(list(batch)))
