"""The promise: the mirror has the same record at the same offset, and ends where the source ends (I1, I2)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, assert_equal, checked, wait_for_ends
from tests.support.clients import create_topic, log_ends
from tests.support.consuming import COMMITTED, UNCOMMITTED, Received, consume
from tests.support.producing import CODECS, Sent, TransactionalProducer, numbered, produce
from tests.support.workers import wait_until

PARTITIONS = 3


def everywhere(records: Callable[[int], list[Sent]]) -> list[Sent]:
    """The records of each partition, in turn."""
    return [record for partition in range(PARTITIONS) for record in records(partition)]


def unusual(partition: int) -> list[Sent]:
    """Records that are easily mistaken: nulls, emptiness, headers twice, odd timestamps."""
    return [
        Sent(b"value", b"key", partition=partition),
        Sent(None, b"tombstone", partition=partition),
        Sent(b"without a key", None, partition=partition),
        Sent(None, None, partition=partition),
        Sent(b"", b"", partition=partition),
        Sent(b"headers", b"h", (("a", b"1"), ("a", b"2"), ("null", None), ("", b"")), partition),
        Sent(b"from 1970", b"t", partition=partition, timestamp_ms=0),
        Sent(bytes(range(256)) * 4, bytes(range(256)), partition=partition),
        Sent(None, None, (("only", b"headers"),), partition),
    ]


def assert_both_views(source: LocalCluster, destination: LocalCluster, topic: str) -> list[list[Received]]:
    """Consumers of the mirror, of either isolation level, see what read_committed ones see at the source."""
    seen = []
    for partition in range(PARTITIONS):
        wanted = consume(source, topic, partition, isolation=COMMITTED)
        for isolation in (UNCOMMITTED, COMMITTED):
            assert consume(destination, topic, partition, isolation=isolation) == wanted, (partition, isolation)
        seen.append(wanted)
    return seen


@pytest.mark.timeout(300)
def test_plain_records_in_every_codec(
    source: LocalCluster, destination: LocalCluster, rest: Rest, link: str, topic: str
) -> None:
    create_topic(source, topic, PARTITIONS)
    for codec in CODECS:
        produce(source, topic, everywhere(lambda p: [*unusual(p), *numbered(300, partition=p, size=200)]), codec=codec)
    checked(rest.create_mirror(link, topic))
    rest.wait_for_status(link, topic)
    wait_for_ends(source, destination, topic, PARTITIONS)
    for codec in CODECS:  # and what comes while it mirrors, in batches of one too
        produce(source, topic, everywhere(unusual), codec=codec, batch=1)
    wait_for_ends(source, destination, topic, PARTITIONS)
    report = assert_equal(source, destination, topic, partitions=PARTITIONS)
    assert report.records == PARTITIONS * len(CODECS) * (300 + 2 * len(unusual(0)))
    assert_both_views(source, destination, topic)


@pytest.mark.timeout(300)
def test_transactions_of_every_kind(
    source: LocalCluster, destination: LocalCluster, rest: Rest, link: str, topic: str
) -> None:
    """Committed, aborted, interleaved with each other and with plain records; one stays open for a while."""
    create_topic(source, topic, PARTITIONS)
    one, two = TransactionalProducer(source, topic), TransactionalProducer(source, topic)

    def spread(text: str, count: int = 3) -> list[Sent]:
        return [
            Sent(f"{text} {n}".encode(), text.encode(), partition=n % PARTITIONS) for n in range(count * PARTITIONS)
        ]

    one.committed(spread("committed"))
    one.aborted(spread("aborted"))
    checked(rest.create_mirror(link, topic))  # the first half is backlog, the rest comes while it mirrors
    first, second = one.begin(), two.begin()
    first.send(spread("interleaved, aborted"))
    second.send(spread("interleaved, committed"))
    produce(source, topic, spread("plain between"))
    first.send(spread("interleaved, aborted, more"))
    first.abort()
    second.commit()
    for _ in range(5):  # markers in a row, and aborted batches between them
        one.aborted(spread("aborted again", 1))
        two.aborted([Sent(b"x", partition=0)])
    one.committed(spread("committed again"))
    wait_for_ends(source, destination, topic, PARTITIONS)
    assert_equal(source, destination, topic, partitions=PARTITIONS)
    seen = assert_both_views(source, destination, topic)
    texts = {record.key for partition in seen for record in partition}
    assert texts == {b"committed", b"interleaved, committed", b"plain between", b"committed again"}

    def shown() -> bool:  # rows follow the log by about a second
        states = rest.mirror(link, topic)["partition_states"]
        paths = {state["marker_path"] for state in states}
        return paths == {"direct"} and all(state["gap_offsets"] >= 10 for state in states)

    wait_until(shown, "every partition shows the direct way of its markers and ten offsets filled")


@pytest.mark.timeout(300)
def test_an_open_transaction_holds_the_mirror_at_the_last_stable_offset(
    source: LocalCluster, destination: LocalCluster, rest: Rest, link: str, topic: str
) -> None:
    create_topic(source, topic, PARTITIONS)
    produce(source, topic, numbered(10))
    stable = log_ends(source, topic, PARTITIONS)
    opened = TransactionalProducer(source, topic).begin()
    opened.send(numbered(5))
    produce(source, topic, [*numbered(7), *numbered(4, partition=1)])
    checked(rest.create_mirror(link, topic))
    rest.wait_for_status(link, topic)
    wait_until(lambda: log_ends(destination, topic, PARTITIONS)[1] == 4, "the other partition goes on")

    def lags() -> list[int]:
        return [row["lag"] for row in rest.mirror(link, topic)["mirror_lags"]]

    wait_until(lambda: lags() == [12, 0, 0], "the lag is shown")
    assert log_ends(destination, topic, PARTITIONS) == [stable[0], 4, 0]
    opened.commit()
    wait_for_ends(source, destination, topic, PARTITIONS)
    wait_until(lambda: lags() == [0, 0, 0], "the lag is gone")
    assert_equal(source, destination, topic, partitions=PARTITIONS)
    assert_both_views(source, destination, topic)
