"""Which file system an address means: a disk, S3, Google Cloud Storage, Azure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs

from dynamic_des.errors import ConfigError, show

__all__ = ["filesystem_and_path"]

_STORES = {
    "s3": "S3FileSystem",
    "gs": "GcsFileSystem",
    "gcs": "GcsFileSystem",
    "abfs": "AzureFileSystem",
    "abfss": "AzureFileSystem",
}
_SECONDS = ("retry_time_limit",)  # which a configuration file has as numbers


def filesystem_and_path(
    path: str | Path, filesystem: fs.FileSystem | Mapping[str, Any] | None
) -> tuple[fs.FileSystem, str]:
    """Return the file system that a path is in, and the path within it.

    Args:
        path: A path, or a URI such as ``s3://bucket/runs``.
        filesystem: The file system; or the arguments of the class that PyArrow has for the URI's scheme.

    Raises:
        ConfigError: If there is none for such a path.
    """
    scheme, separator, rest = str(path).partition("://")
    if isinstance(filesystem, fs.FileSystem):
        return filesystem, (rest if separator else str(path)).rstrip("/")
    if filesystem is not None and not isinstance(filesystem, Mapping):
        kind = type(filesystem).__name__
        raise ConfigError(f"{path}: filesystem is a {kind}. Give a pyarrow.fs.FileSystem, or arguments for one.")
    if filesystem and not separator:
        raise ConfigError(
            f"{path}: filesystem has options, and the path names no store. Give s3://{path}, or the like."
        )
    if not separator:
        return fs.LocalFileSystem(), str(Path(path).absolute())
    if filesystem is not None:
        return _store(str(path), scheme, rest, filesystem)
    try:
        found, inside = fs.FileSystem.from_uri(str(path))
    except (ValueError, NotImplementedError, ImportError) as error:
        raise ConfigError(f"{show(path)}: {error}. Give a path, or a URI that PyArrow knows.") from error
    return found, inside.rstrip("/") if scheme == "file" else inside.strip("/")


def _store(path: str, scheme: str, rest: str, options: Mapping[str, Any]) -> tuple[fs.FileSystem, str]:
    name = _STORES.get(scheme)
    if name is None:
        raise ConfigError(f"{path}: filesystem is for {', '.join(_STORES)}, not {scheme}. Leave it out.")
    if "?" in rest:
        raise ConfigError(f"{path}: options are in the address and in filesystem. Give all of them in filesystem.")
    arguments = {key: _as_wanted(key, value) for key, value in options.items()}
    if name == "AzureFileSystem":
        rest = _without_account(path, rest, arguments)
    try:
        return getattr(fs, name)(**arguments), rest.strip("/")
    except (TypeError, ValueError, ImportError, pa.ArrowException) as error:
        raise ConfigError(f"{path}: {name}: {error}. Give arguments that pyarrow.fs.{name} knows.") from error


def _as_wanted(key: str, value: Any) -> Any:
    if hasattr(value, "get_secret_value"):
        return value.get_secret_value()
    return timedelta(seconds=value) if key in _SECONDS and isinstance(value, (int, float)) else value


def _without_account(path: str, rest: str, arguments: dict[str, Any]) -> str:
    """Return ``container/path``; what the address says of the account becomes an argument.

    Source: https://learn.microsoft.com/azure/storage/blobs/data-lake-storage-introduction-abfs-uri
    """
    host, _, inside = rest.partition("/")
    container, _, server = host.rpartition("@")
    if not container and "." not in host:
        if "account_name" not in arguments:
            raise ConfigError(f"{path}: no storage account. Give account_name in filesystem.")
        return rest
    account = server.partition(".")[0]
    if arguments.setdefault("account_name", account) != account:
        raise ConfigError(f"{path}: the account is {account}, and {arguments['account_name']} in filesystem. Give one.")
    return f"{container}/{inside}"
