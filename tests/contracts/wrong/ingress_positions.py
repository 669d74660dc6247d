"""Ingresses that are wrong about positions and acknowledgement. Run by test_wrong_plugins.py."""

from tests.contracts.wrong.expectations import contracts_of, fails
from tests.contracts.wrong.ingresses import Right
from tests.contracts.wrong.rules import ACKNOWLEDGING, RESUMING
from tests.contracts.wrong.server import PATIENCE_S, OnServer

from dynamic_des import Message
from dynamic_des.testing import IngressContract


@fails("nothing_is_acknowledged_before_it_is_applied")
class AcknowledgesEarly(Right):
    """Acknowledges what it has received: a client's automatic commit."""

    def message(self, number):
        self.server.acknowledged = number
        return super().message(number)

    async def applied(self, position):
        pass


@fails(*ACKNOWLEDGING)
class NeverAcknowledges(Right):
    """Forgets to."""

    patience_s = PATIENCE_S

    async def applied(self, position):
        pass


@fails(
    "nothing_is_acknowledged_before_it_is_applied",
    "it_can_be_told_what_was_applied_when_reading_has_ended",
    maybe=["the_acknowledgement_reaches_the_last_message"],
)
class ExpectsEveryPosition(Right):
    """Takes it that `applied` comes for each single message, though positions are merged."""

    async def applied(self, position):
        if position["log"] != self.server.acknowledged + 1:
            raise ValueError(f"{position} skips some")
        self.server.acknowledged = position["log"]


@fails("it_can_be_told_what_was_applied_when_reading_has_ended")
class DisconnectsWhenReadingEnds(Right):
    """Closes its connection where the loop over the messages ends, not in `close`."""

    connected = False

    async def messages(self):
        self.connected = True
        try:
            async for message in super().messages():
                yield message
        finally:
            self.connected = False

    async def applied(self, position):
        if not self.connected:
            raise ConnectionError("not connected")
        await super().applied(position)


@fails(
    "positions_rise_from_message_to_message",
    "nothing_is_acknowledged_before_it_is_applied",
    *RESUMING,
    maybe=["an_outage_loses_no_change"],
)
class CountsInTens(Right):
    """Gives all messages of a fetch the position of the last one."""

    patience_s = PATIENCE_S

    def message(self, number):
        return Message(self.server.log[number - 1], {"log": -(-number // 10) * 10})


@fails(*RESUMING, maybe=["an_outage_loses_no_change"])
class GivesThePositionBefore(Right):
    """Is off by one: the position is that of the message, not the one after it."""

    def message(self, number):
        return Message(self.server.log[number - 1], {"log": number - 1})

    async def applied(self, position):
        self.server.acknowledged = position["log"]


@fails(*RESUMING, maybe=["an_outage_loses_no_change"])
class StartsOver(Right):
    """Begins at the beginning, whatever it is told."""

    async def open(self, run):
        self.server.reach()
        self.next = 0


@fails(*RESUMING, maybe=["an_outage_loses_no_change"])
class StartsAtTheEnd(Right):
    """Begins with what comes next, whatever it is told."""

    patience_s = PATIENCE_S

    async def open(self, run):
        self.server.reach()
        self.next = len(self.server.log)


@fails("positions_can_be_kept_as_json", *ACKNOWLEDGING, *RESUMING, "an_outage_loses_no_change")
class KeepsPositionsAsObjects(Right):
    """Has positions that no file can hold."""

    patience_s = PATIENCE_S

    def message(self, number):
        return Message(self.server.log[number - 1], {"log": f"{number:06}".encode()})

    async def applied(self, position):
        self.server.acknowledged = int(position["log"])


globals().update(contracts_of(globals(), OnServer, IngressContract))
