"""How far a finite run has got, on a terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dynamic_des.bridge.environment import DynamicRealtimeEnvironment
    from dynamic_des.config.twin import Twin

__all__ = ["progress"]

_STEPS = 1000


@contextmanager
def progress(env: DynamicRealtimeEnvironment, twin: Twin) -> Iterator[None]:
    """Show a bar while a finite run is on; nothing where it would disturb.

    Shown on standard error when that is a terminal, and the records are not printed on the same one.
    """
    until = twin.simulation.until
    on_screen = sys.stdout.isatty() and any(type(e).__name__ == "ConsoleEgress" for e, _ in twin.egresses.values())
    if until is None or on_screen or not sys.stderr.isatty():
        yield
        return
    done = Flag()
    thread = Thread(target=_show, args=(env, until, done), name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _show(env: DynamicRealtimeEnvironment, until: float, done: Flag) -> None:
    start = env.now
    with click.progressbar(length=_STEPS, label=env.name, file=sys.stderr) as bar:
        while not done.wait(0.2):
            _move(bar, int(_STEPS * (env.now - start) / (until - start)))
        _move(bar, int(_STEPS * (env.now - start) / (until - start)))


def _move(bar: object, to: int) -> None:
    bar.update(to - bar.pos)  # type: ignore[attr-defined]  # click's own class is private
