from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dynamic_des_streaming import Partition, Record

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 1500)),
        st.tuples(st.just("expire"), st.floats(0, 1)),
        st.tuples(st.just("read"), st.floats(-0.1, 1.1), st.integers(0, 1200)),
    ),
    max_size=12,
)


@given(STEPS)
def test_a_partition_holds_what_a_list_would(steps):
    partition, kept = Partition(0), []
    for step in steps:
        if step[0] == "append":
            kept += [partition.append("k", None, 0.0) for _ in range(step[1])]
        elif step[0] == "expire":
            count = int(step[1] * len(kept))
            partition.expire(count)
            del kept[:count]
        else:
            low = kept[0].offset if kept else partition.high_watermark
            offset = int(low + step[1] * len(kept))
            expected = [record for record in kept if record.offset >= offset][: step[2]]
            assert partition.read(offset, step[2]) == expected
    assert len(partition) == len(kept)
    assert partition.records == kept
    if kept:
        assert partition.oldest is kept[0]
        assert (partition.low_watermark, partition.high_watermark) == (kept[0].offset, kept[-1].offset + 1)


def test_what_has_expired_is_not_held_on_to():
    partition = Partition(0)
    for _ in range(5000):
        partition.append("k", None, 0.0)
    partition.expire(4500)
    held = [record for segment in partition._segments.values() for record in segment if record is not None]
    assert [record.offset for record in held] == list(range(4500, 5000))
    assert len(partition._segments) == 1


def test_a_partition_can_begin_with_records():
    records = [Record(offset, "k", offset, 0.0, 3) for offset in range(2000, 2005)]
    partition = Partition(3, records)
    assert (partition.low_watermark, partition.high_watermark, len(partition)) == (2000, 2005, 5)
    assert partition.records == records
    assert partition.append("k", "next", 1.0) == Record(2005, "k", "next", 1.0, 3)
    assert (Partition(0, high_watermark=7).low_watermark, Partition(0, high_watermark=7).records) == (7, [])
    assert repr(partition) == "<Partition 3: offsets 2000 to 2006>"
