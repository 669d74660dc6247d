"""The figures of a component as telemetry of the twin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dynamic_des.components.checks import positive_number
from dynamic_des.components.timers import LAST, Ticker
from dynamic_des.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simpy import Environment

__all__ = ["HasTelemetry", "Publication", "Telemetered", "publish_telemetry"]


class HasTelemetry(Protocol):
    """A component with figures."""

    def telemetry(self) -> Mapping[str, float]:
        """Return its figures by name, as they are now."""


class Telemetered:
    """A component with an environment, a name and figures, which can publish them."""

    env: Environment
    name: str

    def telemetry(self) -> Mapping[str, float]:
        """Return the figures of this moment."""
        raise NotImplementedError

    def publish_telemetry(self, path: str | None = None) -> None:
        """Publish the figures of this moment as ``<path>.<figure>``; see `publish_telemetry` for doing so regularly.

        Args:
            path: Dot path to publish under: the name when None.

        Raises:
            ConfigError: If the environment publishes nothing, as a plain SimPy environment.
        """
        publish_telemetry(self.env, self, self.name if path is None else path)


class Publication:
    """Publishes the figures of a component again and again, until it is stopped.

    While it goes on, an ``env.run()`` without ``until`` does not end.
    """

    def __init__(self, env: Environment, component: HasTelemetry, path: str, interval: float) -> None:
        self._env = env
        self._component = component
        self._path = path
        self._ticks = Ticker(env, interval, self._tick, priority=LAST)
        self._ticks.arm(env.now)

    def stop(self) -> None:
        """Publish nothing from now on."""
        self._ticks.disarm()

    def _tick(self) -> None:
        _publish(self._env, self._component, self._path)
        self._ticks.arm(self._env.now)


def publish_telemetry(
    env: Environment, component: HasTelemetry, path: str, interval: float | None = None
) -> Publication | None:
    """Publish each figure of a component as ``<path>.<figure>``.

    Args:
        env: An environment that publishes, such as a ``DynamicRealtimeEnvironment``.
        component: An event log (``depth``), a consumer group (``lag``, ``active``), a stream processor (``active``,
            ``watermark_delay``), each with its counters; or anything with ``telemetry()``.
        path: What the figures' paths begin with, such as ``"Line_A.orders"``.
        interval: Publish at every whole multiple of this many simulated seconds, after everything else that happens
            at that instant. None: once, now.

    Returns:
        With an interval, what ``stop()`` ends it with.

    Raises:
        ConfigError: If the environment publishes nothing, as a plain SimPy environment.
        ParameterError: (a ValueError) If the interval is not above 0.
    """
    if not hasattr(env, "publish_telemetry"):
        raise ConfigError(
            f"{path}: {type(env).__name__} publishes no telemetry. Use a DynamicRealtimeEnvironment, or read the "
            "figures with telemetry()."
        )
    if interval is not None:
        return Publication(env, component, path, positive_number(interval, f"{path}: interval"))
    _publish(env, component, path)
    return None


def _publish(env: Environment, component: HasTelemetry, path: str) -> None:
    for figure, value in component.telemetry().items():
        env.publish_telemetry(f"{path}.{figure}", value)  # type: ignore[attr-defined] # a plain one has none
