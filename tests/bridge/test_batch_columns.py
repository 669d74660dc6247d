"""A batch by columns, and as lines: the same records as the dictionaries."""

from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import numpy as np
import pytest
from tests.bridge.conftest import make_environment

from dynamic_des import BaseEgress, JsonSerializer
from dynamic_des.columns import RecordColumns
from dynamic_des.egress import Batch
from dynamic_des.serializers import MessageSerializer
from dynamic_des.sim.records import record_builder
from dynamic_des.testing import make_batch

SUMMER = datetime(2026, 7, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
RAW = [(1, 0, True, "part-1", {"n": 1}), (2, 0.25, False, "line.load", 0.5), (3, 90.000001, True, "part-2", None)]


def test_columns_say_what_the_dictionaries_say():
    batch = Batch(RecordColumns(RAW), record_builder(SUMMER, 0))
    columns = batch.columns()
    assert (columns.seq, columns.sim_ts) == ([1, 2, 3], [0.0, 0.25, 90.000001])
    assert columns.moment.dtype == np.dtype("datetime64[us]")
    assert [datetime.fromisoformat(record["timestamp"]) for record in batch] == [
        moment.replace(tzinfo=UTC) for moment in columns.moment.tolist()
    ]
    assert columns.name == [record.get("key", record.get("path_id")) for record in batch]
    assert columns.is_event == [record["stream_type"] == "event" for record in batch]
    assert columns.value == [record["value"] for record in batch]


@pytest.mark.parametrize(
    "time", [Fraction(1, 3), 1e300, 10**400], ids=["a fraction", "beyond the calendar", "beyond floats"]
)
def test_times_that_only_a_dictionary_can_tell_have_no_columns(time):
    batch = Batch(RecordColumns([*RAW, (4, time, True, "part-3", None)]), record_builder(SUMMER, 0))
    assert batch.columns() is None
    assert len(batch[:]) == 4


def test_records_of_the_framework_and_filtered_ones_have_no_columns():
    class Asking(BaseEgress):
        def __init__(self):
            self.found = {}

        async def write(self, batch):
            self.found[batch.system] = batch.columns() is not None

    free, filtered = Asking(), Asking()
    with make_environment(factor=0) as env:
        env.setup_egress([free])
        env.setup_egress([filtered], when=lambda record: record["stream_type"] == "event")
        env.publish_event("part-1", {})
        env.post("L.variables.none", 1)
        env.run(1)
    assert free.found == {False: True, True: False}
    assert filtered.found[False] is False


@pytest.mark.parametrize("count", [0, 1, 500, 501, 1750])
def test_lines_are_what_each_record_is_alone(count):
    values = [{"n": number, "text": 'ü\n"}'} for number in range(count)]
    alone = [JsonSerializer().serialize("", record) + b"\n" for record in make_batch(values)]
    assert make_batch(values).lines(JsonSerializer()) == b"".join(alone)
    looked_at = make_batch(values)
    list(looked_at)
    assert looked_at.lines(JsonSerializer()) == b"".join(alone)


def test_a_record_that_has_no_form_is_no_line_and_its_neighbours_are():
    batch = make_batch([*range(600), object(), 2**70])
    lines = batch.lines(JsonSerializer())
    assert lines.count(b"\n") == 601
    assert lines.endswith(b'"value":1180591620717411303424,"seq":602}\n')
    assert [seq for seq, _ in batch.refused] == [601]
    assert batch.lines(JsonSerializer()) == lines


def test_a_serializer_that_overrides_one_record_has_that_for_all():
    class Upper(JsonSerializer):
        def serialize(self, topic, data):
            return super().serialize(topic, data["value"]).upper()

    assert make_batch("abc").lines(Upper()) == b'"A"\n"B"\n"C"\n'


def test_any_serializer_makes_lines():
    class Number(MessageSerializer):
        def serialize(self, topic, data):
            return b"%d" % data["seq"]

    assert make_batch("abc").lines(Number()) == b"1\n2\n3\n"
