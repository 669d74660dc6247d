"""The plugin surface, on one screen.

A plugin is a module, registered under the entry-point group ``dynamic_des``; the entry point's name is the
``type`` that a configuration file gives::

    [project.entry-points.dynamic_des]
    kafka = "dynamic_des_kafka"

The module implements any of these four hooks with `dynamic_des.hookimpl`. Each returns classes. Each is called
once while a run is put together, in no particular order, and never per record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from dynamic_des.egress import BaseEgress
    from dynamic_des.ingress import BaseIngress
    from dynamic_des.serializers import MessageDeserializer, MessageSerializer

__all__ = ["GROUP", "hookimpl"]

GROUP = "dynamic_des"

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def dynamic_des_register_ingress() -> list[type[BaseIngress]]:  # type: ignore[empty-body]
    """Return the ingress classes of this plugin."""


@hookspec
def dynamic_des_register_egress() -> list[type[BaseEgress]]:  # type: ignore[empty-body]
    """Return the egress classes of this plugin."""


@hookspec
def dynamic_des_register_serializer() -> list[type[MessageSerializer | MessageDeserializer]]:  # type: ignore[empty-body]
    """Return the serializer and deserializer classes of this plugin."""


@hookspec
def dynamic_des_register_resource() -> list[type]:  # type: ignore[empty-body]
    """Return the resource kinds of this plugin: classes built with ``(env, name, **options)``."""
