"""Keeping secrets out of everything that is printed."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

__all__ = ["Secrets", "is_secret_key"]

_SECRET_KEY = re.compile(
    r"pass(wd|phrase)?s?$|passw|pasw|(^|[_-])pwd$|secret|token|credential|authorization|cookie|api_?key|private_?key|access_?key|account_?key",
    re.IGNORECASE,
)
# greedy up to the last @: a password that should have been percent-encoded often is not
_DSN = re.compile(r"(?P<head>\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)(?P<secret>\S+)(?=@)", re.IGNORECASE)
_KEY_VALUE = re.compile(
    r"(?P<head>\b\w*(?:password|passwd|pwd|secret|token|(?:api|access|account|private)_?key)\s*=\s*)(?P<secret>'[^']*'|\"[^\"]*\"|[^\s;&,'\")]+)",
    re.IGNORECASE,
)
_MASK = "********"
_SHORT = 4  # a secret shorter than this is blotted out only where it stands by itself


def is_secret_key(key: str) -> bool:
    """Return whether what stands under this key must never be shown."""
    return _SECRET_KEY.search(key) is not None


class Secrets:
    """The secret values of one configuration, and the means to blot them out of any text."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def __repr__(self) -> str:
        return f"<{len(self._values)} secrets>"

    def add(self, value: Any) -> None:
        """Remember a secret: text, a number, or everything in a list or a table."""
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                self.add(item)
        elif isinstance(value, str) or (isinstance(value, (int, float)) and len(str(value)) >= _SHORT):
            text = str(value)
            # a client may decode what stands in a DSN, quote it, or show its repr
            self._values |= {text, unquote(text), quote(text, safe=""), repr(text)[1:-1], *text.splitlines()} - {""}

    def collect(self, tables: Any, key: str = "") -> None:
        """Remember every secret in the configuration: under a telling key, or in a connection string."""
        if isinstance(tables, dict):
            for name, value in tables.items():
                self.collect(value, str(name))
        elif isinstance(tables, list):
            for value in tables:
                self.collect(value, key)
        else:
            if is_secret_key(key):
                self.add(tables)
            if isinstance(tables, str):
                self.add(_parts(tables))

    def redact(self, text: str) -> str:
        """Return ``text`` without any secret."""
        for value in sorted(self._values, key=len, reverse=True):
            if len(value) >= _SHORT:
                text = text.replace(value, _MASK)
            else:
                text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", _MASK, text)
        for pattern in (_DSN, _KEY_VALUE):
            text = pattern.sub(rf"\g<head>{_MASK}", text)
        return text


def _parts(text: str) -> list[str]:
    """Return the secrets inside of a connection string."""
    return [found["secret"].strip("'\"") for pattern in (_DSN, _KEY_VALUE) for found in pattern.finditer(text)]
