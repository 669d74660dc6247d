"""The thread that watches all connectors of an environment, and publishes how they fare."""

from __future__ import annotations

from threading import Event as Flag
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from dynamic_des.bridge.health import EgressHealth, IngressHealth, health_of_sink, health_of_source
from dynamic_des.bridge.sink import Sink
from dynamic_des.bridge.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_des.bridge.loop import IoThread
    from dynamic_des.bridge.source import Source

__all__ = ["LOOK_EVERY_S", "Monitor"]

LOOK_EVERY_S = 0.25
_NEWS_EVERY_S = 1.0
_PUBLISHED = {
    "egress": (
        "waiting", "lag_seconds", "written", "retried", "set_aside", "dead_lettered", "filtered", "dropped", "nulled",
        "blocked_seconds",
    ),
    "ingress": ("waiting", "lag_seconds", "received", "refused", "dead_lettered", "reopened", "blocked_seconds"),
}  # fmt: skip


class Monitor:
    """Watches the I/O loop and the connectors four times a second, and publishes ``system.*`` records about them.

    A thread of its own, because the I/O loop may be what does not work. It costs two switches of threads a look.

    A change of state is published at once, but for each connector at most once a second: a sink that comes and goes
    does not drown in news of itself. That a connector came up, or ended, in the ordinary way is no news. Figures are
    published every `figures_every_s` wall seconds, those that have changed.

    Args:
        io: The thread of the connectors.
        name: The twin's name.
        publish: Publishes a system record, from any thread.

    Attributes:
        watchdog: Who blocks the I/O loop.
        figures_every_s: Wall seconds between two publications of the figures; 0 for none.
    """

    def __init__(self, io: IoThread, name: str, publish: Callable[[str, Any], None]) -> None:
        self.watchdog = Watchdog(io)
        self.figures_every_s = 0.0
        self._watched: list[_Watched] = []
        self._publish = publish
        self._until_figures_s = 0.0
        self._rung = Flag()
        self._ended = Flag()
        self._parking: tuple[Flag, Flag] | None = None
        self._thread = Thread(target=self._serve, name=f"dynamic-des monitor {name}", daemon=True)
        self._thread.start()

    def watch(self, connector: Sink | Source) -> None:
        """Watch a connector from now on."""
        self._watched.append(_Watched(connector))
        connector.condition.changed = self._rung.set

    def park(self, go: Flag) -> Flag:
        """Let the thread rest between two looks until ``go`` is set; return what is set once it rests."""
        rests = Flag()
        if self._thread.is_alive():
            self._parking = (rests, go)
            self._rung.set()
        else:
            rests.set()
        return rests

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        self._rung.set()
        self._thread.join(timeout=5.0)

    def look(self, passed_s: float) -> None:
        """Look at the loop and the connectors, ``passed_s`` seconds after the last look."""
        watchdog = self.watchdog
        watchdog.look(passed_s)
        for watched in self._watched:
            condition = watched.connector.condition
            if not watchdog.blocked or watchdog.culprit is condition:  # the others wait for the loop, not for theirs
                condition.wait(passed_s)
            condition.catch_up()

    def publish_news(self) -> None:
        """Publish the state of each connector where it is news."""
        now = monotonic()
        for watched in self._watched:
            if now >= watched.quiet_until and self._publish_state(watched, news_only=True):
                watched.quiet_until = now + _NEWS_EVERY_S

    def publish_figures(self) -> None:
        """Publish everything that has changed since it was last published."""
        for watched in self._watched:
            self._publish_state(watched, news_only=False)
            health = watched.health()
            for figure in _PUBLISHED[watched.connector.condition.kind]:
                watched.publish(self._publish, figure, getattr(health, figure))

    def _publish_state(self, watched: _Watched, *, news_only: bool) -> bool:
        state, reason = watched.connector.condition.state_and_reason
        if news_only and not watched.is_news(state, reason):
            return False
        watched.publish(self._publish, "state", state)
        watched.publish(self._publish, "reason", reason)
        return True

    def _serve(self) -> None:
        next_look = monotonic() + LOOK_EVERY_S
        while not self._ended.is_set():
            self._rung.wait(max(0.0, next_look - monotonic()))
            self._rung.clear()
            if self._rest():
                next_look = monotonic() + LOOK_EVERY_S  # what the others did not do meanwhile is nobody's fault
            self.publish_news()
            now = monotonic()
            if now < next_look:
                continue
            if now - next_look > LOOK_EVERY_S:  # the process was stopped, or the machine had no time
                self.watchdog.overslept()
            next_look = now + LOOK_EVERY_S
            self.look(LOOK_EVERY_S)
            if self.figures_every_s:
                self._until_figures_s -= LOOK_EVERY_S
                if self._until_figures_s <= 0:
                    self._until_figures_s = self.figures_every_s
                    self.publish_figures()

    def _rest(self) -> bool:
        """Rest if that was asked for; return whether it was."""
        parking, self._parking = self._parking, None
        if parking is None:
            return False
        rests, go = parking
        rests.set()
        go.wait()
        self.watchdog.overslept()
        return True


class _Watched:
    """A connector, and what was published about it.

    Attributes:
        connector: The connector.
        quiet_until: Until when nothing is published about its state, in monotonic seconds.
    """

    def __init__(self, connector: Sink | Source) -> None:
        self.connector = connector
        self.quiet_until = 0.0
        self._published: dict[str, Any] = {}

    def health(self) -> EgressHealth | IngressHealth:
        """Return how it fares."""
        connector = self.connector
        return health_of_sink(connector) if isinstance(connector, Sink) else health_of_source(connector)

    def is_news(self, state: str, reason: str | None) -> bool:
        """Return whether a state is to be published: trouble, the end of trouble, and no mere change of words."""
        was_trouble = self._published.get("reason") is not None
        return state != self._published.get("state") if reason else was_trouble

    def publish(self, publish: Callable[[str, Any], None], figure: str, value: Any) -> None:
        """Publish a figure unless the last one published was the same."""
        if figure not in self._published or self._published[figure] != value:
            self._published[figure] = value
            condition = self.connector.condition
            publish(f"system.{condition.kind}.{condition.name}.{figure}", value)
