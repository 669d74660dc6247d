"""The kit for authors of plugins: a contract to subclass for each kind, a sink that fails on command, a clock to drive.

::

    from dynamic_des.testing import EgressContract

    class TestPlantEgress(EgressContract):
        def make_egress(self): ...
        def stored(self, egress): ...

Every rule of a contract is a test whose name says it. The connector is driven by the same code that drives it in
production; nothing of it is replaced.
"""

# ruff: noqa: E402 - pytest has to know which modules to rewrite before they are imported

from __future__ import annotations

try:
    import pytest
except ImportError as error:
    raise ImportError(
        "dynamic_des.testing: pytest, which the contracts are written for, cannot be imported. "
        'Install it: pip install "dynamic-des-core[testing]"'
    ) from error

# a failure then shows its values
for _module in ("egress", "ingress", "publishing", "resource", "serializer", "steered"):
    pytest.register_assert_rewrite(f"{__name__}.{_module}")

from dynamic_des.testing.batches import make_batch, make_run
from dynamic_des.testing.clock import DrivenClock
from dynamic_des.testing.egress import EgressContract
from dynamic_des.testing.faulty import FaultyEgress
from dynamic_des.testing.ingress import IngressContract
from dynamic_des.testing.resource import ResourceContract
from dynamic_des.testing.serializer import SerializerContract

__all__ = [
    "DrivenClock",
    "EgressContract",
    "FaultyEgress",
    "IngressContract",
    "ResourceContract",
    "SerializerContract",
    "make_batch",
    "make_run",
]
