"""In-cluster replication as the yardstick: the same records, reassigned between the brokers of a cluster of two.

The followers fetch as Kafka ships them. Their brokers get the same warm-up as ours: a reassignment that does not count.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from bench import copying
from bench.cases import Case
from bench.clusterlink import Clusterlink
from bench.loading import delete_topic, fill, log_bytes
from bench.measures import Figures, Measure, number
from bench.measuring import Sample, Watched, figures, watch
from bench.running import Bench, Outcome, Starter
from pipeline.local.cluster import LocalCluster

FOLLOWERS = "follower replication"
TIMEOUT_S = 60.0


def measure(bench: Bench, case: Case, records: int, _starters: Sequence[Starter]) -> Iterator[Outcome]:
    """Ours first, then the followers: neither has the other's brokers busy beside it."""
    yield from copying.measure(bench, case, records, [Clusterlink])
    with LocalCluster(replace(bench.source.options, brokers=2)) as cluster:
        _reassigned(cluster, replace(case, name="warm-up"), min(records, copying.WARM_UP_RECORDS))
        found, samples = _reassigned(cluster, case, records)
        bench.say(f"  {FOLLOWERS}: {number(found[Measure.MB_PER_S])} MB/s")
        yield Outcome(case, FOLLOWERS, found, samples=tuple(samples))


def _reassigned(cluster: LocalCluster, case: Case, records: int) -> tuple[Figures, list[Sample]]:
    """Load a topic on broker 1 and move it to broker 2; the follower's log tells how far it is."""
    topic = f"bench-{case.name}-{time.time_ns() // 1_000_000}"
    servers = cluster.bootstrap_servers
    on_one = [[1]] * case.partitions
    new = NewTopic(topic, case.partitions, replica_assignment=on_one, config={"retention.ms": "-1"})
    creator = AdminClient({"bootstrap.servers": servers})  # one that nobody holds is destroyed, its answers with it
    creator.create_topics([new])[topic].result()
    fill(cluster, topic, case, records)
    whole = log_bytes(cluster, topic, 1)
    admin = KafkaAdminClient(bootstrap_servers=servers)
    try:
        wanted = {TopicPartition(topic, number): [2] for number in range(case.partitions)}
        brokers = Watched((), cluster.process_ids)
        samples = watch(
            partial(_reassign, admin, wanted),
            lambda: records * log_bytes(cluster, topic, 2) // whole,
            records,
            lambda: brokers,
        )
        give_up_at = time.monotonic() + TIMEOUT_S
        while admin.list_partition_reassignments(list(wanted)):
            if time.monotonic() > give_up_at:
                raise RuntimeError(f"the reassignment was not over in {TIMEOUT_S:.0f} s after all bytes had come")
            time.sleep(0.1)
    finally:
        admin.close()
    delete_topic(servers, topic)
    found = figures(samples, records, records, case.record_bytes)
    return {measure: found[measure] for measure in (Measure.MB_PER_S, Measure.BROKER_CPU_S_PER_GB)}, samples


def _reassign(admin: KafkaAdminClient, wanted: dict[TopicPartition, list[int]]) -> None:
    refused = [str(error) for error in admin.alter_partition_reassignments(wanted).values() if error is not None]
    if refused:
        raise RuntimeError(f"the reassignment was refused: {refused[0]}")
