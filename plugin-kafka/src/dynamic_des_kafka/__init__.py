"""Kafka for Dynamic DES: a twin that is steered from a topic and publishes to topics, and loses nothing.

`KafkaIngress` brings changes in, `KafkaEgress` takes records out, `KafkaAdminConnector` makes topics, sends changes
and watches a twin from outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamic_des.hookspecs import hookimpl
from dynamic_des_kafka.admin import KafkaAdminConnector
from dynamic_des_kafka.egress import KafkaEgress
from dynamic_des_kafka.ingress import KafkaIngress

if TYPE_CHECKING:
    from dynamic_des.egress import BaseEgress
    from dynamic_des.ingress import BaseIngress

__version__ = "0.1.0"

__all__ = ["KafkaAdminConnector", "KafkaEgress", "KafkaIngress"]


@hookimpl
def dynamic_des_register_ingress() -> list[type[BaseIngress]]:
    """Return the ingress classes of this plugin."""
    return [KafkaIngress]


@hookimpl
def dynamic_des_register_egress() -> list[type[BaseEgress]]:
    """Return the egress classes of this plugin."""
    return [KafkaEgress]
