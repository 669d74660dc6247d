from types import SimpleNamespace

import pytest

from dynamic_des_servers import ThreadPool, ThreadPoolStats


def task(seconds):
    return {"metadata": {"processing_time": seconds}}


def test_each_task_takes_as_long_as_its_metadata_says(env, log):
    pool = ThreadPool(env, "pool", num_workers=2)
    log.watch(pool.submit("a", context=task(5)))
    log.watch(pool.submit("b", context=task(1)))
    log.watch(pool.submit("c", context=task(2)))
    assert (pool.active_workers, pool.idle_workers, pool.queued_tasks, pool.worker_utilization) == (2, 0, 1, 1.0)
    assert not pool.has_capacity()
    env.run()
    assert log == [("b", 1, "ok"), ("c", 3, "ok"), ("a", 5, "ok")]
    assert pool.stats == ThreadPoolStats(tasks_completed=3, tasks_rejected=0, total_processing_time=8.0)
    assert pool.average_processing_time == 8 / 3
    assert pool.has_capacity()


@pytest.mark.parametrize(
    "submitted",
    [
        SimpleNamespace(context={"metadata": {"processing_time": 4}}),
        {"context": {"metadata": {"processing_time": 4}}},
        {"metadata": {"processing_time": 4}},
    ],
)
def test_the_context_may_be_the_tasks_own(env, submitted):
    pool = ThreadPool(env, "pool", 1)
    assert env.run(until=pool.submit(submitted)) is submitted
    assert env.now == 4


@pytest.mark.parametrize(
    "submitted",
    [None, "a task", {"metadata": {}}, {"metadata": None}, {}, {"context": None}, SimpleNamespace(context="other")],
)
def test_a_task_that_does_not_say_takes_the_default(env, submitted):
    pool = ThreadPool(env, "pool", 1)
    pool.submit(submitted)
    env.run()
    assert env.now == 0.01


def test_the_extractor_replaces_the_metadata(env):
    pool = ThreadPool(env, "pool", 1, processing_time_extractor=lambda job: job["bytes"] / 100)
    pool.submit({"bytes": 250, "metadata": {"processing_time": 99}})
    env.run()
    assert env.now == 2.5


def test_the_default_can_be_live(env):
    default = [1]
    pool = ThreadPool(env, "pool", 1, default_processing_time=lambda: default[0])
    pool.submit()
    pool.submit()
    env.run(until=0.5)
    default[0] = 3
    env.run()
    assert env.now == 4


def test_the_documented_order_of_arguments(env):
    pool = ThreadPool(env, "pool", 2, "lifo", 1, lambda job: job, 0.5)
    done = []
    for seconds in (3, 3, 1):
        pool.submit(seconds).callbacks.append(lambda request: done.append(request.payload))
    pool.submit(1)
    assert pool.stats.tasks_rejected == 1
    env.run()
    assert done == [3, 3, 1]


def test_a_queue_capacity_refuses_and_counts(env):
    pool = ThreadPool(env, "pool", 1, queue_capacity=2)
    for _ in range(5):
        pool.submit(context=task(1))
    env.run()
    assert pool.stats == ThreadPoolStats(3, 2, 3.0)


def test_percentiles_of_processing_times(env):
    pool = ThreadPool(env, "pool", 3)
    assert (pool.get_processing_time_percentile(0.5), pool.average_processing_time) == (0.0, 0.0)
    for seconds in (4, 1, 2):
        pool.submit(context=task(seconds))
    env.run()
    assert [pool.get_processing_time_percentile(p) for p in (0, 0.25, 0.5, 1)] == [1, 1.5, 2, 4]


@pytest.mark.parametrize("bad", [-1, float("nan"), "1", True])
def test_a_processing_time_that_makes_no_sense_fails_its_task(env, bad):
    pool = ThreadPool(env, "pool", 1)
    failed = pool.submit(context=task(bad))
    failed.defused = True
    good = pool.submit(context=task(1))
    env.run()
    assert isinstance(failed.value, ValueError)
    assert "ThreadPool 'pool': the duration of a service" in str(failed.value)
    assert good.ok
    assert pool.requests_failed == 1


@pytest.mark.parametrize("workers", [0, -1, 1.5, None])
def test_less_than_one_worker_is_refused(env, workers):
    with pytest.raises(ValueError, match=r"ThreadPool 'pool': concurrency: .* is not a whole number, 1 or more"):
        ThreadPool(env, "pool", workers)


def test_yield_from_works_here_too(env):
    pool = ThreadPool(env, "pool", 1)

    def client():
        first = yield from pool.submit(task(2))
        yield from pool.handle_queued_event(task(3))
        return first, env.now

    assert env.run(env.process(client())) == (task(2), 5)
