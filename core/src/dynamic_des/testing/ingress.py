"""The contract of an ingress, as tests."""

from __future__ import annotations

import json
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from dynamic_des.bridge.decoding import decode, to_change
from dynamic_des.ingress import BaseIngress
from dynamic_des.serializers import JsonDeserializer
from dynamic_des.testing.batches import make_run
from dynamic_des.testing.calling import IngressCalls
from dynamic_des.testing.contract import ConnectorContract
from dynamic_des.testing.recording import Positions
from dynamic_des.testing.steered import NUMBER, SteeredTwin, change
from dynamic_des.testing.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dynamic_des.messages import Message

__all__ = ["IngressContract"]


class IngressContract(ConnectorContract):
    """What every ingress has to keep, as tests to inherit.

    ::

        class TestPlantIngress(IngressContract):
            def make_ingress(self):
                return PlantIngress(topic=self.unique)

            def send(self, payload):
                ...  # produce to the topic

    Override `break_connection` and `restore` too, and the behaviour in an outage is tested; override
    `acknowledged`, and it is tested that nothing is acknowledged early.

    An ingress that overrides ``run(queue)`` is tested for what that form can promise: order, no loss while it runs,
    an end when it is cancelled.

    Attributes:
        durable: Declare False when what is sent while nobody listens is gone, as with Redis Pub/Sub.
        garbage: What the source may bring that is no change. Replace it for a source that cannot carry it.
        setup_options: Further options for ``env.setup_ingress``, such as a ``deserializer``.
    """

    durable: ClassVar[bool] = True
    garbage: ClassVar[Sequence[bytes]] = (
        b"no JSON",
        b"\xff\xfe\x00{",
        b'{"path": "Contract.variables.number"',
        b'{"value": 1}',
        b'{"path": 7, "value": 1}',
        b'{"path": "no.such.path", "value": 1}',
        b"[]",
        b"null",
    )
    setup_options: ClassVar[dict[str, Any]] = {}

    def make_ingress(self) -> BaseIngress:
        """Return a new ingress. A second call in one test: another ingress from the same place."""
        raise NotImplementedError(f"{type(self).__name__}: write make_ingress(self), which returns what to test.")

    def send(self, payload: bytes) -> None:
        """Let the source bring ``payload``, a JSON document without line breaks. A table's row: take it apart first."""
        raise NotImplementedError(f"{type(self).__name__}: write send(self, payload), which lets the source bring it.")

    def acknowledged(self) -> Mapping[str, Any]:
        """Return what the source holds as acknowledged: part → position, as in ``Message.position``; optional.

        Read back independently of the ingress. Parts of which nothing is acknowledged are left out.
        """
        raise NotImplementedError

    # -- what arrives ----------------------------------------------------------------------------------------

    def test_changes_arrive_once_and_in_the_order_they_were_sent(self) -> None:
        with self._twin(self.make_ingress()) as twin:
            twin.start()
            twin.wait_until_listening(self.send)
            self._send(range(1, 101))
            twin.wait_for(list(range(1, 101)))

    def test_what_is_sent_once_it_is_open_arrives(self) -> None:
        with self._calls(self._yielding()) as calls:
            calls.open(make_run(self.unique))
            self._send([1, 2, 3])
            assert self._numbers(calls.take(3)) == [1, 2, 3]
            calls.close()

    def test_garbage_does_not_end_it(self) -> None:
        with self._twin(self.make_ingress()) as twin:
            twin.start()
            twin.wait_until_listening(self.send)
            for number, garbage in enumerate(self.garbage, 1):
                self.send(garbage)
                self.send(change(number))
            twin.wait_for(list(range(1, len(self.garbage) + 1)))

    def test_the_snapshot_ends_and_holds_changes(self) -> None:
        with self._calls(self._yielding()) as calls:
            calls.open(make_run(self.unique))
            for message in calls.from_snapshot:
                self._updates(message)
            calls.close()

    # -- positions and acknowledgement -----------------------------------------------------------------------

    def test_positions_rise_from_message_to_message(self) -> None:
        with self._calls(self._yielding()) as calls:
            calls.open(make_run(self.unique))
            self._send(range(1, 21))
            messages = calls.take(20)
            calls.close()
        last: dict[str, Any] = {}
        for message in messages:
            for part, position in message.position.items():
                if part in last:
                    self._assert_rises(part, last[part], position)
                last[part] = position

    def test_positions_can_be_kept_as_json(self) -> None:
        with self._calls(self._yielding()) as calls:
            calls.open(make_run(self.unique))
            self._send([1])
            position = calls.take(1)[0].position
            calls.close()
        assert all(isinstance(part, str) for part in position), f"a part of {position!r} is not text"
        try:
            json.dumps(dict(position))
        except (TypeError, ValueError) as error:
            pytest.fail(f"the position {position!r} cannot be written to a journal: {error}")

    def test_the_acknowledgement_reaches_the_last_message(self) -> None:
        ingress = self._yielding()
        positions = Positions(ingress)
        with self._twin(ingress) as twin:
            twin.start()
            twin.wait_until_listening(self.send)
            self._send(range(1, 21))
            twin.wait_for(list(range(1, 21)))
            wait_until(lambda: positions.applied == positions.yielded or positions.error, self.patience_s)
            assert positions.error is None, f"applied() raised {positions.error!r}"
            assert positions.applied == positions.yielded
            if self._shows_acknowledgements():
                self._await_acknowledgement(positions.yielded)

    def test_it_can_be_told_what_was_applied_when_reading_has_ended(self) -> None:
        with self._calls(self._yielding()) as calls:
            calls.open(make_run(self.unique))
            self._send([1, 2])
            first, second = calls.take(2)
            calls.stop_reading()
            applied = {**first.position, **second.position}
            if applied:
                calls.applied(applied)
            if applied and self._shows_acknowledgements():
                self._await_acknowledgement(applied)
            calls.close()

    def test_nothing_is_acknowledged_before_it_is_applied(self) -> None:
        if not self._shows_acknowledgements():
            pytest.skip(f"{type(self).__name__} has no acknowledged(), so it cannot be seen what the source holds")
        with self._calls(self._yielding()) as calls:
            calls.open(make_run(self.unique))
            self._send([1, 2, 3])
            first, second, third = calls.take(3)
            for message in (first, second, third):
                self._assert_unacknowledged(message)
            calls.applied({**first.position, **second.position})
            self._await_acknowledgement(second.position)
            self._assert_unacknowledged(third)
            calls.close()

    def test_it_goes_on_from_the_positions_of_a_run_before(self) -> None:
        if not self.durable:
            pytest.skip(f"{type(self).__name__} declares that it is not durable")
        with self._calls(self._yielding()) as calls:
            calls.open(make_run(self.unique))
            self._send([1, 2, 3])
            settled = calls.take(3)[0].position
            calls.applied(settled)
            calls.close()
        self._send([4])
        with self._calls(self.make_ingress()) as calls:
            calls.open(make_run(self.unique, positions=json.loads(json.dumps(dict(settled)))))
            held = self._numbers(calls.from_snapshot)
            expected = [number for number in (2, 3, 4) if number not in held]
            self._assert_next(calls, expected)
            calls.close()

    def test_it_goes_on_when_it_is_closed_and_opened_again(self) -> None:
        expected = [3, 4] if self.durable else [4]
        with self._calls(self._yielding()) as calls:
            calls.open(make_run(self.unique))
            self._send([1, 2])
            first, second = calls.take(2)
            calls.close()
            if self.durable:
                self._send([3])
            calls.open(make_run(self.unique, {**first.position, **second.position}), snapshot=False)
            self._send([4])
            self._assert_next(calls, expected)
            calls.close()

    # -- manners ---------------------------------------------------------------------------------------------

    def test_closing_twice_or_without_opening_is_harmless(self) -> None:
        with self._calls(self._yielding()) as calls:
            calls.close()
            calls.open(make_run(self.unique))
            calls.close()
            calls.close()

    def test_it_ends_when_it_is_cancelled(self) -> None:
        with self._calls(self.make_ingress()) as calls:
            calls.open(make_run(self.unique))
            for number in range(1, max(2, int(self.patience_s * 10))):
                self.send(change(number))
                if calls.something_arrives(within_s=0.1):
                    break
            assert calls.stop_reading(), (
                f"it did not end within {self.patience_s:g} s after it was cancelled. Does it catch "
                "asyncio.CancelledError, or `except BaseException`? Let it through."
            )
            calls.close()

    def test_the_event_loop_is_not_blocked(self) -> None:
        shortest = inf
        for attempt in range(3):  # what happens once, such as an import, is not what this is about
            with self._twin(self.make_ingress()) as twin:
                twin.start()
                twin.wait_until_listening(self.send)
                self._send(range(100 * attempt + 1, 100 * attempt + 21))
                twin.await_count(20)
                twin.watchdog.await_ticks(60, self.patience_s)
            shortest = min(shortest, twin.watchdog.longest_block_s)
            if shortest <= self.longest_block_s:
                return
        pytest.fail(
            f"the event loop stood still for {shortest:.2f} s, three times out of three: other connectors wait then. "
            "Use an asyncio client, or asyncio.to_thread for calls that block."
        )

    # -- outages ---------------------------------------------------------------------------------------------

    def test_an_outage_loses_no_change(self) -> None:
        self.needs_outages()
        if not self.durable:
            pytest.skip(f"{type(self).__name__} declares that it is not durable")
        with self._twin(self._yielding()) as twin:
            twin.start()
            twin.wait_until_listening(self.send)
            self._send([1, 2, 3])
            twin.wait_for([1, 2, 3])
            with self.outage():
                wait_until(lambda: twin.source_report().state != "up", 1.0)  # it need not notice
            self._send([4, 5, 6])
            twin.wait_for([1, 2, 3, 4, 5, 6])

    def test_a_source_that_is_down_at_the_start_is_waited_for(self) -> None:
        self.needs_outages()
        with self.outage():
            twin = self._twin(self._yielding())
            noticed = wait_until(lambda: twin.source_report().reason, self.patience_s)
        with twin:
            assert noticed, f"open did not raise within {self.patience_s:g} s while the source was down"
            twin.start()
            twin.wait_until_listening(self.send)
            self._send([1, 2])
            twin.wait_for([1, 2])

    # -- how -------------------------------------------------------------------------------------------------

    def _yielding(self) -> BaseIngress:
        """Return an ingress with ``messages``; skip the test for one that only has ``run``."""
        ingress = self.make_ingress()
        if type(ingress).run is not BaseIngress.run:
            pytest.skip(f"{type(ingress).__name__} has run(queue), a form that promises neither positions nor order")
        return ingress

    def _calls(self, ingress: BaseIngress) -> IngressCalls:
        return IngressCalls(ingress, self.patience_s)

    def _twin(self, ingress: BaseIngress) -> SteeredTwin:
        return SteeredTwin(self.unique, ingress, self.patience_s, self.setup_options)

    def _send(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self.send(change(number))

    def _shows_acknowledgements(self) -> bool:
        return type(self).acknowledged is not IngressContract.acknowledged

    def _assert_unacknowledged(self, message: Message) -> None:
        held = self._plain(self.acknowledged())
        for part, position in self._plain(message.position).items():
            assert part not in held or held[part] != position, (
                f"{part} is acknowledged at {position!r} and nothing of it was applied: a crash now loses it. "
                "Acknowledge in applied(), and switch the client's own acknowledgement off."
            )

    def _await_acknowledgement(self, position: Mapping[str, Any]) -> None:
        """Wait until the source holds all of ``position`` as acknowledged."""
        expected = self._plain(position).items()

        def is_there() -> bool:
            return expected <= self._plain(self.acknowledged()).items()

        assert wait_until(is_there, self.patience_s), f"{position} was applied; acknowledged is {self.acknowledged()}"

    def _assert_next(self, calls: IngressCalls, expected: list[int]) -> None:
        found = self._numbers(calls.take(len(expected)))
        assert found == expected, (
            f"after the positions it was given come {found}, not {expected}. "
            "A position is that *after* its message; open(run) goes on at run.positions."
        )

    def _assert_rises(self, part: str, before: Any, after: Any) -> None:
        assert before != after, f"two messages have the position {after!r} of {part}"
        if not isinstance(before, str):
            assert before < after, f"the position of {part} goes from {before!r} to {after!r}"

    def _numbers(self, messages: Sequence[Message]) -> list[int]:
        return [int(value) for message in messages for path, value in self._updates(message) if path == NUMBER]

    def _updates(self, message: Message) -> tuple[tuple[str, Any], ...]:
        """Return what core understands of a message."""
        payload = message.payload
        if isinstance(payload, (bytes, bytearray, str)):
            deserializer = self.setup_options.get("deserializer", JsonDeserializer())
            payload = decode(bytes(payload) if isinstance(payload, bytearray) else payload, deserializer, self.unique)
        return to_change(payload, message, self.unique).updates

    def _plain(self, position: Mapping[str, Any]) -> dict[str, Any]:
        """Return a position as it comes back from a journal."""
        plain: dict[str, Any] = json.loads(json.dumps(dict(position)))
        return plain
