"""The plugin ``parquet``: what ``type = "parquet"`` means in a configuration file."""

from __future__ import annotations

from dynamic_des import BaseEgress, BaseIngress, hookimpl
from dynamic_des_storage.parquet_egress import ParquetEgress
from dynamic_des_storage.replaying import ParquetIngress

__all__ = ["ParquetEgress", "ParquetIngress"]


@hookimpl
def dynamic_des_register_egress() -> list[type[BaseEgress]]:
    """Return the egress of this plugin."""
    return [ParquetEgress]


@hookimpl
def dynamic_des_register_ingress() -> list[type[BaseIngress]]:
    """Return the ingress of this plugin."""
    return [ParquetIngress]
