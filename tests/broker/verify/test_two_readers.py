"""What reads a side that takes Kerberos tickets hands out the same as librdkafka, to the last header (CLI-55)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from pipeline.local.cluster import LocalCluster
from pipeline.verify.aio_sides import AioSide
from pipeline.verify.chunks import Chunk
from pipeline.verify.errors import BadProperty, LogStartMoved, Stopped, TopicMissing
from pipeline.verify.sides import RdSide, Side
from tests.support.clients import create_topic, delete_records
from tests.support.producing import CODECS, Sent, TransactionalProducer, produce

NOW_MS = 1_000 * int(time.time())
Sides = tuple[Side, Side]


def records(count: int, first: int = 0, size: int = 0) -> list[Sent]:
    return [
        Sent(
            value=None if at % 7 == 0 else b"v%d" % at + b"." * size,
            key=None if at % 5 == 0 else b"" if at % 5 == 1 else b"k%d" % at,
            headers=() if at % 3 == 0 else (("h", b"%d" % at), ("h", None), ("\u00fc", b"")),
            timestamp_ms=NOW_MS - 10_000_000 + at,
        )
        for at in range(first, first + count)
    ]


@pytest.fixture
def sides(source: LocalCluster, topic: str) -> Iterator[Callable[[], Sides]]:
    """The topic by both clients, once it is made."""
    with ExitStack() as stack:

        def made() -> Sides:
            properties = source.client_properties()
            each = RdSide("source", properties, topic), AioSide("source", properties, topic)
            for side in each:
                stack.enter_context(closing(side))
            return each

        yield made


def read(side: Side, first: int, end: int, *, committed: bool, twice: bool = False) -> Chunk:
    """One range in one piece, whatever the chunks; `twice` after a range of which only the first chunk was taken."""
    whole = Chunk([])
    with closing(side.reader(committed=committed, stop=lambda: False)) as reader:
        if twice:
            reader.open(0, 0, end)
            reader.chunk()
        reader.open(0, first, end)
        while (chunk := reader.chunk()) is not None:
            assert len(chunk)
            for mine, more in zip(columns(whole), columns(chunk), strict=True):
                mine.extend(more)
        assert reader.chunk() is None
    return whole


def columns(chunk: Chunk) -> tuple[list[object], ...]:
    return tuple(getattr(chunk, name) for name in ("offsets", "timestamps", "keys", "values", "headers"))


def test_both_read_the_same(source: LocalCluster, topic: str, sides: Callable[[], Sides]) -> None:
    """Every codec; transactions that were committed, aborted, interleaved and left open; more than one fetch of it."""
    create_topic(source, topic)
    for at, codec in enumerate(CODECS):
        produce(source, topic, records(300, at * 1000, size=1500), codec=codec)
    first, second, last = (TransactionalProducer(source, topic) for _ in range(3))
    first.committed(records(10))
    one, other = first.begin(), second.begin()
    for begun, value in ((one, 5000), (other, 6000), (one, 7000), (other, 8000)):
        begun.send(records(20, value))
    one.abort()
    other.commit()
    produce(source, topic, records(5, 9000))
    second.aborted(records(5, 100))
    left_open = last.begin()
    left_open.send(records(5, 200))
    rd, aio = sides()
    try:
        assert rd.partitions() == aio.partitions() == 1
        assert rd.settings() == aio.settings()
        bounds = rd.bounds([0])
        assert aio.bounds([0]) == bounds
        assert bounds[0].start < bounds[0].stable_end < bounds[0].end
        for committed, end in ((True, bounds[0].stable_end), (False, bounds[0].end), (False, bounds[0].stable_end)):
            for begin in (0, 777, end - 3):
                seen = read(rd, begin, end, committed=committed)
                assert read(aio, begin, end, committed=committed, twice=begin > 0) == seen
        assert len(read(aio, 0, bounds[0].stable_end, committed=True)) == 1500 + 10 + 40 + 5
    finally:
        left_open.abort()


def test_brokers_timestamps_and_a_log_that_lost_its_beginning(
    source: LocalCluster, topic: str, sides: Callable[[], Sides]
) -> None:
    """The broker's clock in a batch's header counts for all its records; what was deleted is said to be gone."""
    create_topic(source, topic, message_timestamp_type="LogAppendTime")
    produce(source, topic, records(50), codec="lz4")
    delete_records(source, topic, 7)
    rd, aio = sides()
    assert aio.settings() == rd.settings()
    assert aio.bounds([0]) == rd.bounds([0])
    assert read(aio, 7, 50, committed=False) == read(rd, 7, 50, committed=False)
    for side in (rd, aio):
        with pytest.raises(LogStartMoved):
            read(side, 0, 50, committed=True)


def test_what_cannot_be_read_is_told(source: LocalCluster, topic: str, sides: Callable[[], Sides]) -> None:
    _, aio = sides()
    with pytest.raises(TopicMissing, match=topic):
        aio.partitions()
    create_topic(source, topic)
    with closing(aio.reader(committed=True, stop=lambda: True)) as reader:
        reader.open(0, 0, 9)
        with pytest.raises(Stopped):
            reader.chunk()
    with pytest.raises(BadProperty, match=r"bootstrap\.servers"):
        AioSide("source", {"security.protocol": "PLAINTEXT"}, topic)
