"""The tables' stores on this worker's disk: Faust's, with less in the way of a rebalance, and two things put an end to.

A write that the disk refuses (no room, say): Faust takes the event for done all the same, so what a command has changed
would be half there, and never finished. Nor does RocksDB forget: it refuses everything from then on. So the worker ends
on the spot, as by a power cut, which loses nothing: the event was not committed.

A row that is none: somebody else has written to a table's changelog. It counts as missing, for nobody could go on from
it, and an agent that stumbles over it would lose its event.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
from collections.abc import Iterable, Iterator
from typing import Any

from faust.exceptions import FaustError
from faust.stores import STORES, rocksdb
from faust.types import TP, EventT

log = logging.getLogger(__name__)
STORE = "clusterlink"
"""Its name in an app's `store`."""
LOCKED = ("While lock file", "lock hold")
"""What RocksDB says of a store that is open elsewhere."""


@contextlib.contextmanager
def ended_by_refusals() -> Iterator[None]:
    """End the process where the block's write is refused. A lock is none: Faust opens a store again in a second."""
    try:
        yield
    except Exception as error:
        if "IO error" not in str(error) or any(words in str(error) for words in LOCKED):
            raise
        log.critical("A table store cannot be written: %s. Ending now, nothing is lost by that; see to the disk", error)
        os._exit(1)


class TableStore(rocksdb.Store):
    """Faust's store without a collection of all garbage for each table at each rebalance and at the end.

    Those nine took most of a rebalance, and held everything up meanwhile, heartbeats too. A partition that is let go of
    is closed when the last reference goes, which is at once; should one be left over, opening finds the lock.
    """

    logger = logging.getLogger(f"{rocksdb.__name__}.{STORE}")  # under Faust's, to be as calm as they are

    def _decode_value(self, value: bytes | None) -> Any:
        """Raises KeyError for what is no row, as for one that is not there."""
        try:
            found = super()._decode_value(value)
        except FaustError:
            found = None
        if not isinstance(found, dict) or not isinstance(found.get("row"), dict):
            log.error("A row of table %s cannot be read, and counts as missing: %.100r", self.table_name, value)
            raise KeyError(self.table_name)
        return found

    def _set(self, key: bytes, value: bytes | None) -> None:
        with ended_by_refusals():
            super()._set(key, value)

    def _del(self, key: bytes) -> None:
        with ended_by_refusals():
            super()._del(key)

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        with ended_by_refusals():
            super().set_persisted_offset(tp, offset)

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]], *arguments: Any, **named: Any) -> None:
        """Of this table's changelog only: after a rebalance Faust may hand on what it had read for another table."""
        own = [event for event in batch if event.message.topic in self.table.changelog_topic.topics]
        with ended_by_refusals():
            super().apply_changelog_batch(own, *arguments, **named)

    async def stop(self) -> None:
        self._dbs.clear()

    def revoke_partitions(self, table: Any, tps: set[TP]) -> None:
        for tp in tps:
            if tp.topic in table.changelog_topic.topics:
                self._dbs.pop(tp.partition, None)

    def _open_for_partition(self, partition: int) -> Any:
        try:
            return super()._open_for_partition(partition)
        except Exception as error:
            if "lock" in repr(error):  # Faust tries again in a second
                gc.collect()
            raise


STORES.aliases[STORE] = f"{__name__}:TableStore"
