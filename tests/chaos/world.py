"""What a run is made of: two clusters, workers in networks and with clocks of their own, a link, mirrors, load, a
checker, a watch.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.local.cluster import LocalCluster, start_together
from pipeline.local.options import QUICK_FENCING, ClusterOptions
from tests.acceptance.tasks import name_filters
from tests.chaos.checking import Checker
from tests.chaos.load import GROUPS, Load
from tests.chaos.topics import TOPICS
from tests.chaos.watching import Watch
from tests.chaos.weather import WeatherCable
from tests.support.asking import Rest, checked
from tests.support.clients import create_topic
from tests.support.clocks import Clock
from tests.support.networks import Network
from tests.support.workers import WorkerProcess, wait_until

LINK = "chaos"
CONTROL_PARTITIONS = 4
BROKER_PROPERTIES = {"log.cleaner.backoff.ms": "2000", "log.cleaner.threads": "1", "num.network.threads": "2"}
BACK_WITHIN_S = 240.0
"""Limits of a busy machine, not what is measured."""
SIDES = ("source", "destination")


@dataclass
class World:
    """Everything that faults are done to."""

    clusters: dict[str, LocalCluster]
    workers: list[WorkerProcess]
    cables: dict[tuple[int, str], list[WeatherCable]]
    """By worker and side: its ways to the brokers."""
    clocks: list[Clock]
    """Each worker's."""
    load: Load
    checker: Checker
    watch: Watch
    say: Callable[[str], None]
    taken_over_s: float | None = None
    """The oldest record that the mirror lacked, until others had a gone worker's work and the mirror had caught up."""
    ended_by_themselves: int = 0
    slowest_end_s: float = 0.0
    """Of the ends by SIGTERM that were in time."""
    late_ends: int = 0
    """SIGTERMs after which a worker had to be killed."""
    down: list[WorkerProcess] = field(default_factory=list)
    """Workers that a fault has ended, and will start again."""

    def shared(self) -> bool:
        """Whether every control partition has exactly one owner."""
        owned = [worker.owned for worker in self.workers if worker.is_running()]
        return sum(map(len, owned)) == CONTROL_PARTITIONS and len(set().union(*owned)) == CONTROL_PARTITIONS

    def supervise(self) -> None:
        """Start again what has ended without being told to, as a service manager would."""
        for worker in self.workers:
            if worker not in self.down and not worker.is_running():
                self.ended_by_themselves += 1
                self.say(f"    {worker.name} had ended by itself; it logged last:\n{worker.log_end(6)}")
                worker.launch()


@contextmanager
def world(seed: int, folder: Path, rest_s: float, say: Callable[[str], None], many: int = 2) -> Iterator[World]:
    """With so many workers. A seed makes the clusters: every third has three brokers at the source, every third at the
    destination.
    """
    dice = random.Random(f"{seed} world")
    three = dice.choice((None, *SIDES))
    options = {side: _options(3 if side == three else 1) for side in SIDES}
    clusters = {side: LocalCluster(options[side]) for side in SIDES}
    say(f"seed {seed}: {', '.join(f'{side} of {options[side].brokers}' for side in SIDES)}; logs in {folder}")
    with ExitStack() as stack:
        start_together(list(clusters.values()))
        for cluster in clusters.values():
            stack.callback(cluster.stop)
        for topic in TOPICS:
            source = clusters["source"]
            replicas = min(3, source.options.brokers)
            minimum = {"min_insync_replicas": str(max(1, replicas - 1))}
            configs = {name.replace(".", "_"): value for name, value in topic.configs.items()}
            create_topic(source, topic.name, topic.partitions, replicas, **configs, **minimum)
        workers, cables, clocks = _workers(stack, clusters, folder, many)
        checker = Checker(clusters["source"], clusters["destination"])
        load = Load(clusters["source"], seed, checker.acknowledged, rest_s)
        watch = Watch(clusters["source"], clusters["destination"])
        made = World(clusters, workers, cables, clocks, load, checker, watch, say)
        wait_until(made.shared, "the work is shared", BACK_WITHIN_S)
        _link(made)
        for part in (checker, load, made.watch):
            part.start()
            stack.callback(part.stop)
        wait_until(lambda: load.records > 100, "the load has begun", 60)
        yield made


def _options(brokers: int) -> ClusterOptions:
    properties = BROKER_PROPERTIES | QUICK_FENCING
    if brokers > 1:
        properties |= {"default.replication.factor": "3", "min.insync.replicas": "2"}
    return ClusterOptions(brokers=brokers, heap_mb=384 if brokers == 1 else 288, properties=properties)


def _workers(
    stack: ExitStack, clusters: dict[str, LocalCluster], folder: Path, many: int
) -> tuple[list[WorkerProcess], dict[tuple[int, str], list[WeatherCable]], list[Clock]]:
    workers: list[WorkerProcess] = []
    clocks: list[Clock] = []
    cables: dict[tuple[int, str], list[WeatherCable]] = {}
    for number in range(many):
        network = stack.enter_context(Network())
        for side, cluster in clusters.items():
            ports = [int(address.rpartition(":")[2]) for address in cluster.bootstrap_servers.split(",")]
            cables[number, side] = [network.leads(port, WeatherCable) for port in ports]
            for cable in cables[number, side]:
                stack.callback(cable.close)
        clocks.append(Clock(folder / f"clock-{number + 1}"))
        worker = WorkerProcess(
            clusters["destination"].bootstrap_servers,
            folder,
            workers[0].app_id if workers else None,
            network=network,
            environment=clocks[-1].environment,
            partitions=str(CONTROL_PARTITIONS),
            replication_factor=str(min(3, clusters["destination"].options.brokers)),
        )
        workers.append(worker)
        stack.enter_context(worker.ended_with_us())
        worker.launch()
    for worker in workers:
        worker.wait_until_ready()
    return workers, cables, clocks


def _link(made: World) -> None:
    filters = name_filters("groupFilters", *((group, "LITERAL", "INCLUDE") for group in GROUPS))
    with Rest(made.workers[0], made.clusters["destination"]) as rest:
        checked(
            rest.create_link(
                LINK,
                made.clusters["source"],
                consumer_offset_sync_enable="true",
                consumer_offset_sync_ms="1000",
                consumer_offset_group_filters=filters,
                metadata_max_age_ms="10000",
            )
        )
        for topic in TOPICS:
            checked(rest.create_mirror(LINK, topic.name))
        for topic in TOPICS:
            rest.wait_for_status(LINK, topic.name)
