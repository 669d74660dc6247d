"""The contract of an egress, as tests."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from math import inf, nan
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from dynamic_des.egress import BaseEgress, Batch
from dynamic_des.testing.batches import make_batch, make_run
from dynamic_des.testing.calling import EgressCalls
from dynamic_des.testing.contract import ConnectorContract
from dynamic_des.testing.faulty import FaultyEgress
from dynamic_des.testing.publishing import Publisher
from dynamic_des.testing.waiting import wait_until
from dynamic_des.testing.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["EgressContract"]

# what a model may publish although few sinks expect it, and what must come out: None where JSON has no form of its own
_UNUSUAL: list[tuple[Any, bool]] = [
    (None, True),
    ("", True),
    ({}, True),
    ([], True),
    ({"deep": [{"er": {"still": [1, [2, [3]]]}}]}, True),
    ('Straße, 工場, \N{FACTORY}, "quoted", \\, \'; DROP TABLE parts; --', True),
    ("two\nlines\r\nand a\ttab", True),
    ("x" * 100_000, True),
    (2**53, True),
    (-(2**63), True),
    (2**70, True),
    (1e-300, True),
    (True, True),
    (nan, False),
    (inf, False),
    (-inf, False),
    ("a NUL: \0", False),
]


class EgressContract(ConnectorContract):
    """What every egress has to keep, as tests to inherit.

    ::

        class TestPlantEgress(EgressContract):
            def make_egress(self):
                return PlantEgress(table=self.unique)

            def stored(self, egress):
                return [...]  # read back from the server, not from the egress

    Override `break_connection` and `restore` too, and the behaviour in an outage is tested.

    Attributes:
        at_least_once: Declare that a batch which comes again after a lost acknowledgement may be stored twice.
        readable_after_close: Declare that what was written can be read only when the egress was closed (a Parquet
            file has no footer before).
        setup_options: Further options for ``env.setup_egress``.
    """

    at_least_once: ClassVar[bool] = False
    readable_after_close: ClassVar[bool] = False
    setup_options: ClassVar[dict[str, Any]] = {}

    def make_egress(self) -> BaseEgress:
        """Return a new egress. A second call in one test: another egress to the same place."""
        raise NotImplementedError(f"{type(self).__name__}: write make_egress(self), which returns the egress to test.")

    def stored(self, egress: BaseEgress) -> list[dict[str, Any]]:
        """Return the model's records that the sink holds now, in its order, read back independently of the egress.

        Each has its ``seq``. Of the other keys of a record (``stream_type``, ``sim_ts``, ``timestamp``, ``key`` or
        ``path_id``, ``value``) those are compared which are there.
        """
        raise NotImplementedError(f"{type(self).__name__}: write stored(self, egress), which reads the sink back.")

    # -- what arrives ----------------------------------------------------------------------------------------

    def test_every_record_arrives_once_and_in_order(self) -> None:
        egress = self.make_egress()
        with self._publisher(egress, batch_size=50) as publisher:
            publisher.publish(500)
        publisher.assert_written()
        self._assert_holds(egress, range(1, 501))

    def test_records_arrive_unchanged(self) -> None:
        egress = self.make_egress()
        with self._publisher(egress) as publisher:
            publisher.publish(30)
        for found in self._stored(egress):
            sent = publisher.sent[found["seq"] - 1]
            for name, value in found.items():
                if name in sent:
                    assert value == sent[name], f"{name!r} of seq {found['seq']} is {value!r}, not {sent[name]!r}"
        self._assert_holds(egress, range(1, 31))

    def test_unusual_values_arrive_or_are_set_aside_alone(self) -> None:
        egress = self.make_egress()
        with self._publisher(egress) as publisher:
            publisher.publish_values([value for value, _ in _UNUSUAL])
        held = {record["seq"]: record for record in self._stored(egress)}
        aside = publisher.sink_report().set_aside
        assert len(held) + aside == len(_UNUSUAL), (
            f"{len(held)} stored and {aside} set aside are not the {len(_UNUSUAL)} published. What cannot be written "
            "is returned from write as (seq, reason)."
        )
        for seq, (value, exact) in enumerate(_UNUSUAL, 1):
            if exact and "value" in held.get(seq, {}):
                stored = held[seq]["value"]
                assert stored == {"unusual": value}, f"seq {seq}: published {value!r:.200}, stored {stored!r:.200}"

    def test_a_record_that_cannot_be_encoded_is_set_aside_alone(self) -> None:
        egress = self.make_egress()
        with self._publisher(egress) as publisher:
            publisher.publish_values([1, _Unencodable(), "\ud800", 4])
        held = {record["seq"] for record in self._stored(egress)}
        assert {1, 4} <= held, "a record without a form in the sink's format took its neighbours with it"
        aside = publisher.sink_report().set_aside
        assert len(held) + aside == 4, f"{len(held)} stored and {aside} set aside are not the 4 published"

    def test_system_records_are_accepted(self) -> None:
        egress = self.make_egress()
        with self._publisher(egress) as publisher:
            publisher.publish(5)
            publisher.change_something()
            publisher.publish(5)
        publisher.assert_written()
        assert publisher.sink_report().state == "closed", (
            "the framework's own system.* records were not written: they have a sys_seq and a path_id, and no seq"
        )
        self._assert_holds(egress, range(1, 11))

    # -- what write promises ---------------------------------------------------------------------------------

    def test_records_are_stored_when_write_returns(self) -> None:
        egress = self._acknowledging()
        with self._calls(egress) as calls:
            calls.open(make_run(self.unique))
            for first in (1, 11):
                calls.write(make_batch(range(10), first))
                if not self.readable_after_close:
                    self._assert_holds(egress, range(1, first + 10))
            calls.close()
        self._assert_holds(egress, range(1, 21))

    def test_an_empty_batch_writes_nothing(self) -> None:
        egress = self._acknowledging()
        with self._calls(egress) as calls:
            calls.open(make_run(self.unique))
            assert calls.write(make_batch([])) == []
            calls.write(make_batch([1]))
            calls.close()
        self._assert_holds(egress, [1])

    def test_a_batch_is_left_as_it_is(self) -> None:
        batch = make_batch([{"number": number, "parts": [number]} for number in range(5)])
        before = deepcopy(list(batch))
        with self._calls(self._acknowledging()) as calls:
            calls.open(make_run(self.unique))
            calls.write(batch)
            calls.close()
        assert list(batch) == before, "write changed the records: other sinks see the same ones. Copy them first."

    def test_what_is_prepared_is_written_when_its_turn_comes(self) -> None:
        egress = self._acknowledging()
        first, second, third = (make_batch(range(5), number) for number in (1, 6, 11))
        with self._calls(egress) as calls:
            calls.open(make_run(self.unique))
            calls.prepare(second)
            calls.write(first)
            calls.write(second)
            calls.prepare(third)
            calls.write(third)
            calls.close()
        self._assert_holds(egress, range(1, 16))

    def test_a_batch_that_comes_again_is_not_written_twice(self) -> None:
        egress = self._acknowledging()
        with self._publisher(FaultyEgress(egress, lose_answer=[2]), batch_size=10) as publisher:
            publisher.publish(40)
        publisher.assert_written()
        self._assert_holds(egress, range(1, 41))

    def test_what_was_written_is_still_there_after_a_reconnection(self) -> None:
        egress = self._acknowledging()
        with self._publisher(FaultyEgress(egress, fail=[2]), batch_size=10) as publisher:
            publisher.publish(40)
        publisher.assert_written()
        self._assert_holds(egress, range(1, 41))

    # -- manners ---------------------------------------------------------------------------------------------

    def test_closing_twice_or_without_opening_is_harmless(self) -> None:
        egress = self.make_egress()
        with self._calls(egress) as calls:
            calls.close()
            calls.open(make_run(self.unique))
            calls.close()
            calls.close()
            calls.open(make_run(self.unique))
            calls.close()

    def test_the_event_loop_is_not_blocked(self) -> None:
        shortest = inf
        for _ in range(3):  # what happens once, such as an import, is not what this is about
            watchdog = Watchdog()
            with self._publisher(self.make_egress(), beside=watchdog, batch_size=500) as publisher:
                watchdog.await_ticks(1, self.patience_s)
                publisher.publish(2000)
            shortest = min(shortest, watchdog.longest_block_s)
            if shortest <= self.longest_block_s:
                return
        pytest.fail(
            f"the event loop stood still for {shortest:.2f} s, three times out of three: other connectors wait then. "
            "Write `def write` instead of `async def write`, and it runs in a thread of its own."
        )

    # -- outages ---------------------------------------------------------------------------------------------

    def test_write_raises_when_it_cannot_write(self) -> None:
        self.needs_outages()
        raised = False
        with self._calls(self._acknowledging()) as calls:
            calls.open(make_run(self.unique))
            calls.write(make_batch(range(3)))
            with self.outage():
                try:
                    calls.write(make_batch(range(3), 4))
                except Exception:  # noqa: BLE001 - any exception says what had to be said
                    raised = True
            with suppress(Exception):  # nobody minds what the end of a broken connection is like
                calls.close()
        assert raised, "write returned although nothing could be written: those records are gone for good"

    def test_an_outage_loses_nothing(self) -> None:
        self.needs_outages()
        egress = self._acknowledging()
        with self._publisher(egress, batch_size=10) as publisher:
            publisher.publish(20)
            with self.outage():
                run = publisher.start_publishing(30)
                wait_until(lambda: publisher.sink_report().reason or run.done(), self.patience_s)
            run.result()
        publisher.assert_written()
        self._assert_holds(egress, range(1, 51))

    def test_a_sink_that_is_down_at_the_start_is_waited_for(self) -> None:
        self.needs_outages()
        egress = self._acknowledging()
        with self.outage():
            publisher = self._publisher(egress)
            run = publisher.start_publishing(10)
            noticed = wait_until(lambda: publisher.sink_report().reason, self.patience_s)
        with publisher:
            run.result()
        assert noticed, f"neither open nor write raised within {self.patience_s:g} s while the sink was down"
        publisher.assert_written()
        self._assert_holds(egress, range(1, 11))

    # -- written() -------------------------------------------------------------------------------------------

    def test_written_is_the_last_seq_that_is_stored(self) -> None:
        assert self._written_after([make_batch(range(7)), make_batch(range(5), 8)]) == 12

    def test_written_does_not_count_system_records(self) -> None:
        assert self._written_after([make_batch(range(3)), make_batch(range(9), system=True)]) == 3

    def test_written_tells_twins_apart(self) -> None:
        self._written_after([make_batch(range(5))])
        with self._calls(self.make_egress()) as calls:
            calls.open(make_run(f"{self.unique}_other"))
            other = calls.written()
            calls.close()
        assert other in (None, 0), f"another twin was told {other}: the numbers of this one. Keep the twin's name too."

    # -- how -------------------------------------------------------------------------------------------------

    def _written_after(self, batches: Sequence[Batch]) -> int | None:
        """Return what a new egress says when these batches are in the sink."""
        egress = self.make_egress()
        if type(egress).written is BaseEgress.written:
            pytest.skip(f"{type(egress).__name__} has no written(): it does not know what the sink holds")
        with self._calls(egress) as calls:
            calls.open(make_run(self.unique))
            assert calls.written() in (None, 0), "written() of an empty sink is neither None nor 0"
            for batch in batches:
                calls.write(batch)
            calls.close()
        with self._calls(self.make_egress()) as calls:
            calls.open(make_run(self.unique))
            last = calls.written()
            calls.close()
        return last

    def _acknowledging(self) -> BaseEgress:
        """Return an egress whose ``write`` says what was written; skip the test for one that only has ``run``."""
        egress = self.make_egress()
        if type(egress).write is BaseEgress.write:
            pytest.skip(f"{type(egress).__name__} has run(queue), a form that acknowledges nothing")
        return egress

    def _calls(self, egress: BaseEgress) -> EgressCalls:
        return EgressCalls(egress, self.patience_s)

    def _publisher(self, egress: BaseEgress, beside: BaseEgress | None = None, **options: Any) -> Publisher:
        options = {"drain_timeout": self.patience_s, **self.setup_options, **options}
        return Publisher(self.unique, egress, beside, options)

    def _stored(self, egress: BaseEgress) -> list[dict[str, Any]]:
        """Return what is stored; where it may be there twice, without the repetitions."""
        found = self.stored(egress)
        for record in found:
            assert isinstance(record.get("seq"), int), f"stored() returned {record!r:.200}, which has no seq"
        if not self.at_least_once:
            return found
        return list({record["seq"]: record for record in reversed(found)}.values())[::-1]

    def _assert_holds(self, egress: BaseEgress, expected: Sequence[int]) -> None:
        held = [record["seq"] for record in self._stored(egress)]
        missing = sorted(set(expected) - set(held))
        assert not missing, (
            f"{len(missing)} of {len(expected)} records are not in the sink; the first is seq {missing[0]}"
        )
        twice = sorted({seq for seq in held if held.count(seq) > 1})
        assert not twice, f"{len(twice)} records are in the sink more than once; the first is seq {twice[0]}"
        assert held == list(expected), f"the records are not in order of seq: {held[:20]}"


class _Unencodable:
    """Has no form in any format."""

    __slots__ = ()
