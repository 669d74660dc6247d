"""Waiting for what happens elsewhere, within a limit."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Event as Flag
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["in_background", "wait_until"]

_LOOK_EVERY_S = 0.005


def wait_until(condition: Callable[[], object], limit_s: float) -> bool:
    """Look again and again, for at most ``limit_s`` wall seconds; return whether the condition has come true."""
    deadline, pause = monotonic() + limit_s, Flag()
    while not condition():
        if monotonic() > deadline:
            return False
        pause.wait(_LOOK_EVERY_S)
    return True


def in_background(work: Callable[[], Any]) -> Future[Any]:
    """Call ``work`` in a daemon thread, which a test that gave up on it leaves behind; return its future."""
    answer: Future[Any] = Future()

    def serve() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again where the future is asked
            answer.set_exception(error)

    Thread(target=serve, name="contract run", daemon=True).start()
    return answer
