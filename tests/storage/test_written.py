"""What an egress says that the folder holds, so that a run that goes on writes nothing twice."""

import asyncio

import pytest
from tests.storage.conftest import read
from tests.storage.killed import third, values

from dynamic_des.testing import make_batch, make_run
from dynamic_des_storage import JsonlEgress, ParquetEgress


@pytest.fixture
def lake(tmp_path, make):
    """Opens an egress of the run to a folder with three partitions."""

    def opened(run="a", **options):
        egress = make(tmp_path, router=third, target_file_size=0, **options)
        asyncio.run(egress.open(make_run(run)))
        return egress

    opened.path = tmp_path
    return opened


def written(egress):
    return asyncio.run(egress.written())


def write(egress, first, count):
    return egress.write(make_batch(values(first, count), first))


def test_a_batch_that_reached_some_of_its_folders_does_not_count_and_comes_again_without_doubles(lake):
    egress = lake()
    write(egress, 1, 30)
    put, left = egress._place.put, [2]

    def put_two(name, content):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        put(name, content)

    egress._place.put = put_two
    with pytest.raises(OSError, match="No space left"):
        write(egress, 31, 30)
    assert len(read(lake.path)) == 50
    again = lake()
    assert written(again) == 30
    write(again, 31, 17)  # in batches of another size
    write(again, 48, 17)
    assert written(again) == 64
    assert sorted(read(lake.path)["seq"].to_pylist()) == list(range(1, 65))


def test_what_can_never_be_written_is_no_gap(lake):
    egress = lake()
    batch = make_batch([*values(1, 8), {"n": 9, "text": object()}])
    assert len(egress.write(batch) or batch.refused) == 1
    assert written(lake()) == 8


def test_each_run_has_its_own_number_and_a_new_one_none(lake):
    write(lake("a"), 1, 5)
    write(lake("b"), 1, 7)
    assert [written(lake(run)) for run in "abc"] == [5, 7, 0]


def test_files_that_became_one_are_counted_too(tmp_path, make):
    egress = make(tmp_path, router=third, target_file_size=1 << 20)
    asyncio.run(egress.open(make_run("a")))
    for first in range(1, 61, 20):
        write(egress, first, 20)
    asyncio.run(egress.close())
    assert len(list(tmp_path.rglob("records_*"))) == 3
    asyncio.run(egress.open(make_run("a")))
    assert written(egress) == 60


def test_what_a_sink_of_another_format_holds_in_the_folder_does_not_count(lake, make):
    write(lake(), 1, 30)
    other = {ParquetEgress: JsonlEgress, JsonlEgress: ParquetEgress}[make](lake.path, router=third)
    asyncio.run(other.open(make_run("a")))
    assert written(other) == 0
    other.write(make_batch(values(1, 9), 1))
    assert (written(other), written(lake())) == (9, 30)
