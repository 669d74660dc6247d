"""Noticing that nobody reads standard output any more."""

from __future__ import annotations

import select
import signal
import sys
import threading
from typing import TYPE_CHECKING

from dynamic_des.connectors.console import ConsoleEgress

if TYPE_CHECKING:
    from dynamic_des.cli.speaking import Speaker
    from dynamic_des.config.twin import Twin

__all__ = ["stop_when_unread"]


def stop_when_unread(twin: Twin, speaker: Speaker) -> None:
    """End the run in order when ``… | head`` has seen enough, and the screen was all that there is to write to.

    With any other egress the run goes on: one sink that stops never stops the others.
    """
    egresses = [connector for connector, _ in twin.egresses.values()]
    only_screen = bool(egresses) and all(isinstance(egress, ConsoleEgress) for egress in egresses)
    if only_screen and sys.stdout is not None and hasattr(select, "poll"):
        threading.Thread(target=_wait_for_end_of_reader, args=(speaker,), name="reader", daemon=True).start()


def _wait_for_end_of_reader(speaker: Speaker) -> None:
    poll = select.poll()
    poll.register(1, 0)  # nothing is asked for: what is told in any case is that the other end was closed
    if any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll()):
        speaker.say("nobody reads standard output any more: the run ends")
        main = threading.main_thread().ident
        if main is not None:
            signal.pthread_kill(main, signal.SIGTERM)
