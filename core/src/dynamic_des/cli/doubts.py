"""What is probably wrong with a configuration file, and turns out when it is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_des.connectors.local import LocalIngress
from dynamic_des.errors import UnknownPathError

if TYPE_CHECKING:
    from dynamic_des.bridge.environment import DynamicRealtimeEnvironment
    from dynamic_des.config.twin import Twin

__all__ = ["note_unknown_paths"]


def note_unknown_paths(twin: Twin, env: DynamicRealtimeEnvironment) -> None:
    """Note the paths of schedules that lead to no parameter of the file.

    A doubt and no error, since the model may register more.
    """
    for name, (ingress, _) in twin.ingresses.items():
        if isinstance(ingress, LocalIngress):
            for place, (_, path, _) in zip(ingress.entries, ingress.schedule, strict=True):
                try:
                    env.registry.get(path)
                except UnknownPathError as error:
                    text = f"{error} It is refused when its time comes, unless the model registers it."
                    twin.problems.add(("ingress", name), "schedule", text, f"[{place}][1]")
