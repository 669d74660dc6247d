"""A change that waits for its moment in the simulation thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from dynamic_des.messages import Change, Outcome

__all__ = ["Arrival"]


class Arrival:
    """A change, and whom to tell what became of it.

    Attributes:
        change: What is to be done.
        settle: Called once with the outcome, in the simulation thread. Must not block; what it raises ends the run.
        refusal: The outcome, when it is known already: a message that is not a change.
        abandon: Called instead of ``settle``, with a reason, when the run ended before the change's moment came.
            It is *not* settled then: its source keeps it for the next run.
    """

    __slots__ = ("abandon", "change", "refusal", "settle")

    def __init__(
        self,
        change: Change,
        settle: Callable[[Outcome], None],
        refusal: Outcome | None = None,
        abandon: Callable[[str], None] | None = None,
    ) -> None:
        self.change = change
        self.settle = settle
        self.refusal = refusal
        self.abandon = abandon
