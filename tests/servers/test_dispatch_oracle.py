"""The dispatch rule against a brute-force oracle: every start, end and refusal, at exact times."""

from dataclasses import dataclass, field

import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamic_des_servers import DynamicConcurrency, RequestTimedOut, Server, WeightedConcurrency

INFINITE = float("inf")


@dataclass(frozen=True)
class Arrival:
    after: int
    duration: int
    weight: int
    priority: int
    max_wait: float | None


@dataclass(frozen=True)
class Cancel:
    after: int
    which: int


@dataclass(frozen=True)
class Limit:
    after: int
    limit: int


@dataclass(frozen=True)
class Setting:
    policy: str
    weighted: bool
    limit: int
    queue_capacity: int | None


@dataclass
class Job:
    number: int
    arrival: Arrival
    state: str = "new"
    times: list = field(default_factory=list)


def observe(setting, script):
    """What the server does: for each request (outcome, start or None, time of the outcome)."""
    env = simpy.Environment()
    model = WeightedConcurrency(setting.limit) if setting.weighted else DynamicConcurrency(setting.limit, min_limit=0)
    durations = {}
    server = Server(env, "s", model, queue_policy=setting.policy, queue_capacity=setting.queue_capacity)
    server._duration = lambda request: durations[request.payload]
    requests, outcomes = [], {}

    def note(request):
        outcome = "served" if request.ok else "expired" if isinstance(request.value, RequestTimedOut) else "refused"
        outcomes[request.payload] = (outcome, request.started_at, env.now)

    def driver():
        for action in script:
            yield env.timeout(action.after)
            if isinstance(action, Arrival):
                number = len(requests)
                durations[number] = action.duration
                requests.append(
                    server.submit(number, weight=action.weight, priority=action.priority, max_wait=action.max_wait)
                )
                requests[-1].callbacks.append(note)
            elif isinstance(action, Cancel) and requests:
                number = action.which % len(requests)
                if requests[number].cancel():
                    outcomes[number] = ("cancelled", None, env.now)
            elif isinstance(action, Limit) and not setting.weighted:
                model.set_limit(action.limit)

    env.process(driver())
    env.run()
    assert server.depth == len(requests) - len(outcomes)  # what a limit of 0 leaves waiting
    assert model.active == 0
    counts = [outcome for outcome, _, _ in outcomes.values()]
    assert server.stats.requests_completed == counts.count("served")
    assert server.stats.requests_rejected == counts.count("refused") + counts.count("expired")
    assert server.requests_cancelled == counts.count("cancelled")
    return outcomes


class Oracle:
    """The same by brute force: one list of all that is to come, everything looked up by searching it."""

    def __init__(self, setting, script):
        self.setting, self.limit, self.now, self.made = setting, setting.limit, 0, 0
        self.jobs, self.outcomes, self.agenda = [], {}, []
        self.script = list(script)
        self.plan_next_action()
        while self.agenda:
            entry = min(self.agenda)
            self.agenda.remove(entry)
            self.now, _, _, what, number = entry
            getattr(self, what)(number)

    def plan(self, after, rank, what, number):
        self.made += 1
        self.agenda.append((self.now + after, rank, self.made, what, number))

    def plan_next_action(self):
        if self.script:
            self.plan(self.script[0].after, 1, "act", 0)

    def act(self, _):
        action = self.script.pop(0)
        if isinstance(action, Arrival):
            self.arrive(action)
        elif isinstance(action, Cancel) and self.jobs:
            job = self.jobs[action.which % len(self.jobs)]
            if job.state == "waiting":
                self.leave(job, "cancelled")
        elif isinstance(action, Limit) and not self.setting.weighted:
            self.limit = action.limit
            self.dispatch()
        self.plan_next_action()

    def arrive(self, arrival):
        job = Job(len(self.jobs), arrival, "waiting")
        self.jobs.append(job)
        self.dispatch()
        if job.state != "waiting":
            return
        places = self.setting.queue_capacity
        if places is not None and len(self.waiting()) > places:
            self.leave(job, "refused")
        elif arrival.max_wait is not None:
            self.plan(arrival.max_wait, 2, "expire", job.number)

    def waiting(self):
        return [job for job in self.jobs if job.state == "waiting"]

    def head(self):
        rank = {
            "fifo": lambda job: job.number,
            "lifo": lambda job: -job.number,
            "priority": lambda job: (job.arrival.priority, job.number),
        }
        return min(self.waiting(), key=rank[self.setting.policy], default=None)

    def weight(self, job):
        return job.arrival.weight if self.setting.weighted else 1

    def dispatch(self):
        while (job := self.head()) is not None:
            used = sum(self.weight(one) for one in self.jobs if one.state == "active")
            if used + self.weight(job) > self.limit:
                return
            job.state = "active"
            job.times = [self.now]
            self.plan(job.arrival.duration, 1, "end", job.number)

    def end(self, number):
        job = self.jobs[number]
        job.state = "served"
        self.outcomes[number] = ("served", job.times[0], self.now)
        self.dispatch()

    def expire(self, number):
        if self.jobs[number].state == "waiting":
            self.leave(self.jobs[number], "expired")

    def leave(self, job, how):
        job.state = how
        self.outcomes[job.number] = (how, None, self.now)
        self.dispatch()


# small numbers and many zeros: full servers, heads that do not fit, and many things at one instant
TIME = st.sampled_from([0, 0, 0, 1, 2, 3])
ARRIVALS = st.builds(
    Arrival,
    after=TIME,
    duration=st.sampled_from([0, 1, 2, 5, 8, 8]),
    weight=st.sampled_from([1, 1, 3, 4]),
    priority=st.integers(0, 2),
    max_wait=st.none() | st.integers(0, 6),
)
CANCELS = st.builds(Cancel, after=TIME, which=st.integers(0, 30))
LIMITS = st.builds(Limit, after=TIME, limit=st.integers(0, 4))
SCRIPTS = st.lists(ARRIVALS | ARRIVALS | ARRIVALS | CANCELS | LIMITS, min_size=12, max_size=30)
SETTINGS = st.builds(
    Setting,
    policy=st.sampled_from(["fifo", "lifo", "priority"]),
    weighted=st.just(True),
    limit=st.integers(4, 5),
    queue_capacity=st.none() | st.integers(0, 6),
) | st.builds(
    Setting,
    policy=st.sampled_from(["fifo", "lifo", "priority"]),
    weighted=st.just(False),
    limit=st.integers(1, 3),
    queue_capacity=st.none() | st.integers(0, 6),
)


@settings(max_examples=400, deadline=None)
@given(SETTINGS, SCRIPTS)
def test_every_request_starts_ends_or_is_refused_when_the_rule_says_so(setting, script):
    assert observe(setting, script) == Oracle(setting, script).outcomes


@settings(max_examples=200, deadline=None)
@given(SETTINGS, st.lists(ARRIVALS | ARRIVALS | CANCELS, min_size=12, max_size=40))
def test_no_capacity_is_exceeded_or_left_idle_while_the_head_would_fit(setting, script):
    env = simpy.Environment()
    model = WeightedConcurrency(setting.limit) if setting.weighted else DynamicConcurrency(setting.limit)
    server = Server(env, "s", model, queue_policy=setting.policy, queue_capacity=setting.queue_capacity)
    server._duration = lambda request: request.payload
    submitted = []

    def driver():
        for action in script:
            yield env.timeout(action.after)
            if isinstance(action, Arrival):
                keys = {"weight": action.weight, "priority": action.priority, "max_wait": action.max_wait}
                submitted.append(server.submit(action.duration, **keys))
            elif submitted:
                submitted[action.which % len(submitted)].cancel()

    env.process(driver())
    while env.peek() != INFINITE:
        env.step()
        assert 0 <= model.active <= setting.limit
        if server.depth:
            head = server._room.policy.peek()
            assert not model.has_capacity(head.weight)
        assert server.depth == sum(request.waiting for request in submitted)
    over = server.stats.requests_completed + server.stats.requests_rejected + server.requests_cancelled
    assert (over, server.depth, model.active) == (len(submitted), 0, 0)
