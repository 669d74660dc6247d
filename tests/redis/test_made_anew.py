"""Streams and groups that are removed, made anew or cut short while a twin reads them, or between two runs."""

import pytest
from tests.stores.runs import PATH, Steered, steered

from dynamic_des import DynamicRealtimeEnvironment
from dynamic_des.testing.waiting import wait_until


@pytest.mark.parametrize("removed", ["the group", "the stream", "the stream, and its ids begin anew"])
def test_what_comes_while_a_group_is_gone_is_applied(redis_store, client, name, removed):
    with steered(redis_store.ingress(name, group="twins"), last=3) as twin:
        twin.wait_until_connected()
        redis_store.change(name, [1])
        assert wait_until(lambda: twin.seen == [1], 20)
        with client.pipeline() as at_once:
            if removed == "the group":
                at_once.xgroup_destroy(name, "twins")
            else:
                at_once.delete(name)
            at_once.xadd(name, {"path": PATH, "value": 2}, id="1-1" if "ids" in removed else "*")
            at_once.execute()
        assert wait_until(lambda: 2 in twin.seen, 20)
        redis_store.change(name, [3])
        assert twin.finish() == [1, 2, 3]


def test_a_stream_that_is_made_anew_with_lower_ids_is_read_from_its_beginning(redis_store, client, name, caplog):
    with steered(redis_store.ingress(name), last=3) as twin:
        twin.wait_until_connected()
        redis_store.change(name, [1])
        assert wait_until(lambda: twin.seen == [1], 20)
        client.delete(name)
        for number in (2, 3):
            client.xadd(name, {"path": PATH, "value": number}, id=f"1-{number}")
        assert twin.finish() == [1, 2, 3]
    assert "was made anew" in caplog.text


@pytest.mark.parametrize("cut", ["trimmed", "made anew"])
def test_a_twin_that_finds_entries_missing_goes_on_and_says_so(redis_store, client, name, caplog, cut):
    with steered(redis_store.ingress(name), last=1) as twin:
        twin.wait_until_connected()
        redis_store.change(name, [1])
        twin.finish()
    assert wait_until(lambda: client.hget(f"{name}:positions", twin.env.name), 20)
    assert "stream" not in caplog.text
    if cut == "trimmed":
        redis_store.change(name, range(2, 9))
        client.xtrim(name, maxlen=1, approximate=False)
    else:
        client.delete(name)
        client.xadd(name, {"path": PATH, "value": 7}, id="1-1")
    with steered(redis_store.ingress(name), last=8) as twin:
        twin.wait_until_connected()
        if cut == "made anew":
            client.xadd(name, {"path": PATH, "value": 8}, id="1-2")
        assert twin.finish() == [8]
    said = {"trimmed": "has lost the entry", "made anew": "was made anew, or the server has lost entries"}
    assert said[cut] in caplog.text


def test_a_member_that_is_used_for_another_run_takes_what_it_left_unsettled(redis_store, client, name):
    ingress = redis_store.ingress(name, group="twins", start="beginning")
    client.xadd(name, {"path": PATH, "value": 1, "at": 1000})
    for until, expected in ((5, []), (2000, [1])):
        with DynamicRealtimeEnvironment(factor=0, name="twin") as env:
            twin = Steered(env, last=1)
            env.setup_ingress([ingress])
            env.run(until=1)
            assert wait_until(lambda env=env: env.report().sources[0].received == 1, 20)
            env.run(until=until)
            assert twin.seen == expected
