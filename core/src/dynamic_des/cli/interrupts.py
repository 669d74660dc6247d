"""SIGINT and SIGTERM of a command: the first ends it in order, a second SIGINT at once."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

from dynamic_des.bridge.signals import Interrupted, Terminated
from dynamic_des.cli.speaking import INTERRUPTED_TWICE

if TYPE_CHECKING:
    from types import FrameType

    from dynamic_des.cli.speaking import Speaker

__all__ = ["Interrupts"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE_S = 4.0  # within which most events are over


class Interrupts:
    """Answers signals from the first connection to the last byte.

    During ``env.run`` the environment honours the first one between two events. Before and after that, this class
    does: `ending` false, it raises; true, it says that it was heard. Whoever handles the signals, and whatever the
    main thread is doing, a second SIGINT ends the process.

    Attributes:
        ending: Whether everything has been stopped already, and is being written.
    """

    def __init__(self, speaker: Speaker) -> None:
        self.ending = False
        self._speaker = speaker
        self._old: dict[int, Any] = {}
        self._old_fd = -1

    def __enter__(self) -> Self:
        # the interpreter itself writes the number of each signal into the socket, when no handler can run, too
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._old_fd = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # ignored on purpose: nohup
                self._old[number] = signal.signal(number, self._note)
        self._watcher = Thread(target=self._watch, name="signals", daemon=True)
        self._watcher.start()
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_fd)
        self._writer.close()
        self._watcher.join()
        self._reader.close()

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if not self.ending:
            raise Interrupted if number == signal.SIGINT else Terminated(0)
        self._speaker.say("what was published is being written; interrupt again to give it up")

    def _watch(self) -> None:
        noted = False
        with suppress(OSError):
            while numbers := self._received():
                for number in numbers:
                    if noted and number == signal.SIGINT:
                        self._speaker.say("interrupted twice: not everything was written")
                        os._exit(INTERRUPTED_TWICE)
                    if number in _SIGNALS and not noted:
                        noted = True
                        self._reader.settimeout(_PATIENCE_S)

    def _received(self) -> bytes:
        """Return the numbers of the next signals; say so when the first one has ended nothing for a while."""
        try:
            return self._reader.recv(64)
        except TimeoutError:
            self._reader.settimeout(None)
            if not self.ending:
                self._speaker.say(
                    "stopping: an event of the model or a last write is not over; interrupt again to give up"
                )
            return self._reader.recv(64)
