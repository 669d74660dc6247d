"""Servers for SimPy models: requests that are served, wait, are refused, and go on to the next one.

`Server`, `ThreadPool` and `AsyncServer` run on any SimPy environment. On a `DynamicRealtimeEnvironment` their limits
and times can follow the registry, to be steered while the simulation runs, and their figures become telemetry.
"""

from __future__ import annotations

from dynamic_des.components.live import LiveNumber
from dynamic_des.components.sinks import RegistrySink, Sink
from dynamic_des.components.telemetry import Publication, publish_telemetry
from dynamic_des.hookspecs import hookimpl
from dynamic_des_servers.async_server import AsyncServer, AsyncServerStats
from dynamic_des_servers.concurrency import ConcurrencyModel, FixedConcurrency, WeightedConcurrency
from dynamic_des_servers.dynamic import Concurrency, DynamicConcurrency
from dynamic_des_servers.errors import RequestRejected, RequestTimedOut
from dynamic_des_servers.policies import FIFOQueue, LIFOQueue, PriorityQueue, QueuePolicy
from dynamic_des_servers.queued_resource import QueuedResource
from dynamic_des_servers.request import Request
from dynamic_des_servers.server import Server, ServerStats
from dynamic_des_servers.thread_pool import ThreadPool, ThreadPoolStats

__version__ = "0.1.0"

__all__ = [
    # what requests are submitted to
    "AsyncServer",
    "AsyncServerStats",
    "QueuedResource",
    "Server",
    "ServerStats",
    "ThreadPool",
    "ThreadPoolStats",
    # how much at once
    "Concurrency",
    "ConcurrencyModel",
    "DynamicConcurrency",
    "FixedConcurrency",
    "WeightedConcurrency",
    # in which order
    "FIFOQueue",
    "LIFOQueue",
    "PriorityQueue",
    "QueuePolicy",
    # a request and what becomes of it
    "Request",
    "RequestRejected",
    "RequestTimedOut",
    # what a number and a downstream may be
    "LiveNumber",
    "RegistrySink",
    "Sink",
    # figures
    "Publication",
    "publish_telemetry",
]


@hookimpl
def dynamic_des_register_resource() -> list[type]:
    """Return the resource kinds of this plugin."""
    return [AsyncServer, Server, ThreadPool]
