"""The parameters of a model: what a twin's registry is filled with."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

__all__ = ["DISTRIBUTION_FIELDS", "FAMILIES", "CapacityConfig", "DistributionConfig", "Family", "SimParameter"]


@dataclass
class DistributionConfig:
    """A statistical distribution of durations, changeable while the simulation runs.

    Which fields count depends on ``dist``; the others may be set in advance, for a later change of ``dist``.

    ==================  ======================================================================
    ``dist``            fields
    ==================  ======================================================================
    exponential         ``rate`` (events per simulated second)
    normal              ``mean``, ``std`` (0 when absent)
    lognormal           ``mean``, ``std`` of the value itself, not of its logarithm
    truncated_normal    ``mean``, ``std`` before truncation; ``low``, ``high`` (open when absent)
    uniform             ``low``, ``high``
    triangular          ``low``, ``mode``, ``high``
    gamma               ``shape``, ``scale``; the mean is ``shape * scale``
    weibull             ``shape``, ``scale``
    constant            ``value``
    empirical           ``values``, ``weights`` (equal when absent)
    ==================  ======================================================================

    All but ``rate``, ``shape`` and ``weights`` are in simulated seconds. The registry checks the values; an
    object of this class alone does not, and the `Sampler` raises when they make no sense.
    """

    dist: str
    rate: float | None = None
    mean: float | None = None
    std: float | None = None
    low: float | None = None
    high: float | None = None
    mode: float | None = None
    shape: float | None = None
    scale: float | None = None
    value: float | None = None
    values: list[float] | None = None
    weights: list[float] | None = None


#: The names of the fields of a `DistributionConfig`.
DISTRIBUTION_FIELDS = tuple(each.name for each in fields(DistributionConfig))


@dataclass
class CapacityConfig:
    """The capacity of a resource, a container or a store.

    Attributes:
        current_cap: The capacity in force. Units of a resource, places in a store, amount in a container.
        max_cap: The physical maximum: a wish above it is clamped to it. May be infinite for containers
            and stores.
    """

    current_cap: int | float
    max_cap: int | float


@dataclass
class SimParameter:
    """Everything that can be changed about one entity, such as a production line.

    The registry flattens it into dot paths: ``Line_A.arrival.standard.rate``.

    Attributes:
        sim_id: The unique prefix, such as ``"Line_A"``.
        arrival: Inter-arrival times.
        service: Durations of tasks.
        resources: Capacities of resources, in whole units.
        containers: Capacities of containers, in amounts.
        stores: Capacities of stores, in whole places.
        variables: Anything else that steers the model: numbers, flags, text, lists, dictionaries. A variable
            keeps the type of its first value; one that starts as None takes any.
    """

    sim_id: str
    arrival: dict[str, DistributionConfig] = field(default_factory=dict)
    service: dict[str, DistributionConfig] = field(default_factory=dict)
    resources: dict[str, CapacityConfig] = field(default_factory=dict)
    containers: dict[str, CapacityConfig] = field(default_factory=dict)
    stores: dict[str, CapacityConfig] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of distribution: which fields of a `DistributionConfig` it needs and which it may use."""

    needs: tuple[str, ...]
    uses: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """All of them."""
        return self.needs + self.uses


FAMILIES: dict[str, Family] = {
    "exponential": Family(("rate",)),
    "normal": Family(("mean",), ("std",)),
    "lognormal": Family(("mean",), ("std",)),
    "truncated_normal": Family(("mean", "std"), ("low", "high")),
    "uniform": Family(("low", "high")),
    "triangular": Family(("low", "mode", "high")),
    "gamma": Family(("shape", "scale")),
    "weibull": Family(("shape", "scale")),
    "constant": Family(("value",)),
    "empirical": Family(("values",), ("weights",)),
}
