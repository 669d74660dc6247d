"""What became of tasks, as their events say."""

from __future__ import annotations

from typing import Any

__all__ = ["Tasks"]

_KINDS = ("arrival", "service", "resources", "containers", "stores", "variables")


class Tasks:
    """Twin → service → task → ``{status: timestamp}``.

    Args:
        most: How many tasks of each service are kept; the oldest go.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._state: dict[str, dict[str, dict[str, dict[str, str]]]] = {}

    def note(self, record: dict[str, Any]) -> None:
        """Take note of an event whose value has a ``path_id`` and a ``status``.

        Raises:
            KeyError: If it has not.
            TypeError: If its ``path_id`` is no text.
        """
        value = record["value"]
        if not isinstance(value["path_id"], str):
            raise TypeError("the path_id is no text.")
        status, (twin, _, rest) = str(value["status"]), value["path_id"].partition(".")
        first, _, further = rest.partition(".")
        service = further if first in _KINDS and further else rest
        tasks = self._state.setdefault(twin, {}).setdefault(service, {})
        tasks.setdefault(str(record["key"]), {})[status] = record["timestamp"]
        while len(tasks) > self._most:
            del tasks[next(iter(tasks))]

    def state(self) -> dict[str, Any]:
        """Return a copy."""
        return {
            twin: {service: {task: dict(times) for task, times in tasks.items()} for service, tasks in services.items()}
            for twin, services in self._state.items()
        }
