"""Mirror partitions in which nothing happens: what they cost a worker, and how soon a new record is seen."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from bench.cases import Case
from bench.clusterlink import Clusterlink
from bench.loading import create_topic, delete_topic
from bench.measures import OURS, Figures, Measure
from bench.measuring import Stalled
from bench.running import Bench, Outcome, Starter

TOPIC_PARTITIONS = 100
SETTLE_S, WATCH_S = 15.0, 30.0
TINY_PARTITIONS, TINY_S = 1000, 3.0
PROBES = 10
GIVE_UP_AFTER_S = 30.0


def measure(bench: Bench, case: Case, partitions: int, _starters: Sequence[Starter]) -> Iterator[Outcome]:
    """Topics of 100 partitions, all mirrored, none with a record."""
    topics = [f"bench-{case.name}-{number}" for number in range(partitions // TOPIC_PARTITIONS)]
    settle_s, watch_s = (SETTLE_S, WATCH_S) if partitions > TINY_PARTITIONS else (TINY_S, TINY_S)
    for topic in topics:
        create_topic(bench.source.bootstrap_servers, topic, TOPIC_PARTITIONS)
    with bench.ours() as worker:
        worker.link()
        for topic in topics:
            worker.mirror(topic)
        worker.wait_until_active(len(topics))
        bench.say(f"{case.title}: {partitions:,} are ACTIVE")
        time.sleep(settle_s)
        found = {**_cost(bench, worker, watch_s), Measure.SEEN_S: max(_seen_after(bench, topics))}
    yield bench.outcome(case, OURS, found, topics[0])
    for topic in topics:
        delete_topic(bench.source.bootstrap_servers, topic)
        if topic is not topics[0]:
            delete_topic(bench.destination.bootstrap_servers, topic)


def _cost(bench: Bench, worker: Clusterlink, seconds: float) -> Figures:
    watched = bench.watched(worker)
    begun = watched.sample(0)
    time.sleep(seconds)
    ended = watched.sample(0)
    share = 100 * (ended.cpu_s - begun.cpu_s) / (ended.time_s - begun.time_s)
    return {Measure.CPU_SHARE: share, Measure.RSS_MB: ended.rss_bytes / 1e6}


def _seen_after(bench: Bench, topics: Sequence[str]) -> Iterator[float]:
    """Seconds from the source's acknowledgement of a record to a consumer of its mirror, for some partitions."""
    chance = random.Random(1)
    producer = Producer({"bootstrap.servers": bench.source.bootstrap_servers, "acks": "all", "log_level": 2})
    servers = bench.destination.bootstrap_servers
    for number in range(PROBES):
        topic = topics[number % len(topics)]
        partition = (number // len(topics) + chance.randrange(10) * PROBES) % TOPIC_PARTITIONS
        consumer = Consumer({"bootstrap.servers": servers, "group.id": "bench", "log_level": 2})
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
        consumer.poll(0.5)  # it is at the end, and waits there
        producer.produce(topic, b"news", partition=partition)
        producer.flush(10)
        sent = time.monotonic()
        message = consumer.poll(GIVE_UP_AFTER_S)
        yield time.monotonic() - sent
        consumer.close()
        if message is None or message.error() is not None:
            raise Stalled(f"no record in {topic}-{partition} of the mirror")
