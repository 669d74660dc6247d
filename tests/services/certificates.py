"""Certificates of our own: an authority, and what a server shows that it has signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Certificates"]


@dataclass(frozen=True)
class Certificates:
    """Files of PEM.

    Attributes:
        authority: The certificate of who signs, to be trusted.
        certificate: The server's, with its chain.
        key: The server's key.
    """

    authority: Path
    certificate: Path
    key: Path

    @classmethod
    def made(cls, folder: Path, host: str = "127.0.0.1") -> Certificates:
        """Return new ones, for a server at an address."""
        folder.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA()
        issued = authority.issue_cert(host)
        made = cls(folder / "ca.pem", folder / "server.pem", folder / "server.key")
        authority.cert_pem.write_to_path(made.authority)
        for number, blob in enumerate(issued.cert_chain_pems):
            blob.write_to_path(made.certificate, append=number > 0)
        issued.private_key_pem.write_to_path(made.key)
        return made
