"""Starting a client, and saying why it does not start."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

from aiokafka import errors
from aiokafka.conn import collect_hosts, create_conn

from dynamic_des.errors import PermanentError

if TYPE_CHECKING:
    from dynamic_des_kafka.security import Connection

__all__ = ["start"]

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

    Raises:
        PermanentError: If the cluster refuses the credentials, or shows a certificate that is not trusted.
        ConnectionError: If nobody answers; says what each address said.
    """
    try:
        async with asyncio.timeout(timeout_s):
            await client.start()
    except TimeoutError as error:
        raise ConnectionError(f"{connection}: connected, but no answer within {timeout_s:g} s.") from error
    except errors.KafkaConnectionError as error:
        reason, permanent = await _why_not(connection, timeout_s)
        text = f"{connection}: {reason}"
        raise (PermanentError(text) if permanent else ConnectionError(text)) from error
    except errors.KafkaError as error:
        if "Authorization" in type(error).__name__:
            raise PermanentError(f"{connection}: {type(error).__name__}: {error}. Grant it.") from error
        raise ConnectionError(f"{connection}: {type(error).__name__}: {error}") from error


async def _why_not(connection: Connection, timeout_s: float) -> tuple[str, bool]:
    """Return why no address lets us in, and whether trying again is in vain: aiokafka says that only in its log."""
    options = {key: connection.options[key] for key in _KEYS if key in connection.options}
    said = []
    for host, port, _ in collect_hosts(connection.servers):
        try:
            probe = await create_conn(host, port, request_timeout_ms=int(timeout_s * 1000), **options)
        except ssl.SSLCertVerificationError as error:
            text = (
                f"{host}:{port}: its certificate is not trusted: {error.verify_message}. Check ssl_cafile and the name."
            )
            return text, True
        except _REFUSED as error:
            return f"{host}:{port} refuses the credentials: {error}. Check user name and password.", True
        except (OSError, errors.KafkaError, TimeoutError) as error:
            cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
            said.append(f"{host}:{port}: {cause or type(cause).__name__}")
        else:
            await probe.close()
            said.append(f"{host}:{port}: answers now")
    return "; ".join(said), False
