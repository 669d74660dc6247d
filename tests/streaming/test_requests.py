from __future__ import annotations

from types import SimpleNamespace

import pytest

from dynamic_des_streaming import ConsumerGroup, EventLog, StreamProcessor, TumblingWindow


def event(kind, **context):
    return SimpleNamespace(event_type=kind, context=context)


def test_a_log_carries_out_events(env, run):
    log = EventLog(env, "orders", 1)

    def model():
        record = yield from log.handle_event(event("Append", key="k", value=7, metadata={"sent": "by mail"}))
        assert (env.now, record.offset, record.value) == (0.001, 0, 7)
        return (yield log.handle_event({"event_type": "read", "context": {"partition_id": 0, "max_records": 5}}))

    assert [record.value for record in run(model())] == [7]


def test_a_group_carries_out_events(env, run):
    log = EventLog(env, "orders", 1, append_latency=0)
    group = ConsumerGroup(env, "billing", log)

    def model():
        yield log.append("k", 1)
        assert (yield from group.handle_event(event("Join", consumer_name="c1", consumer_entity="me"))) == [0]
        assert len((yield group.handle_event(event("Poll", consumer_name="c1")))) == 1
        yield group.handle_event(event("Commit", consumer_name="c1", offsets={0: 1}))
        yield group.handle_event(event("Heartbeat", consumer_name="c1"))
        yield group.handle_event(event("Leave", consumer_name="c1"))
        return group.committed

    assert run(model()) == {0: 1}
    assert group.entity("c1") is None


def test_a_processor_carries_out_events(env):
    results = []
    processor = StreamProcessor(env, "sums", TumblingWindow(10), sum, results.append)
    for time in (1.0, 2.0, 12.0):
        processor.handle_event(event("Process", key="k", value=1, event_time_s=time))
    env.run()
    assert [(result.window_start, result.result) for result in results] == [(0, 2), (10, 1)]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (event("Apend", key="k", value=1), "Did you mean 'append'"),
        (event("stats"), "There are append, read"),
        ("append", "asks for no operation"),
        ({"event_type": "append"}, "Give an event_type and a context"),
        (event(None), "asks for no operation"),
        (event("append", key="k"), "append: missing a required argument: 'value'"),
    ],
)
def test_an_event_that_asks_for_nothing_is_refused(env, asked, why):
    with pytest.raises(ValueError, match=r"^orders: ") as caught:
        EventLog(env, "orders").handle_event(asked)
    assert why in str(caught.value)
