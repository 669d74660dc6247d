"""Starting a client, and saying why it does not start."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

from aiokafka import errors
from aiokafka.conn import collect_hosts, create_conn

from dynamic_des.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dynamic_des_kafka.security import Connection

__all__ = ["start", "still_answers"]

_REFUSED = (errors.AuthenticationFailedError, errors.UnsupportedSaslMechanismError, errors.SaslAuthenticationFailed)
_KEYS = (
    "ssl_context",
    "security_protocol",
    "sasl_mechanism",
    "sasl_plain_username",
    "sasl_plain_password",
    "sasl_kerberos_service_name",
    "sasl_kerberos_domain_name",
    "sasl_oauth_token_provider",
)


async def start(client: Any, connection: Connection, timeout_s: float) -> None:
    """Start a client; the caller closes it, also when this raises.

    Asks first whether somebody answers: aiokafka says only in its log why nobody does, and loses a connection when
    its start is broken off.

    Raises:
        PermanentError: If the cluster refuses the credentials, or shows a certificate that is not trusted.
        ConnectionError: If nobody answers; says what each address said.
    """
    await _probe(connection, timeout_s)
    try:
        async with asyncio.timeout(timeout_s):
            await client.start()
    except TimeoutError as error:
        raise ConnectionError(f"{connection}: connected, but no answer within {timeout_s:g} s.") from error
    except errors.InvalidTransactionTimeout as error:
        raise PermanentError(
            f"{connection}: transaction_timeout_ms is above transaction.max.timeout.ms of the brokers. Give less."
        ) from error
    except errors.KafkaError as error:
        if "Authorization" in type(error).__name__:
            raise PermanentError(f"{connection}: {type(error).__name__}: {error}. Grant it.") from error
        raise ConnectionError(f"{connection}: {type(error).__name__}: {error}") from error


async def still_answers(client: Any) -> bool:
    """Return whether a client's brokers tell it at this moment where things are; it knows what they told."""
    try:
        async with asyncio.timeout(1.0):
            return bool(await client.force_metadata_update())
    except (TimeoutError, errors.KafkaError):
        return False


async def _probe(connection: Connection, timeout_s: float) -> None:
    """Return when one of the addresses lets us in."""
    options = {key: connection.options[key] for key in _KEYS if key in connection.options}
    said = []
    for host, port, _ in collect_hosts(connection.servers):
        where = f"{connection}: {host}:{port}"
        try:
            await _try(host, port, {**options, "request_timeout_ms": int(timeout_s * 1000)})
        except ssl.SSLCertVerificationError as error:
            raise PermanentError(
                f"{where}: its certificate is not trusted: {error.verify_message}. Check ssl_cafile and the name."
            ) from error
        except _REFUSED as error:
            raise PermanentError(f"{where} refuses the credentials: {error}. Check them.") from error
        except TimeoutError:
            said.append(f"{host}:{port}: no answer within {timeout_s:g} s")
        except (OSError, errors.KafkaError) as error:
            said.append(f"{host}:{port}: {error or type(error).__name__}{_hint(connection, error)}")
        else:
            return
    raise ConnectionError(f"{connection}: {'; '.join(said)}")


async def _try(host: str, port: int, options: Mapping[str, Any]) -> None:
    """Connect and disconnect."""
    probe = await create_conn(host, port, **options)
    try:
        if _shows_token(
            options
        ):  # the client takes any answer to a token for a yes; the next request shows which it was
            await probe._do_version_lookup()
            if not probe._versions:
                raise errors.KafkaConnectionError("it does not let us in")
    finally:
        await probe.close()


def _hint(connection: Connection, error: BaseException) -> str:
    """Return what a connection that was closed without a word may mean."""
    if not isinstance(error, (ssl.SSLError, errors.KafkaConnectionError)):
        return ""
    if _shows_token(connection.options):
        return ". It may have refused the token"
    if "ssl_context" in connection.options and not connection.shows_certificate:
        return ". It may want a certificate of yours: then give ssl_certfile and ssl_keyfile"
    return ""


def _shows_token(options: Mapping[str, Any]) -> bool:
    return options.get("sasl_mechanism") == "OAUTHBEARER"
