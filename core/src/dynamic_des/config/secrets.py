"""Keeping secrets out of everything that is printed."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["Secrets", "is_secret_key"]

_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)?$|pasw|secret|token|credential|api_?key|private_?key|access_?key", re.IGNORECASE
)
_DSN = re.compile(r"(?P<head>[a-z][a-z0-9+.-]*://[^\s:/@]*:)(?P<secret>[^\s@]+)(?=@)", re.IGNORECASE)
_KEY_VALUE = re.compile(
    r"(?P<head>\b(?:password|passwd|pwd|secret|token)\s*=\s*)(?P<secret>'[^']*'|\"[^\"]*\"|[^\s;&'\"]+)", re.IGNORECASE
)
_MASK = "********"


def is_secret_key(key: str) -> bool:
    """Return whether what stands under this key must never be shown."""
    return _SECRET_KEY.search(key) is not None


class Secrets:
    """The secret values of one configuration, and the means to blot them out of any text."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def collect(self, tables: Any, key: str = "") -> None:
        """Remember every secret in the configuration: under a telling key, or in a connection string."""
        if isinstance(tables, dict):
            for name, value in tables.items():
                self.collect(value, str(name))
        elif isinstance(tables, list):
            for value in tables:
                self.collect(value, key)
        elif isinstance(tables, str):
            if is_secret_key(key):
                self._values.add(tables)
            for pattern in (_DSN, _KEY_VALUE):
                self._values.update(found["secret"].strip("'\"") for found in pattern.finditer(tables))

    def redact(self, text: str) -> str:
        """Return ``text`` without any secret."""
        for value in sorted(self._values, key=len, reverse=True):
            if value:
                text = text.replace(value, _MASK)
        for pattern in (_DSN, _KEY_VALUE):
            text = pattern.sub(rf"\g<head>{_MASK}", text)
        return text
