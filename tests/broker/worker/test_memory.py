"""A worker's process stays small, however much there is to copy: its resident memory, not only what it counts (I5).

The peak is the kernel's own (VmHWM), so nothing is missed between two looks, and no busy machine changes it.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, assert_equal, checked, wait_for_ends
from tests.support.clients import create_topic
from tests.support.mirroring import MIB, SCALE
from tests.support.producing import Sent, TransactionalProducer, numbered, produce
from tests.support.workers import WorkerProcess

log = logging.getLogger(__name__)
LINK = "bounded"
SETTING = 32 * MIB
"""CLUSTERLINK_FETCH_MEMORY_BYTES."""
BATCH, BATCHES, PARTITIONS = 5 * MIB, 60, 4
LARGE_PRODUCER = {"message.max.bytes": 20 * MIB, "batch.size": BATCH, "linger.ms": 200}


@pytest.fixture(scope="module")
def narrow(
    source: LocalCluster, destination: LocalCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[WorkerProcess, Rest]]:
    """A worker that may hold little, with a link, after it has copied something: what it is large without a backlog."""
    folder = tmp_path_factory.mktemp("narrow")
    given = {"fetch_memory_bytes": str(SETTING), "partition_memory_bytes": str(SETTING // 4)}
    with WorkerProcess(destination.bootstrap_servers, folder, **given) as worker, Rest(worker, destination) as rest:
        checked(rest.create_link(LINK, source))
        first = f"first-{worker.app_id}"
        create_topic(source, first, PARTITIONS)
        produce(source, first, [record for p in range(PARTITIONS) for record in numbered(1_000, partition=p)])
        TransactionalProducer(source, first).aborted(numbered(10))
        checked(rest.create_mirror(LINK, first))
        rest.wait_for_status(LINK, first)
        wait_for_ends(source, destination, first, PARTITIONS, within_s=120)
        yield worker, rest


@pytest.mark.timeout(400)
def test_batches_of_5_mb(
    source: LocalCluster, destination: LocalCluster, narrow: tuple[WorkerProcess, Rest], topic: str
) -> None:
    """A backlog of ten times the setting."""
    create_topic(source, topic, PARTITIONS, max_message_bytes=str(20 * MIB))
    dice = random.Random(5)
    megabytes = [Sent(dice.randbytes(MIB - 100), partition=n // 5 % PARTITIONS) for n in range(5 * BATCHES)]
    produce(source, topic, megabytes, batch=5, **LARGE_PRODUCER)

    def copied() -> None:
        wait_for_ends(source, destination, topic, PARTITIONS, within_s=240)

    assert BATCH * BATCHES > 9 * SETTING
    assert growth("batches of 5 MB", *narrow, topic, copied) < 2 * SETTING
    assert assert_equal(source, destination, topic, partitions=PARTITIONS).records == 5 * BATCHES


@pytest.mark.timeout(400 * SCALE)
def test_a_long_aborted_transaction(
    source: LocalCluster, destination: LocalCluster, narrow: tuple[WorkerProcess, Rest], topic: str
) -> None:
    """A gap of 100,000 offsets and 100 MB, of 1,000,000 and 1 GB at scale 10."""
    count = 100_000 * SCALE
    create_topic(source, topic)
    produce(source, topic, numbered(10))
    begun = TransactionalProducer(source, topic, **{"transaction.timeout.ms": 600_000}).begin()
    for start in range(0, count, 100_000):
        begun.send(numbered(100_000, start, size=1_000))
    begun.abort()
    produce(source, topic, numbered(10))

    def copied() -> None:
        wait_for_ends(source, destination, topic, within_s=240 * SCALE)

    assert growth(f"an aborted transaction of {count} records", *narrow, topic, copied) < 2 * SETTING
    assert assert_equal(source, destination, topic).records == 20


def growth(what: str, worker: WorkerProcess, rest: Rest, topic: str, copied: Callable[[], None]) -> int:
    """Bytes by which the worker's resident memory is at most larger while it mirrors a topic than it was before."""
    before = resident(worker, "VmRSS")
    Path(f"/proc/{worker.pid}/clear_refs").write_text("5")  # the peak begins anew
    checked(rest.create_mirror(LINK, topic))
    rest.wait_for_status(LINK, topic)
    copied()
    most = resident(worker, "VmHWM")
    log.info("%s: %d MiB before, at most %d MiB", what, before >> 20, most >> 20)
    return most - before


def resident(worker: WorkerProcess, which: str) -> int:
    """A figure of the worker's process, in bytes."""
    lines = Path(f"/proc/{worker.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) * 1024
