"""The figures of a component as telemetry of the twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_des.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simpy import Environment

__all__ = ["publish_figures"]


def publish_figures(env: Environment, path: str, figures: Mapping[str, float]) -> None:
    """Publish each figure as ``<path>.<figure>`` at this simulation time.

    Raises:
        ConfigError: If the environment publishes nothing, as a plain SimPy environment.
    """
    publish = getattr(env, "publish_telemetry", None)
    if publish is None:
        raise ConfigError(
            f"{path}: {type(env).__name__} publishes no telemetry. Use a DynamicRealtimeEnvironment, or read "
            "the figures with telemetry()."
        )
    for figure, value in figures.items():
        publish(f"{path}.{figure}", value)
