"""The latency of one link, alone and while another link of the same worker copies a backlog from the same source (I6).

The brokers are the same too, and busy: how long records take to a consumer of the source itself is measured beside.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from bench.cases import Case
from bench.clusterlink import Clusterlink
from bench.loading import create_topic, delete_topic
from bench.measuring import Ends
from bench.running import Bench, Outcome, Starter
from bench.streaming import RATE_PER_S, Reader, Stream, after_warm_up, percentiles

STREAM_S = 15
TINY_RECORDS, TINY_S = 1_000_000, 3
LOOK_EVERY_S = 0.1
RECORD_BYTES = 100


def measure(bench: Bench, case: Case, records: int, _starters: Sequence[Starter]) -> Iterator[Outcome]:
    """`records` make the backlog. The second stream ends with it, if that comes first."""
    count = RATE_PER_S * (STREAM_S if records > TINY_RECORDS else TINY_S)
    topic, servers = f"bench-{case.name}-stream", bench.source.bootstrap_servers
    create_topic(servers, topic, case.partitions)
    stream = Stream(servers, topic, case.partitions, RECORD_BYTES)
    with bench.loaded(case, records) as loaded, bench.ours() as worker:
        _mirror(worker, topic, "bench-quiet")
        ends = Ends(bench.destination.bootstrap_servers, loaded.topic, case.partitions)
        with (
            Reader(bench.destination.bootstrap_servers, topic, case.partitions) as here,
            Reader(servers, topic, case.partitions) as there,
        ):
            first = _streamed(stream, range(count), (here, there))
            yield Outcome(case, "alone, the source is read", percentiles(after_warm_up(there, first)))
            yield Outcome(case, "alone", percentiles(after_warm_up(here, first)))
            worker.link("bench-busy")
            begin = partial(worker.mirror, loaded.topic, "bench-busy")
            bench.watch(begin, worker, loaded.topic, case.partitions, 1)
            rest = range(first.stop, first.stop + count)
            go_on = _at_intervals(lambda: ends.total() < loaded.offsets)
            second = _streamed(stream, rest, (here, there), go_on)
            bench.say(f"  the backlog was at {ends.total():,} of {loaded.offsets:,} when {len(second):,} had been sent")
            yield Outcome(case, "beside a backlog, the source is read", percentiles(after_warm_up(there, second)))
        bench.watch(lambda: None, worker, loaded.topic, case.partitions, loaded.offsets)
        remark = here.remark or bench.difference(loaded.topic)
        delete_topic(bench.destination.bootstrap_servers, loaded.topic)
        found = bench.outcome(case, "beside a backlog", percentiles(after_warm_up(here, second)), topic)
        yield found if not remark else Outcome(case, found.who, found.figures, is_exact=False, remark=remark)
    delete_topic(servers, topic)


def _mirror(worker: Clusterlink, topic: str, link: str) -> None:
    worker.link(link)
    worker.mirror(topic, link)
    worker.wait_until_active(1, link)


def _streamed(
    stream: Stream, numbers: range, readers: Sequence[Reader], go_on: Callable[[], bool] | None = None
) -> range:
    """The numbers of the records that were sent; every reader has them."""
    sent = stream.send(numbers, go_on)
    for reader in readers:
        reader.wait_for(sent.stop)
    return sent


def _at_intervals(question: Callable[[], bool]) -> Callable[[], bool]:
    """The question's last answer, asked again only every `LOOK_EVERY_S`: it is in the producer's way."""
    last, asked_at = True, 0.0

    def ask() -> bool:
        nonlocal last, asked_at
        if time.monotonic() - asked_at > LOOK_EVERY_S:
            last, asked_at = question(), time.monotonic()
        return last

    return ask
