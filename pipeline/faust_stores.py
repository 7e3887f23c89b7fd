"""The tables' stores on this worker's disk: Faust's, with less in the way of a rebalance."""

from __future__ import annotations

import gc
import logging
from typing import Any

from faust.stores import STORES, rocksdb
from faust.types import TP

STORE = "clusterlink"
"""Its name in an app's `store`."""


class TableStore(rocksdb.Store):
    """Faust's store without a collection of all garbage for each table at each rebalance and at the end.

    Those nine took most of a rebalance, and held everything up meanwhile, heartbeats too. A partition that is let go of
    is closed when the last reference goes, which is at once; should one be left over, opening finds the lock.
    """

    logger = logging.getLogger(f"{rocksdb.__name__}.{STORE}")  # under Faust's, to be as calm as they are

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
