"""A wall clock that a test drives: it stands still but for waits, which pass at once."""

from math import nextafter

START = 1000.0


class Wall:
    """Wall seconds since some moment, as `time.monotonic`.

    Attributes:
        now: The time. Add to it in a model process to make that process slow.
        waits: How long each wait was, in wall seconds.
        interruptions: ``(wall time, function)``: what happens elsewhere while the simulation waits, soonest first.
    """

    def __init__(self):
        self.now = START
        self.waits = []
        self.interruptions = []

    @property
    def passed(self):
        return self.now - START

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now = max(self.now + seconds, nextafter(self.now, self.now + 1))

    def wait(self, timeout, unless):
        """Stand in for `Alarm.wait`."""
        if unless:
            return
        end = None if timeout is None else max(self.now + timeout, nextafter(self.now, self.now + 1))
        if self.interruptions and (end is None or self.interruptions[0][0] <= end):
            moment, happen = self.interruptions.pop(0)
            self.waits.append(moment - self.now)
            self.now = moment
            happen()
            return
        assert end is not None, "the simulation waits, and nothing will ever wake it"
        self.waits.append(end - self.now)
        self.now = end

    def rule(self, monkeypatch):
        """Be the wall clock of SimPy and of the simulation side."""
        for module in ("simpy.rt", "dynamic_des.sim.clock"):
            monkeypatch.setattr(f"{module}.monotonic", self.monotonic)
        monkeypatch.setattr("simpy.rt.sleep", self.sleep)
        monkeypatch.setattr("dynamic_des.sim.clock.Alarm.wait", lambda _, timeout, unless: self.wait(timeout, unless))
        return self
