import pytest
import simpy


@pytest.fixture
def env():
    """A plain SimPy environment: what everything here but the live parameters must run on."""
    return simpy.Environment()


@pytest.fixture
def log(env):
    """Watch requests: a list of (label, simulation time, "ok" or the class of the failure)."""
    return Log(env)


class Log(list):
    def __init__(self, env):
        super().__init__()
        self.env = env

    def watch(self, request, label=None):
        request.callbacks.append(lambda event: self._note(event, label))
        return request

    def _note(self, request, label):
        outcome = "ok" if request.ok else type(request.value).__name__
        self.append((request.payload if label is None else label, self.env.now, outcome))
