"""What the commands say: to standard error, without secrets."""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from dynamic_des.config.secrets import Secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Speaker", "configuration_errors", "counted", "let_go_of_output"]

MODEL_RAISED, CONFIGURATION, LOST, INTERRUPTED_TWICE = 1, 2, 3, 130

_CLEAR_LINE = "\r\033[K"


class Speaker:
    """Prints to standard error what no secret is left in.

    Attributes:
        over_bar: Whether a progress bar is on the last line, and has to make room.
    """

    def __init__(self, secrets: Secrets | None = None) -> None:
        self.over_bar = False
        self._secrets = secrets or Secrets()

    def say(self, text: str) -> None:
        """Print a line. Nobody may be listening."""
        with suppress(OSError, ValueError):
            click.echo((_CLEAR_LINE if self.over_bar else "") + self._secrets.redact(text), err=True)

    def say_traceback(self, error: BaseException) -> None:
        """Print where and why something raised."""
        self.say("".join(traceback.format_exception(error)).rstrip())

    def take_over(self) -> None:
        """Let everything that would print to standard error by itself be printed here."""
        handler = _Handler(self)
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        root = logging.getLogger()
        root.handlers[:] = [handler]
        root.setLevel(logging.INFO if os.environ.get("DYNAMIC_DES_LOG", "").lower() == "info" else logging.WARNING)
        logging.captureWarnings(True)
        threading.excepthook = self._say_of_thread
        sys.unraisablehook = self._say_of_unraisable
        sys.excepthook = lambda _, error, __: self.say_traceback(error)

    def _say_of_unraisable(self, found: sys.UnraisableHookArgs) -> None:
        if found.exc_value is not None:
            self.say(f"{found.err_msg or 'ignored in'} {found.object!r}:")
            self.say_traceback(found.exc_value)

    def _say_of_thread(self, raised: threading.ExceptHookArgs) -> None:
        if raised.exc_value is not None and raised.exc_type is not SystemExit:
            self.say(f"in the thread {raised.thread.name if raised.thread else '?'}:")
            self.say_traceback(raised.exc_value)


class _Handler(logging.Handler):
    def __init__(self, speaker: Speaker) -> None:
        super().__init__()
        self._speaker = speaker

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._speaker.say(self.format(record))
        except Exception:  # noqa: BLE001 - as logging's own handlers do
            self.handleError(record)


@contextmanager
def configuration_errors(speaker: Speaker | None = None) -> Iterator[None]:
    """Print a wrong configuration as lines, not as a traceback, and exit with 2."""
    from dynamic_des.errors import DynamicDesError

    speaker = speaker or Speaker()
    try:
        yield
    except DynamicDesError as error:
        speaker.say(str(error))
        raise SystemExit(CONFIGURATION) from None
    except KeyboardInterrupt:
        speaker.say("interrupted before anything had begun")
        raise SystemExit(INTERRUPTED_TWICE) from None


def counted(number: int, noun: str) -> str:
    """Return ``"1 ingress"``, ``"2 ingresses"``."""
    return f"{number} {noun}{'' if number == 1 else 'es' if noun.endswith('s') else 's'}"


def let_go_of_output() -> None:
    """Let the interpreter end without a word when nobody reads what it prints (``… | head``)."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), number)
