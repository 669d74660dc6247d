"""A Confluent-compatible schema registry, through Confluent's own client.

Source: https://docs.confluent.io/platform/current/schema-registry/develop/api.html, and for the wire format
https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any
from weakref import finalize

from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from dynamic_des.errors import ConfigError, DecodeError, EncodeError, PermanentError, UnavailableError, nearest, show

__all__ = ["HEADER_SIZE", "ConfluentRegistry", "framed", "header_of"]

_KEYS = (
    "basic.auth.credentials.source", "basic.auth.user.info", "bearer.auth.client.id", "bearer.auth.client.secret",
    "bearer.auth.credentials.source", "bearer.auth.identity.pool.id", "bearer.auth.issuer.endpoint.url",
    "bearer.auth.logical.cluster", "bearer.auth.scope", "bearer.auth.token", "cache.capacity", "cache.latest.ttl.sec",
    "max.retries", "proxy", "retries.max.wait.ms", "retries.wait.ms", "ssl.ca.location", "ssl.certificate.location",
    "ssl.key.location", "ssl.key.password", "timeout",
)  # fmt: skip
# without a timeout a registry that is frozen is waited for without end; core tries again, with growing pauses
_DEFAULTS = {"timeout": 10, "max.retries": 0}
_FORBIDDEN = (401, 403)
_LATER = (408, 425, 429)
_MAGIC = 0
_FRAME = struct.Struct(">bI")
HEADER_SIZE = _FRAME.size


class ConfluentRegistry:
    """The calls that serializers need; each blocks until the registry has answered.

    Args:
        where: Whose registry it is, for the texts of errors.
        url: Its address; several with commas between. ``mock://NAME`` is one in memory, shared by the process.
        options: For `confluent_kafka.schema_registry.SchemaRegistryClient`; ``basic_auth_user_info`` is
            ``basic.auth.user.info``.

    Raises:
        ConfigError: If the client refuses them.
    """

    def __init__(self, where: str, url: str, options: dict[str, Any]) -> None:
        self._where = where
        self.url = url
        keys = {name.replace(".", "_"): name for name in _KEYS}
        known = {keys.get(key, key): value for key, value in options.items()}
        wrong = next((key for key in known if key not in _KEYS), None)
        if wrong is not None:
            hint = nearest(wrong, _KEYS) or f" There are {', '.join(_KEYS)}."
            raise ConfigError(f"{where}: the registry's client takes no {show(wrong)}.{hint}")
        try:
            self.client = (
                _mock(url) if url.startswith("mock://") else SchemaRegistryClient({"url": url, **_DEFAULTS, **known})
            )
        except Exception as error:
            raise ConfigError(f"{where}: the registry's client refuses its options: {error}. Give others.") from error
        if not url.startswith("mock://"):
            finalize(self, self.client.close)  # serializers have no end of their own

    def identify(self, subject: str, schema: Schema, *, register: bool, normalize: bool) -> int:
        """Return the id of a schema under a subject.

        Args:
            subject: The subject.
            schema: The schema.
            register: Whether it is registered when it is not there yet.
            normalize: Whether the registry compares and registers it in its normal form.

        Raises:
            EncodeError: If it is not registered, or the registry refuses it.
        """
        try:
            if register:
                return int(self.client.register_schema(subject, schema, normalize))
            found = self.client.lookup_schema(subject, schema, normalize)
            return int(found.schema_id)  # type: ignore[arg-type]
        except SchemaRegistryError as error:
            self._raise_if_not_now(error)
            raise EncodeError(f"{self._where}: {self._refusal(subject, error)}") from error
        except Exception as error:
            raise self._unavailable(error) from error

    def schema(self, schema_id: int) -> tuple[Schema, dict[str, str]]:
        """Return the schema of an id, and the texts of what it refers to by name.

        Raises:
            DecodeError: If there is none.
        """
        try:
            schema = self.client.get_schema(schema_id)
            return schema, self._references(schema.references or [])
        except SchemaRegistryError as error:
            self._raise_if_not_now(error)
            text = f"{self._where}: the registry {self.url} has no schema {schema_id}: {error.error_message}"
            raise DecodeError(text.removesuffix(".") + ".") from error
        except Exception as error:
            raise self._unavailable(error) from error

    def _references(self, references: list[SchemaReference]) -> dict[str, str]:
        found: dict[str, str] = {}
        for reference in references:
            version = self.client.get_version(str(reference.subject), int(reference.version or 0), True)
            found |= self._references(version.schema.references or [])
            found[str(reference.name)] = str(version.schema.schema_str)
        return found

    def _raise_if_not_now(self, error: SchemaRegistryError) -> None:
        if error.http_status_code in _FORBIDDEN:
            raise PermanentError(
                f"{self._where}: the registry {self.url} refuses the credentials: {error}. Give basic.auth.user.info, "
                "or another kind of credentials."
            ) from error
        if error.http_status_code >= 500 or error.http_status_code in _LATER:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> UnavailableError:
        reason = f"{type(error).__name__}: {error}".removesuffix(".")
        return UnavailableError(f"{self._where}: the schema registry {self.url} cannot be asked: {reason}.")

    def _refusal(self, subject: str, error: SchemaRegistryError) -> str:
        said = str(error.error_message).strip().removesuffix(".")
        if error.http_status_code == 409:
            return (
                f"the schema is not compatible with what is registered as {subject!r}: {said}. Give new fields a "
                "default, keep the types of old ones, or register under another subject."
            )
        if error.http_status_code == 404:
            return f"the schema is not registered as {subject!r}: {said}. Register it, or set auto_register = true."
        return f"the registry {self.url} refuses the schema as {subject!r}: {said} ({error.http_status_code})."


def header_of(schema_id: int) -> bytes:
    """Return what stands before a value: the magic byte 0 and the id in four bytes."""
    return _FRAME.pack(_MAGIC, schema_id)


def framed(where: str, payload: bytes) -> int:
    """Return the id of the schema that a payload was written with; the value begins at byte 5.

    Raises:
        DecodeError: If the payload does not begin as Confluent's serializers begin.
    """
    if len(payload) < _FRAME.size or payload[0] != _MAGIC:
        raise DecodeError(
            f"{where}: {show(payload)} does not begin with the byte 0 and a schema's id. Write it with a serializer "
            "of the schema registry."
        )
    return int.from_bytes(payload[1:5], "big")


@lru_cache(maxsize=64)
def _mock(url: str) -> SchemaRegistryClient:
    return SchemaRegistryClient.new_client({"url": url})
