"""How far a finite run has got, on a terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING, Any

import click

from dynamic_des.connectors.console import ConsoleEgress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dynamic_des.bridge.environment import DynamicRealtimeEnvironment
    from dynamic_des.cli.speaking import Speaker
    from dynamic_des.config.twin import Twin

__all__ = ["progress"]

_STEPS = 1000
_INTERVAL_S = 0.2


@contextmanager
def progress(env: DynamicRealtimeEnvironment, twin: Twin, speaker: Speaker) -> Iterator[None]:
    """Show a bar while a finite run is on; nothing where it would disturb.

    Shown on standard error when that is a terminal, and the records are not printed on the same one.
    """
    until = twin.simulation.until
    on_screen = _is_terminal(sys.stdout) and any(isinstance(one, ConsoleEgress) for one, _ in twin.egresses.values())
    if until is None or on_screen or not _is_terminal(sys.stderr):
        yield
        return
    done = Flag()
    thread = Thread(target=_show, args=(env, until, done), name="progress", daemon=True)
    speaker.over_bar = True
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        speaker.over_bar = False


def _show(env: DynamicRealtimeEnvironment, until: float, done: Flag) -> None:
    start = env.now
    with click.progressbar(length=_STEPS, label=env.name, file=sys.stderr) as bar:
        while not done.wait(_INTERVAL_S):
            bar.update(int(_STEPS * (env.now - start) / (until - start)) - bar.pos)
        bar.update(int(_STEPS * (env.now - start) / (until - start)) - bar.pos)


def _is_terminal(stream: Any) -> bool:
    return stream is not None and stream.isatty()
