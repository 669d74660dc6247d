"""Random small models, and the one way to run them on any environment.

A model is plain data: processes are lists of steps, a step is a tuple whose first element says what it does. Delays are
few and small, so that many events fall on one instant and their order matters.
"""

import re
from dataclasses import dataclass
from heapq import heappop

import simpy
from hypothesis import strategies as st
from simpy.core import EmptySchedule, StopSimulation

DELAYS = st.sampled_from([0, 0, 1, 1, 2, 3, 0.0, 0.1, 0.5, 1.0, 1.5])
SHARED_EVENTS = 3
PROCESSES = 4
_WHICH_EVENT = st.integers(0, SHARED_EVENTS - 1)
_WHICH_PROCESS = st.integers(0, PROCESSES - 1)
_PATIENCE = st.none() | DELAYS


def _conditions(inner):
    return st.tuples(st.sampled_from(["all", "any"]), st.lists(inner, max_size=3))


AWAITABLE = st.recursive(
    st.tuples(st.just("timeout"), DELAYS)
    | st.tuples(st.just("event"), _WHICH_EVENT)
    | st.tuples(st.just("process"), _WHICH_PROCESS),
    _conditions,
    max_leaves=4,
)
_SIMPLE_STEP = st.one_of(
    st.tuples(st.just("wait"), AWAITABLE),
    st.tuples(st.just("wait"), st.tuples(st.just("timeout"), DELAYS)),
    st.tuples(
        st.just("use"),
        st.sampled_from(["resource", "priority", "preemptive"]),
        st.integers(0, 2),
        st.booleans(),
        DELAYS,
        _PATIENCE,
    ),
    st.tuples(st.just("put"), st.sampled_from(["store", "priority", "filter"]), st.integers(0, 3), _PATIENCE),
    st.tuples(st.just("get"), st.sampled_from(["store", "priority", "filter"]), st.integers(0, 3), _PATIENCE),
    st.tuples(st.sampled_from(["fill", "draw"]), st.sampled_from([1, 2, 0.5]), _PATIENCE),
    st.tuples(st.just("succeed"), _WHICH_EVENT),
    st.tuples(st.just("post"), st.integers(0, 9)),
)
_RISKY_STEP = st.one_of(
    st.tuples(st.just("fail"), _WHICH_EVENT),
    st.tuples(st.just("interrupt"), _WHICH_PROCESS),
    st.tuples(st.just("raise"), st.sampled_from(["ValueError", "StopSimulation"])),
)
STEP = st.recursive(
    _SIMPLE_STEP | _SIMPLE_STEP | _RISKY_STEP,
    lambda inner: (
        st.tuples(st.just("guarded"), inner)
        | st.tuples(st.sampled_from(["spawn", "join"]), st.lists(inner, min_size=1, max_size=3))
    ),
    max_leaves=3,
)
RUN = st.one_of(
    st.tuples(st.just("all")),
    st.tuples(st.just("for"), st.sampled_from([0, 1, 2, 0.5, 1.5, -1])),
    st.tuples(st.just("event"), _WHICH_EVENT),
    st.tuples(st.just("process"), _WHICH_PROCESS),
    st.tuples(st.just("steps"), st.integers(1, 6)),
)


@dataclass(frozen=True)
class Model:
    """What is run."""

    initial_time: float
    capacity: int
    processes: list
    repetitions: int
    runs: list


MODEL = st.builds(
    Model,
    initial_time=st.sampled_from([0, 0, 5, 2.5]),
    capacity=st.integers(1, 2),
    processes=st.lists(st.lists(STEP, min_size=2, max_size=6), min_size=PROCESSES, max_size=PROCESSES),
    repetitions=st.integers(1, 3),
    runs=st.lists(RUN, min_size=1, max_size=4),
)


class Rehearsal:
    """One run of a model on one environment, and everything that can be seen of it.

    Attributes:
        log: What each process saw, in order.
        trace: What happened, in order: as `trace_steps` or `trace_schedule` notes it.
    """

    def __init__(self, model, env, post=None):
        self.env = env
        self.log = []
        self.trace = []
        self._model = model
        self._post = post
        self._events = [env.event() for _ in range(SHARED_EVENTS)]
        self._resources = {
            "resource": simpy.Resource(env, model.capacity),
            "priority": simpy.PriorityResource(env, model.capacity),
            "preemptive": simpy.PreemptiveResource(env, model.capacity),
        }
        self._stores = {
            "store": simpy.Store(env, model.capacity),
            "priority": simpy.PriorityStore(env, model.capacity),
            "filter": simpy.FilterStore(env, model.capacity),
        }
        self._container = simpy.Container(env, 3, init=1)
        self._processes = []

    def trace_steps(self):
        """Trace as the recipe of SimPy's documentation does: in front of each step."""
        env, env_step = self.env, self.env.step

        def step():
            if env._queue:
                time, priority, number, event = env._queue[0]
                self.trace.append((repr(time), int(priority), number, type(event).__name__, event._ok))
            return env_step()

        env.step = step

    def trace_schedule(self):
        """Trace with a callback of each event: it leaves ``step`` as it is, and runs when the event happens."""
        env, env_schedule = self.env, self.env.schedule

        def schedule(event, *arguments, **options):
            env_schedule(event, *arguments, **options)
            _, priority, number, _ = max(env._queue, key=lambda entry: entry[2])

            def note(event):
                self.trace.append((repr(env.now), int(priority), number, type(event).__name__, event._ok))

            event.callbacks.insert(0, note)

        env.schedule = schedule

    def perform(self):
        """Run the model as it says, then to its end; return everything that can be compared."""
        for name, steps in enumerate(self._model.processes):
            self._processes.append(self.env.process(self._steps(str(name), steps * self._model.repetitions)))
        for form in self._model.runs:
            self.log.append(("ran", *self._run(form)))
        for _ in range(100):
            how, what = self._run(("all",))
            self.log.append(("ran", how, what))
            if how == "returned" and not self.env._queue:
                break
        return {"trace": self.trace, "log": self.log, "left": self._state()}

    def _run(self, form):
        env = self.env
        try:
            match form:
                case ("all",):
                    result = env.run()
                case ("for", time):
                    result = env.run(until=env.now + time)
                case ("event", which):
                    result = env.run(until=self._events[which])
                case ("process", which):
                    result = env.run(until=self._processes[which])
                case ("steps", count):
                    for _ in range(count):
                        env.step()
                    result = "stepped"
        except (Exception, EmptySchedule) as error:
            return type(error).__name__, (*_words(error), _words(error.__cause__), repr(env.now), env.peek())
        return "returned", (_plain(result), repr(env.now), env.peek())

    def _state(self):
        return {
            "now": repr(self.env.now),
            "next number": next(self.env._eid),
            "processes": [(process.is_alive, _plain(process._value)) for process in self._processes],
            "users": [(resource.count, len(resource.queue)) for resource in self._resources.values()],
            "items": [[repr(item) for item in _sorted(store)] for store in self._stores.values()],
            "waiting": [(len(store.put_queue), len(store.get_queue)) for store in self._stores.values()],
            "level": (self._container.level, len(self._container.put_queue), len(self._container.get_queue)),
        }

    def _steps(self, name, steps):
        for number, step in enumerate(steps):
            result = yield from self._step(f"{name}.{number}", step)
            self.log.append((name, number, repr(self.env.now), result))
        return name

    def _step(self, name, step):
        match step:
            case ("wait", awaitable):
                return _plain((yield self._awaitable(awaitable)))
            case ("use", kind, priority, preempt, hold, patience):
                return (yield from self._use(self._resources[kind], kind, priority, preempt, hold, patience))
            case ("put", kind, item, patience):
                store = self._stores[kind]
                put = store.put(simpy.PriorityItem(item, name) if kind == "priority" else item)
                return (yield from self._patiently(put, patience))
            case ("get", kind, item, patience):
                store = self._stores[kind]
                get = store.get(lambda offered: offered >= item) if kind == "filter" else store.get()
                return (yield from self._patiently(get, patience))
            case ("fill", amount, patience):
                return (yield from self._patiently(self._container.put(amount), patience))
            case ("draw", amount, patience):
                return (yield from self._patiently(self._container.get(amount), patience))
            case ("guarded", inner):
                try:
                    return (yield from self._step(name, inner))
                except (Exception, simpy.Interrupt) as error:
                    return type(error).__name__, _words(error)
            case ("spawn", inner):
                self.env.process(self._steps(name, inner))
            case ("join", inner):
                return _plain((yield self.env.process(self._steps(name, inner))))
            case _:
                return self._act(name, step)

    def _act(self, name, step):
        match step:
            case ("succeed", which) if not self._events[which].triggered:
                self._events[which].succeed(name)
            case ("fail", which) if not self._events[which].triggered:
                self._events[which].fail(ValueError(name))
            case ("interrupt", which):
                self._processes[which].interrupt(name)
            case ("raise", "ValueError"):
                raise ValueError(name)
            case ("raise", "StopSimulation"):
                raise StopSimulation(name)
            case ("post", value) if self._post:
                self._post(self.env, value)

    def _awaitable(self, form):
        match form:
            case ("timeout", delay):
                return self.env.timeout(delay, delay)
            case ("event", which):
                return self._events[which]
            case ("process", which):
                return self._processes[which] if which < len(self._processes) else self.env.event()
            case ("all", parts):
                return self.env.all_of([self._awaitable(part) for part in parts])
            case ("any", parts):
                return self.env.any_of([self._awaitable(part) for part in parts])

    def _patiently(self, event, patience):
        if patience is None:
            return _plain((yield event))
        result = yield event | self.env.timeout(patience)
        if event not in result:
            event.cancel()
            return "gave up"
        return _plain(result[event])

    def _use(self, resource, kind, priority, preempt, hold, patience):
        options = {} if kind == "resource" else {"priority": priority}
        if kind == "preemptive":
            options["preempt"] = preempt
        with resource.request(**options) as request:
            if patience is not None:
                result = yield request | self.env.timeout(patience)
                if request not in result:
                    return "gave up"
            else:
                yield request
            yield self.env.timeout(hold)
        return "used"


def _sorted(store):
    items = list(store.items)
    return [heappop(items) for _ in range(len(items))] if isinstance(store, simpy.PriorityStore) else items


def _words(error):
    return None if error is None else (type(error).__name__, [_plain(part) for part in error.args])


def _plain(value):
    """Return ``value`` in a form that can be compared between two runs: no events, no addresses."""
    if isinstance(value, simpy.events.ConditionValue):
        return [_plain(part) for part in value.todict().values()]
    if isinstance(value, BaseException):
        return _words(value)
    return re.sub(r"0x[0-9a-f]+", "0x", repr(value))
