"""The helpers that broker tests rest on: what they produce is what they consume."""

from __future__ import annotations

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.clients import create_topic, log_ends, log_starts
from tests.support.consuming import COMMITTED, UNCOMMITTED, consume
from tests.support.producing import CODECS, Sent, TransactionalProducer, numbered, produce


@pytest.mark.parametrize("codec", CODECS)
def test_records_come_back_as_they_were_sent(source: LocalCluster, topic: str, codec: str) -> None:
    create_topic(source, topic)
    headers = (("kind", b"x"), ("none", None), ("kind", b""))
    sent = [Sent(b"v", b"k", headers, timestamp_ms=1_700_000_000_000), Sent(None, b"gone"), Sent(b"", None)]

    assert produce(source, topic, sent, codec=codec) == [0, 1, 2]

    received = consume(source, topic)
    assert [(r.key, r.value) for r in received] == [(r.key, r.value) for r in sent]
    assert received[0].headers == headers
    assert received[0].timestamp_ms == 1_700_000_000_000


def test_aborted_records_are_seen_by_read_uncommitted_only(source: LocalCluster, topic: str) -> None:
    create_topic(source, topic)
    producer = TransactionalProducer(source, topic)
    assert producer.committed(numbered(3)) == [0, 1, 2]
    assert producer.aborted(numbered(2, start=3)) == [4, 5]  # 3 is the commit marker
    left_open = producer.begin()
    assert left_open.send(numbered(1, start=5)) == [7]

    assert [r.offset for r in consume(source, topic, isolation=COMMITTED)] == [0, 1, 2]
    assert [r.offset for r in consume(source, topic, isolation=UNCOMMITTED)] == [0, 1, 2, 4, 5, 7]
    left_open.commit()
    assert [r.offset for r in consume(source, topic, isolation=COMMITTED)] == [0, 1, 2, 7]


def test_a_range_is_read_without_its_end(source: LocalCluster, topic: str) -> None:
    create_topic(source, topic, partitions=2)
    produce(source, topic, numbered(50, partition=1), batch=1)

    assert [r.offset for r in consume(source, topic, 1, start=10, end=13)] == [10, 11, 12]
    assert log_ends(source, topic, 2) == [0, 50]
    assert log_starts(source, topic, 2) == [0, 0]
    assert consume(source, topic, 0) == []


def test_the_older_version_serves_too(old_source: LocalCluster, topic: str) -> None:
    create_topic(old_source, topic, retention_ms="-1")
    produce(old_source, topic, numbered(5))
    assert len(consume(old_source, topic)) == 5
