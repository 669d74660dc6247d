"""What core itself does for an egress, as it is asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dynamic_des.bridge.letters import Destination, check_destination
from dynamic_des.bridge.outbox import OnFull  # noqa: TC001 - evaluated: the fields are the schema of a configuration
from dynamic_des.errors import ConfigError, show

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["USUAL_FLUSH_INTERVAL", "SinkOptions"]

_LEAST = {
    "batch_size": 1, "outbox_size": 1, "spill_limit": 1, "flush_interval": 0, "drain_timeout": 0,
}  # fmt: skip
_ON_FULL = ("block", "spill", "drop_oldest")


class _Unsaid(float):
    """A default that can be told from the same number when somebody gives it."""


USUAL_FLUSH_INTERVAL = _Unsaid(1.0)


@dataclass(frozen=True)
class SinkOptions:
    """What core itself does for an egress.

    Attributes:
        batch_size: Most records in one ``write``.
        flush_interval: Seconds after which fewer are written: of wall time in real time, of simulation time at
            ``factor=0``, where no batch then spans more. Left out, it is 1 s in real time; at ``factor=0`` batches
            are full, and the rest is written when the run ends.
        when: Which records the egress gets: called with each payload dictionary on the I/O loop, it returns whether.
        on_full: What becomes of more than `outbox_size` records: ``"block"`` lets a publish wait for room,
            ``"spill"`` carries them over the disk, ``"drop_oldest"`` drops and counts. None for ``"spill"`` in real
            time, ``"block"`` at ``factor=0``.
        outbox_size: How many records may wait in memory.
        spill_dir: The folder for what spills; the system's temporary folder when None.
        spill_limit: How many bytes may spill. Beyond that the oldest records are dropped and counted.
        drain_timeout: How long, in wall seconds, the end of a run waits for the sink to take what is left.
        dead_letters: Where records go that can never be written: the path of a file, or an egress; without it they are
            counted and said.
    """

    batch_size: int = 500
    flush_interval: float = USUAL_FLUSH_INTERVAL
    when: Callable[[dict[str, Any]], bool] | None = None
    on_full: OnFull | None = None
    outbox_size: int = 100_000
    spill_dir: str | None = None
    spill_limit: int = 1024**3
    drain_timeout: float = 30.0
    dead_letters: Destination | None = None

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= least:
                raise ConfigError(f"setup_egress: {name} is {show(value)}. Give a number of at least {least}.")
            if least and not isinstance(value, int):
                raise ConfigError(f"setup_egress: {name} is {show(value)}. Give a whole number.")
        if self.on_full not in (None, *_ON_FULL):
            raise ConfigError(f"setup_egress: on_full is {show(self.on_full)}. Give {', '.join(map(repr, _ON_FULL))}.")
        if self.when is not None and not callable(self.when):
            raise ConfigError(f"setup_egress: when is {show(self.when)}. Give a function of a record.")
        if self.spill_dir is not None and not os.path.isdir(self.spill_dir):  # noqa: PTH112 - may be str or Path
            raise ConfigError(f"setup_egress: spill_dir is {show(self.spill_dir)}. Give a folder that exists.")
        if self.dead_letters is not None:
            check_destination("setup_egress", self.dead_letters)
