"""Egresses that are wrong about the records, in one way each. Run by test_wrong_plugins.py."""

import json
from typing import ClassVar

from tests.contracts.wrong.egresses import Right
from tests.contracts.wrong.expectations import contracts_of, fails
from tests.contracts.wrong.server import PATIENCE_S, OnServer

from dynamic_des import BaseEgress
from dynamic_des.testing import EgressContract


@fails("records_arrive_unchanged")
class RoundsTime(Right):
    """Keeps milliseconds."""

    async def write(self, batch):
        self.server.store(self.twin, batch)
        for record in self.server.rows.values():
            record["sim_ts"] = round(record["sim_ts"], 3)


@fails("a_batch_is_left_as_it_is")
class ChangesTheBatch(Right):
    """Adds a key to records that other sinks see too."""

    async def write(self, batch):
        self.server.store(self.twin, batch)
        for record in batch:
            record["stored_by"] = "me"


@fails("a_record_that_cannot_be_encoded_is_set_aside_alone")
class StallsOnOneRecord(Right):
    """Encodes a batch as one document: one record that has no form takes all others with it, for ever."""

    patience_s = PATIENCE_S

    async def write(self, batch):
        json.dumps(list(batch)).encode()
        self.server.store(self.twin, batch)


@fails("unusual_values_arrive_or_are_set_aside_alone")
class DropsWhatItDoesNotLike(Right):
    """Leaves out long values, and tells nobody."""

    async def write(self, batch):
        self.server.store(self.twin, batch)
        for place, record in list(self.server.rows.items()):
            if len(str(record["value"])) > 10_000:
                del self.server.rows[place]

    written = BaseEgress.written


@fails("unusual_values_arrive_or_are_set_aside_alone")
class CutsText(Right):
    """Fits long text into its column."""

    async def write(self, batch):
        self.server.store(self.twin, batch)
        for record in self.server.rows.values():
            if isinstance(record["value"], dict) and isinstance(record["value"].get("unusual"), str):
                record["value"]["unusual"] = record["value"]["unusual"][:255]


@fails("system_records_are_accepted", "written_does_not_count_system_records")
class ExpectsASeq(Right):
    """Takes it that every record has a ``seq``."""

    patience_s = PATIENCE_S

    async def write(self, batch):
        [record["seq"] for record in batch]
        self.server.store(self.twin, batch)


@fails("an_empty_batch_writes_nothing")
class ExpectsARecord(Right):
    """Takes it that every batch has a first record."""

    async def write(self, batch):
        batch[0]
        self.server.store(self.twin, batch)


@fails("written_is_the_last_seq_that_is_stored", "written_does_not_count_system_records")
class CountsItsOwn(Right):
    """Says what it has written itself, not what the sink holds."""

    last = None

    async def write(self, batch):
        self.server.store(self.twin, batch)
        self.last = self.last if batch.system else batch[-1]["seq"] if batch else self.last

    async def written(self):
        return self.last


@fails("written_does_not_count_system_records")
class CountsEverything(Right):
    """Counts system records among the model's."""

    others: ClassVar[dict[str, int]] = {}

    async def write(self, batch):
        self.server.store(self.twin, batch)
        if batch.system:
            self.others[self.twin] = len(batch)

    async def written(self):
        mine = await super().written()
        return mine if mine is None else mine + self.others.get(self.twin, 0)


@fails("written_tells_twins_apart")
class KnowsOneTwin(Right):
    """Keeps the numbers, and not whose they are."""

    async def written(self):
        return max((seq for _, seq in self.server.rows), default=None)


globals().update(contracts_of(globals(), OnServer, EgressContract))
