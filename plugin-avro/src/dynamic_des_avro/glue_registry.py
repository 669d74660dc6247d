"""The AWS Glue schema registry, through boto3.

Source: https://docs.aws.amazon.com/glue/latest/webapi/API_Operations.html; the wire format is that of
https://github.com/awslabs/aws-glue-schema-registry
"""

from __future__ import annotations

import zlib
from time import sleep
from typing import Any, Literal
from uuid import UUID
from weakref import finalize

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from dynamic_des.errors import ConfigError, DecodeError, EncodeError, PermanentError, UnavailableError, show

__all__ = ["HEADER_SIZE", "Compatibility", "GlueRegistry", "header_of", "unframed"]

Compatibility = Literal["NONE", "DISABLED", "BACKWARD", "BACKWARD_ALL", "FORWARD", "FORWARD_ALL", "FULL", "FULL_ALL"]

_VERSION, _PLAIN, _ZLIB = 3, 0, 5
HEADER_SIZE = 18
_LONGEST = 64 << 20  # bytes; a few compressed ones could fill the memory
_FORBIDDEN = (
    "AccessDeniedException", "ExpiredTokenException", "IncompleteSignature", "InvalidClientTokenId",
    "InvalidSignatureException", "MissingAuthenticationToken", "UnrecognizedClientException",
)  # fmt: skip
_LATER = ("ConcurrentModificationException", "InternalServiceException", "ResourceNotReadyException",
          "ThrottlingException", "OperationTimeoutException")  # fmt: skip
_LOOKS = 20  # at a version whose compatibility is being checked, before it is said to take too long
_PAUSE_S = 0.25


class GlueRegistry:
    """The calls that serializers need; each blocks until AWS has answered.

    Args:
        where: Whose registry it is, for the texts of errors.
        name: Name of the registry.
        options: For ``boto3.client("glue", …)``.

    Raises:
        ConfigError: If boto3 refuses them.
    """

    def __init__(self, where: str, name: str, options: dict[str, Any]) -> None:
        self._where = where
        self._name = name
        # core tries again, with growing pauses
        patience = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 1})
        given = options.get("config")
        try:
            self.client = boto3.client("glue", **{**options, "config": patience.merge(given) if given else patience})
        except NoRegionError as error:
            raise ConfigError(f"{where}: no AWS region is known. Give region_name, or set AWS_REGION.") from error
        except Exception as error:
            raise ConfigError(f"{where}: boto3 refuses its options: {error}. Give others.") from error
        finalize(self, self.client.close)  # serializers have no end of their own

    def identify(self, schema: str, definition: str, *, register: bool, compatibility: Compatibility) -> UUID:
        """Return the id of a version of a schema.

        Args:
            schema: Its name.
            definition: Its text.
            register: Whether it is created, or registered as a new version, when it is not there yet.
            compatibility: What a new schema asks of its later versions.

        Raises:
            EncodeError: If it is not registered, or refused.
        """
        place = {"SchemaName": schema, "RegistryName": self._name}
        try:
            try:
                found = self.client.get_schema_by_definition(SchemaId=place, SchemaDefinition=definition)
            except ClientError as error:
                if error.response["Error"]["Code"] != "EntityNotFoundException" or not register:
                    raise
                found = self._register(place, definition, compatibility)
            return self._available(found, schema)
        except (ClientError, BotoCoreError) as error:
            self._raise_if_not_now(error)
            said = str(error).removesuffix(".")
            remedy = "Register it" if register else "Register it, or set auto_register = true"
            raise EncodeError(
                f"{self._where}: the schema {schema!r} cannot be used in the registry {self._name!r}: {said}. {remedy}."
            ) from error

    def definition(self, version: UUID) -> str:
        """Return the text of a version of a schema.

        Raises:
            DecodeError: If there is none, or it is not Avro.
        """
        try:
            found = self.client.get_schema_version(SchemaVersionId=str(version))
        except (ClientError, BotoCoreError) as error:
            self._raise_if_not_now(error)
            raise DecodeError(
                f"{self._where}: Glue has no schema version {version}: {error}".rstrip(".") + "."
            ) from error
        if found.get("DataFormat") != "AVRO":
            raise DecodeError(f"{self._where}: the schema version {version} is {found.get('DataFormat')}, not AVRO.")
        return str(found["SchemaDefinition"])

    def _register(self, place: dict[str, str], definition: str, compatibility: Compatibility) -> dict[str, Any]:
        try:
            return dict(self.client.register_schema_version(SchemaId=place, SchemaDefinition=definition))
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise
        try:
            made = self.client.create_schema(
                RegistryId={"RegistryName": place["RegistryName"]},
                SchemaName=place["SchemaName"],
                DataFormat="AVRO",
                Compatibility=compatibility,
                SchemaDefinition=definition,
            )
            return {**made, "Status": made["SchemaVersionStatus"]}
        except ClientError as error:
            if error.response["Error"]["Code"] != "AlreadyExistsException":
                raise
        # another twin made it in between
        return dict(self.client.register_schema_version(SchemaId=place, SchemaDefinition=definition))

    def _available(self, found: dict[str, Any], schema: str) -> UUID:
        """Return the id of a version, once its compatibility was checked."""
        for _ in range(_LOOKS):
            if found["Status"] == "AVAILABLE":
                return UUID(found["SchemaVersionId"])
            if found["Status"] != "PENDING":
                raise EncodeError(
                    f"{self._where}: the schema is not compatible with what is registered as {schema!r}: the version "
                    f"is {found['Status']}. Give new fields a default, keep the types of old ones, or use another name."
                )
            sleep(_PAUSE_S)
            found = self.client.get_schema_version(SchemaVersionId=found["SchemaVersionId"])
        raise UnavailableError(f"{self._where}: Glue still checks the compatibility of the schema {schema!r}.")

    def _raise_if_not_now(self, error: ClientError | BotoCoreError) -> None:
        """Raise what is not the schema's fault."""
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        if code in _FORBIDDEN or isinstance(error, NoCredentialsError):
            raise PermanentError(
                f"{self._where}: AWS refuses the credentials: {error}. Give others, with rights to read and register "
                "schemas."
            ) from error
        server = isinstance(error, ClientError) and error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
        if server or code in _LATER or isinstance(error, BotoCoreError):
            raise UnavailableError(f"{self._where}: Glue cannot be asked: {type(error).__name__}: {error}") from error


def header_of(version: UUID, *, compressed: bool) -> bytes:
    """Return what stands before a value: the bytes 3 and 0 or 5, and the id of the schema's version."""
    return bytes((_VERSION, _ZLIB if compressed else _PLAIN)) + version.bytes


def unframed(where: str, payload: bytes) -> tuple[bytes, bytes]:
    """Return the id of the version that a payload was written with, and the value.

    Raises:
        DecodeError: If the payload does not begin as AWS's serializers begin.
    """
    if len(payload) < 18 or payload[0] != _VERSION or payload[1] not in (_PLAIN, _ZLIB):
        raise DecodeError(
            f"{where}: {show(payload)} does not begin with the bytes 3 and 0 or 5 and a schema version's id. Write it "
            "with a serializer of the Glue schema registry."
        )
    value = payload[18:]
    return payload[2:18], value if payload[1] == _PLAIN else _decompressed(where, value)


def _decompressed(where: str, value: bytes) -> bytes:
    inflate = zlib.decompressobj()
    try:
        plain = inflate.decompress(value, _LONGEST)
    except zlib.error as error:
        raise DecodeError(f"{where}: the value is not compressed with zlib: {error}.") from error
    if not inflate.eof or inflate.unused_data:
        raise DecodeError(f"{where}: the compressed value is incomplete, too long, or followed by something else.")
    return plain
