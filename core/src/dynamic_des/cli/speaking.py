"""What the commands say: to standard error, without secrets."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from dynamic_des.config.secrets import Secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Speaker", "configuration_errors"]

MODEL_RAISED, CONFIGURATION, LOST, INTERRUPTED_TWICE = 1, 2, 3, 130


class Speaker:
    """Prints to standard error what no secret is left in."""

    def __init__(self, secrets: Secrets | None = None) -> None:
        self._secrets = secrets or Secrets()

    def say(self, text: str) -> None:
        """Print a line."""
        click.echo(self._secrets.redact(text), err=True)

    def say_traceback(self, error: BaseException) -> None:
        """Print where and why the model raised."""
        self.say("".join(traceback.format_exception(error)).rstrip())

    def take_logging(self) -> None:
        """Let what the framework and the connectors log be printed, too."""
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_Redacting(self._secrets))
        root = logging.getLogger()
        root.handlers[:] = [handler]
        root.setLevel(logging.INFO if os.environ.get("DYNAMIC_DES_LOG", "").lower() == "info" else logging.WARNING)


class _Redacting(logging.Formatter):
    def __init__(self, secrets: Secrets) -> None:
        super().__init__("%(levelname)s %(message)s")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return self._secrets.redact(super().format(record))


@contextmanager
def configuration_errors() -> Iterator[None]:
    """Print a wrong configuration as lines, not as a traceback, and exit with 2."""
    from dynamic_des.errors import DynamicDesError

    try:
        yield
    except DynamicDesError as error:
        Speaker().say(str(error))
        raise SystemExit(CONFIGURATION) from None
