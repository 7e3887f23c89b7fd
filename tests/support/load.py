"""Produce to a topic for as long as a `with` block: plain records and transactions, committed and aborted, mixed."""

from __future__ import annotations

import random
import threading
from types import TracebackType
from typing import Self

from pipeline.local.cluster import LocalCluster
from tests.support.producing import Sent, TransactionalProducer, produce
from tests.support.workers import wait_until

CODECS = ("none", "lz4", "zstd")


class Load:
    """Two threads: one sends plain records in several codecs, one transactions, every other one aborted.

    Bounded by time, not by speed: each round of a thread is a few hundred records, then it rests for a moment, so that
    a test machine with few cores has room for what is tested.
    """

    def __init__(self, cluster: LocalCluster, topic: str, partitions: int, seed: int = 1, rest_s: float = 0.05) -> None:
        self._cluster, self._topic, self._partitions, self._rest_s = cluster, topic, partitions, rest_s
        self._seed = seed
        self._stop = threading.Event()
        self._failures: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(each,)) for each in (self._plain, self._transactions)]
        self.records = 0
        self.transactions = 0
        self.committed = 0
        """Records of both threads that a read_committed consumer sees; final at the end of the block."""
        self._counting = threading.Lock()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        try:
            self.goes_on(1, 2)
        except BaseException:
            self._stop.set()
            raise
        return self

    def goes_on(self, records: int = 1500, transactions: int = 6, within_s: float = 120.0) -> None:
        """Wait until so many more plain records and transactions are written: while something else happens, say."""
        wanted = self.records + records, self.transactions + transactions
        wait_until(
            lambda: self._failures or (self.records >= wanted[0] and self.transactions >= wanted[1]),
            f"the load goes on to {wanted}",
            within_s,
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self._failures and error is None:
            raise self._failures[0]

    def _run(self, produce_until_stopped: object) -> None:
        assert callable(produce_until_stopped)
        try:
            produce_until_stopped()
        except BaseException as error:
            self._failures.append(error)

    def _plain(self) -> None:
        dice = random.Random(self._seed)
        while not self._stop.wait(self._rest_s):
            records = [self._record(dice) for _ in range(300)]
            produce(self._cluster, self._topic, records, codec=dice.choice(CODECS), batch=dice.choice((1, 10, 1000)))
            self.records += len(records)
            self._count(len(records))

    def _transactions(self) -> None:
        dice = random.Random(self._seed + 1)
        producer = TransactionalProducer(self._cluster, self._topic)
        while not self._stop.wait(self._rest_s):
            records = [self._record(dice) for _ in range(dice.randint(1, 30))]
            if self.transactions % 2:
                producer.aborted(records)
            else:
                producer.committed(records)
                self._count(len(records))
            self.transactions += 1

    def _count(self, records: int) -> None:
        with self._counting:
            self.committed += records

    def _record(self, dice: random.Random) -> Sent:
        value = dice.randbytes(dice.randint(0, 400))
        return Sent(value, dice.choice((None, b"k%d" % dice.randint(0, 9))), partition=dice.randrange(self._partitions))
