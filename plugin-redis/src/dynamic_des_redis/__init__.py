"""Redis as a source of changes and as a sink of records: streams, consumer groups, Pub/Sub.

`RedisIngress` steers a twin; `RedisEgress` takes out what it publishes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_des.hookspecs import hookimpl
from dynamic_des_redis.egress import RedisEgress
from dynamic_des_redis.ingress import RedisIngress

if TYPE_CHECKING:
    from dynamic_des.egress import BaseEgress
    from dynamic_des.ingress import BaseIngress

__version__ = "0.1.0"

__all__ = ["RedisEgress", "RedisIngress"]


@hookimpl
def dynamic_des_register_ingress() -> list[type[BaseIngress]]:
    """Return the ingress classes of this plugin."""
    return [RedisIngress]


@hookimpl
def dynamic_des_register_egress() -> list[type[BaseEgress]]:
    """Return the egress classes of this plugin."""
    return [RedisEgress]
