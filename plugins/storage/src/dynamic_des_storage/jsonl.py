"""The plugin ``jsonl``: what ``type = "jsonl"`` means in a configuration file."""

from __future__ import annotations

from dynamic_des import BaseEgress, BaseIngress, hookimpl
from dynamic_des_storage.jsonl_egress import JsonlEgress
from dynamic_des_storage.replaying import JsonlIngress

__all__ = ["JsonlEgress", "JsonlIngress"]


@hookimpl
def dynamic_des_register_egress() -> list[type[BaseEgress]]:
    """Return the egress of this plugin."""
    return [JsonlEgress]


@hookimpl
def dynamic_des_register_ingress() -> list[type[BaseIngress]]:
    """Return the ingress of this plugin."""
    return [JsonlIngress]
