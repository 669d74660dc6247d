"""Where to begin to read each partition."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

from dynamic_des.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from aiokafka import AIOKafkaConsumer
    from aiokafka.structs import TopicPartition

__all__ = ["Reset", "part_of", "starts"]

log = logging.getLogger("dynamic_des.kafka")

Reset = Literal["latest", "earliest", "none"]


def part_of(place: TopicPartition) -> str:
    """Return the name of a partition in positions: ``"topic/3"``."""
    return f"{place.topic}/{place.partition}"


async def starts(
    consumer: AIOKafkaConsumer,
    places: Iterable[TopicPartition],
    positions: Mapping[str, Any],
    reset: Reset,
    *,
    shared: bool = False,
    doubted: Collection[str] = (),
) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    """Return where to begin, and of that what is not committed yet.

    A position that was given comes before what is committed, and that before the reset rule. Where a group shares the
    partitions, another member may have gone on meanwhile: the further of the first two counts. A partition of which
    nothing is known, beside others that are known, was added later: everything in it is new. Offsets that are not
    retained any more are reported, and the reset rule is followed.

    A part is ``doubted`` when its topic or its position was not there at some time: it may have been deleted. With a
    topic the brokers delete what is committed for it; where that is gone, the topic is another one, and everything in
    it is new.

    Raises:
        PermanentError: If there is no offset to begin at and the rule is ``"none"``.
    """
    wanted = sorted(places)
    first = await consumer.beginning_offsets(wanted)
    last = await consumer.end_offsets(wanted)
    known: dict[TopicPartition, int] = {}
    fresh: set[TopicPartition] = set()
    for place in wanted:
        part = part_of(place)
        offset = positions.get(part)
        if offset is None or shared or part in doubted:
            committed = await consumer.committed(place)
            if committed is None:
                fresh.add(place)
                offset = None if part in doubted else offset
            offset = max((one for one in (offset, committed) if one is not None), default=None)
        if offset is not None:
            known[place] = int(offset)
    begin = {}
    for place in wanted:
        if place in known:
            begin[place] = _within(place, known[place], first[place], last[place], reset)
        elif part_of(place) in doubted:
            begin[place] = _anew(place, first[place])
        elif known:
            begin[place] = first[place]
        else:
            begin[place] = _by_rule(place, first[place], last[place], reset)
    return begin, {place: begin[place] for place in fresh}


def _within(place: TopicPartition, offset: int, first: int, last: int, reset: Reset) -> int:
    if offset < first:
        begin = _by_rule(place, first, last, reset)
        log.error(
            "%s: offset %d is not retained any more: %d messages are lost. Reading goes on at %d (%s).",
            part_of(place), offset, first - offset, begin, reset,
        )  # fmt: skip
        return begin
    return _anew(place, first) if offset > last else offset


def _anew(place: TopicPartition, first: int) -> int:
    log.error("%s: the topic was made anew. Everything in it is read.", part_of(place))
    return first


def _by_rule(place: TopicPartition, first: int, last: int, reset: Reset) -> int:
    if reset == "none":
        raise PermanentError(
            f"{part_of(place)}: there is no offset to begin at, and auto_offset_reset is 'none'. "
            "Give 'earliest' or 'latest'."
        )
    return first if reset == "earliest" else last
