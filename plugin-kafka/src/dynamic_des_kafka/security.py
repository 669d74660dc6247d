"""How to reach a cluster: addresses and credentials, checked before anything is connected."""

from __future__ import annotations

import re
import ssl
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from aiokafka.helpers import create_ssl_context

from dynamic_des.errors import ConfigError, nearest, show
from dynamic_des_kafka.options import arguments, checked
from dynamic_des_kafka.tokens import token_provider

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Connection", "tls"]

_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI", "OAUTHBEARER")
# names that other clients have for what is a provider of tokens here
_ELSEWHERE = {
    "AWS_MSK_IAM": (
        " Give 'OAUTHBEARER', and a sasl_oauth_token_provider whose token() returns "
        "aws_msk_iam_sasl_signer.MSKAuthTokenProvider.generate_auth_token(region)[0]."
    )
}
_HOST = re.compile(r"[^\s/@:\[\]]+|\[[0-9a-fA-F:.%\w]+\]")  # a name or an address; one of version 6 in brackets
_TLS = ("ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_password")


def tls(
    *,
    ssl_cafile: str | None = None,
    ssl_certfile: str | None = None,
    ssl_keyfile: str | None = None,
    ssl_password: str | None = None,
) -> ssl.SSLContext:
    """Return a context that trusts a certificate authority and, for mutual TLS, shows a certificate.

    Args:
        ssl_cafile: PEM file of the authorities to trust; those of the system when None.
        ssl_certfile: PEM file of one's own certificate.
        ssl_keyfile: PEM file of its key.
        ssl_password: The key's password.
    """
    password = _revealed(ssl_password)
    if password is None:
        password = ""  # else OpenSSL asks on the terminal for that of a key that has one, and waits
    context: ssl.SSLContext = create_ssl_context(
        cafile=ssl_cafile, certfile=ssl_certfile, keyfile=ssl_keyfile, password=password
    )
    return context


class Connection:
    """Where a cluster is and how to reach it, for any kind of client.

    Args:
        where: What it is for, in the texts of errors.
        bootstrap_servers: ``host:port``, several of them with commas between or as a list.
        options: Arguments of the clients, and those of `tls`.
        clients: The classes whose arguments they may be.

    Attributes:
        where: What it is for, in the texts of errors.
        servers: The addresses.
        shows_certificate: Whether it has, or may have, a certificate of its own to show.

    Raises:
        ConfigError: For an address, a combination of credentials or an argument that makes no sense.
    """

    def __init__(
        self, where: str, bootstrap_servers: str | list[str], options: Mapping[str, Any], *clients: Callable[..., Any]
    ) -> None:
        self.where = where
        self.servers = _addresses(where, bootstrap_servers)
        given = {key: _revealed(value) for key, value in options.items()}
        self._options = checked(where, given, (tls, *clients))
        self._check_credentials()

    def __repr__(self) -> str:
        said = [", ".join(self.servers)]
        said += [str(self._options[key]) for key in ("security_protocol", "sasl_mechanism") if key in self._options]
        if "sasl_plain_username" in self._options:
            said.append(f"as {self._options['sasl_plain_username']}")
        return f"<Kafka at {' '.join(said)}>"

    def __str__(self) -> str:
        return f"Kafka at {', '.join(self.servers)}"

    @property
    def options(self) -> Mapping[str, Any]:
        """The arguments of the clients."""
        return self._options

    def of(self, client: Callable[..., Any], **defaults: Any) -> dict[str, Any]:
        """Return the arguments for one kind of client.

        Args:
            client: Its class.
            **defaults: What holds where nothing was given.
        """
        taken = arguments(client)
        given = {key: value for key, value in self._options.items() if key in taken}
        return {"bootstrap_servers": self.servers, **defaults, **given}

    def _check_credentials(self) -> None:
        options = self._options
        protocol = str(options.get("security_protocol", "PLAINTEXT"))
        if protocol not in _PROTOCOLS:
            hint = nearest(protocol, _PROTOCOLS) or f" Give one of {', '.join(_PROTOCOLS)}."
            raise ConfigError(f"{self.where}: security_protocol is {show(protocol)}.{hint}")
        encrypted, signed_in = protocol.endswith("SSL"), protocol.startswith("SASL")
        files = {key: options.pop(key) for key in _TLS if key in options}
        if (files or "ssl_context" in options) and not encrypted:
            given = next(iter(files), "ssl_context")
            raise ConfigError(
                f"{self.where}: {given} is given, but security_protocol is {protocol!r}. Give 'SSL' or 'SASL_SSL'."
            )
        self._check_certificate(files)
        self.shows_certificate = "ssl_context" in options or "ssl_certfile" in files
        if encrypted and "ssl_context" not in options:
            options["ssl_context"] = self._context(files)
        sasl = [key for key in options if key.startswith("sasl_")]
        if sasl and not signed_in:
            raise ConfigError(
                f"{self.where}: {sasl[0]} is given, but security_protocol is {protocol!r}. "
                "Give 'SASL_SSL' or 'SASL_PLAINTEXT'."
            )
        if signed_in:
            self._check_mechanism(str(options.get("sasl_mechanism", "PLAIN")))

    def _check_mechanism(self, mechanism: str) -> None:
        options = self._options
        if mechanism not in _MECHANISMS:
            hint = (
                _ELSEWHERE.get(mechanism)
                or nearest(mechanism, _MECHANISMS)
                or f" Give one of {', '.join(_MECHANISMS)}."
            )
            raise ConfigError(f"{self.where}: sasl_mechanism is {show(mechanism)}.{hint}")
        if mechanism == "PLAIN" or mechanism.startswith("SCRAM"):
            for key in ("sasl_plain_username", "sasl_plain_password"):
                if not options.get(key):
                    raise ConfigError(f"{self.where}: {key} is missing or empty; sasl_mechanism {mechanism} needs it.")
        if mechanism == "GSSAPI" and find_spec("gssapi") is None:
            raise ConfigError(f"{self.where}: sasl_mechanism is 'GSSAPI', which needs gssapi. Run: pip install gssapi.")
        if mechanism == "OAUTHBEARER":
            options["sasl_oauth_token_provider"] = token_provider(self.where, options.get("sasl_oauth_token_provider"))

    def _check_certificate(self, files: Mapping[str, Any]) -> None:
        context = self._options.get("ssl_context")
        if context is not None and not isinstance(context, ssl.SSLContext):
            raise ConfigError(f"{self.where}: ssl_context is {show(context)}. Give an ssl.SSLContext.")
        if context is not None and files:
            raise ConfigError(f"{self.where}: {next(iter(files))} is given beside ssl_context. Give one of them.")
        for key in ("ssl_keyfile", "ssl_password"):
            if files.get(key) is not None and files.get("ssl_certfile") is None:
                raise ConfigError(f"{self.where}: {key} is given, but no ssl_certfile. Give the certificate, too.")

    def _context(self, files: dict[str, Any]) -> ssl.SSLContext:
        try:
            return tls(**files)
        except (OSError, ValueError, TypeError) as error:  # ssl.SSLError is an OSError
            named = ", ".join(str(files[key]) for key in _TLS[:3] if files.get(key))
            raise ConfigError(
                f"{self.where}: TLS: {named}: {error}. Give PEM files, and the key's password."
            ) from error


def _addresses(where: str, given: Any) -> list[str]:
    if not isinstance(given, (str, list, tuple)):
        raise ConfigError(f"{where}: bootstrap_servers is {show(given)}. Write 'host:9092', or several with commas.")
    parts = given.split(",") if isinstance(given, str) else given
    addresses = [str(part).strip() for part in parts if str(part).strip()]
    for address in addresses:
        host, colon, port = address.rpartition(":")
        if not colon:
            host, port = address, "9092"
        if not _HOST.fullmatch(host) or not port.isdecimal() or not 0 < int(port) < 65536:
            shown = show(address.rpartition("@")[2])  # before it somebody may have written a password
            raise ConfigError(f"{where}: bootstrap_servers {shown} is no address. Write 'host:9092'.")
    if not addresses:
        raise ConfigError(f"{where}: bootstrap_servers is {show(given)}. Write 'host:9092', or several with commas.")
    return addresses


def _revealed(value: Any) -> Any:
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value
