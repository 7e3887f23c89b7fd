"""A source that serves a log by dice: cut answers, error codes, hang-ups."""

from __future__ import annotations

from random import Random
from typing import Any

from kafka.protocol.consumer import FetchRequest, ListOffsetsRequest

from pipeline.wire.batch import scan
from tests.fuzz.logs import SourceLog
from tests.unit.cluster.fake_broker import HANG_UP
from tests.unit.mirror.answers import fetch_answer, offsets_answer
from tests.unit.mirror.scripted import ScriptedSource

TROUBLE = 0.15
"""Of the requests, how many go wrong."""
HANGS_UP = 0.25
"""Of those, how many are answered by the end of the connection; the others by a code."""
AT_THE_END = 100
"""So much rarer there, where answers come at once, without the wait that was asked for: thousands a second."""
REFUSALS = (1, 3, 5, 6, 7, 9, 56, 74, 75, 78, -1)
"""What a source may say of a partition that is well all the same, and no mirror may fail for."""
ANSWER_BYTES = (1, 200, 1_000, 5_000)


class TroublesomeSource(ScriptedSource):
    """Leads one partition, whose log is never written to any more; keeps no fetch sessions."""

    def __init__(self, log: SourceLog, dice: Random, refuses: bool) -> None:
        """`refuses`: says codes; else connections end in their place."""
        super().__init__([])
        self.trouble = TROUBLE
        self._log = log
        self._hangs_up = HANGS_UP if refuses else 1.0
        self._dice = dice

    def _fetch(self, version: int, frame: bytes) -> Any:
        asked = FetchRequest.decode(memoryview(frame), version=version, header=True).topics[0]
        offset = asked.partitions[0].fetch_offset
        is_left = any(each.last_offset >= offset for each in self._log.batches)
        trouble = self.trouble if is_left else self.trouble / AT_THE_END
        thrown = self._dice.random()
        if thrown < trouble * self._hangs_up:
            return HANG_UP
        if thrown < trouble:
            return fetch_answer(asked.topic, self._dice.choice(REFUSALS), self._log.end, b"")
        records = self._records(offset, asked.partitions[0].partition_max_bytes)
        aborted = self._aborted(offset, records) if records else ()
        return fetch_answer(asked.topic, 0, self._log.end, records, aborted)

    def _list_offsets(self, version: int, frame: bytes) -> Any:
        asked = ListOffsetsRequest.decode(memoryview(frame), version=version, header=True).topics[0]
        if self._dice.random() < self.trouble:
            return HANG_UP
        return offsets_answer(asked, 0, 0, self._log.end)

    def _records(self, offset: int, most: int) -> bytes:
        """Some batches, the first of them whole; the last may be cut."""
        room, found = min(self._dice.choice(ANSWER_BYTES), most), b""
        for each in self._log.batches:
            if each.last_offset < offset:
                continue
            if found and len(found) + len(each.batch) > room:
                is_cut = self._dice.random() < 0.5
                return found + each.batch[: self._dice.randrange(len(each.batch))] if is_cut else found
            found += each.batch
        return found

    def _aborted(self, offset: int, records: bytes) -> list[tuple[int, int]]:
        """Those that reach into what is given, as a broker tells; maybe some that begin behind it too."""
        end = self._log.end if self._dice.random() < 0.5 else scan(records)[-1].next_offset
        told = [each for each in self._log.aborted if each.last_offset >= offset and each.first_offset < end]
        return [(each.producer_id, each.first_offset) for each in told]
