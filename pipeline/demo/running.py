"""The demo's story, from two empty clusters to a verified mirror. Whatever ends it, nothing of it is left behind."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from pipeline.demo.commanding import Commander
from pipeline.demo.producing import BURST_RECORDS, Orders, create_topic
from pipeline.demo.showing import show_while
from pipeline.demo.watching import Watch
from pipeline.demo.worker import WorkerProcess
from pipeline.local.cluster import LocalCluster, start_together
from pipeline.local.process import GUARD
from pipeline.verify import Report, as_lines, verify

LINK, TOPIC, PARTITIONS = "from-source", "orders", 3
PRELOAD_BURSTS = 300
RECORDS_PER_S = 3_000
LOOK_EVERY_S = 0.5
CATCH_UP_S = 180.0


@dataclass(frozen=True)
class Stage:
    """What runs: two clusters and a worker beside the second one."""

    source: LocalCluster
    destination: LocalCluster
    worker: WorkerProcess


def run(console: Console, seconds: float, keep: bool) -> int:
    """Play the demo; returns the exit code, that of the verification."""
    with stage(console) as on:
        create_topic(on.source.bootstrap_servers, TOPIC, PARTITIONS)
        watch = Watch(on.worker.url, on.destination.cluster_id, LINK, TOPIC)
        with Orders(on.source.bootstrap_servers, TOPIC, PARTITIONS, RECORDS_PER_S) as orders:
            orders.preload(PRELOAD_BURSTS)
            console.print(
                f"Topic {TOPIC} on the source: {PRELOAD_BURSTS * BURST_RECORDS:,} records, {PARTITIONS} partitions, "
                "all codecs, keys, headers, transactions committed and aborted"
            )
            make_link_and_mirror(console, on)
            orders.start()
            ends_at = time.monotonic() + seconds
            show_while(console, watch.look, orders.produced, lambda _: time.monotonic() < ends_at, LOOK_EVERY_S)
        if orders.error is not None:
            raise orders.error
        gives_up_at = time.monotonic() + CATCH_UP_S
        show_while(
            console,
            watch.look,
            orders.produced,
            lambda now: now.lag > 0 and time.monotonic() < gives_up_at,
            LOOK_EVERY_S,
        )
        console.print("No more records; now both sides are read and compared, record by record")
        report = compare(on)
        show_report(console, report)
        if keep:
            look_around(console, on)
            threading.Event().wait()
        watch.close()
        return report.exit_code


@contextmanager
def stage(console: Console) -> Iterator[Stage]:
    """Everything that has to run, in a folder of its own; ended and removed in the other order."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clusterlink-demo-")))
        GUARD.add_folder(folder)
        stack.callback(GUARD.drop_folder, folder)
        console.print("Starting two Kafka clusters (the first time, Kafka's jars are downloaded: some 45 MB)")
        began = time.monotonic()
        source, destination = LocalCluster(), LocalCluster()
        start_together((source, destination))
        stack.callback(source.stop)
        stack.callback(destination.stop)
        console.print(f"Two Kafka clusters run, started in {time.monotonic() - began:.1f} s")
        began = time.monotonic()
        worker = stack.enter_context(WorkerProcess(folder, destination.bootstrap_servers))
        console.print(f"A worker runs beside the second one, started in {time.monotonic() - began:.1f} s")
        yield Stage(source, destination, worker)


def make_link_and_mirror(console: Console, on: Stage) -> None:
    """Two records on the commands topic. Raises Refused."""
    commander = Commander(on.destination.bootstrap_servers)
    try:
        configs = [{"name": "bootstrap.servers", "value": on.source.bootstrap_servers}]
        arguments = {"source_cluster_id": on.source.cluster_id, "configs": configs}
        commander.run("link.create", LINK, arguments)
        commander.run("mirror.create", LINK, {"source_topic_name": TOPIC})
    finally:
        commander.close()
    console.print(f"Link {LINK} and mirror {TOPIC} made by two records on the topic clusterlink.commands")


def compare(on: Stage) -> Report:
    """Read both sides with consumers that share no code with the engine."""
    return asyncio.run(verify(on.source.client_properties(), on.destination.client_properties(), TOPIC, TOPIC))


def show_report(console: Console, report: Report) -> None:
    for name, text in as_lines(report).items():
        console.print(f"  {name + ':':12}{text}", highlight=False, markup=False)
    for note in report.notes:
        console.print(f"  {note}", highlight=False, markup=False)


def look_around(console: Console, on: Stage) -> None:
    """Where to look and what to type while it runs, complete: a test types it."""
    url, destination = on.worker.url, on.destination.bootstrap_servers
    lines = (
        "",
        "All of it goes on running until Ctrl-C. Look at it with a browser:",
        "",
        f"Console               {url}/console/",
        f"Metrics               {url}/metrics",
        "",
        "or in a second terminal:",
        "",
        f'export PATH="{Path(sys.executable).parent}:$PATH" CLUSTERLINK_URL={url}',
        "clusterlink link list",
        f"clusterlink mirror describe {TOPIC} --link {LINK}",
        f"clusterlink mirror verify {TOPIC} --link {LINK} --bootstrap-server {destination}",
        f"clusterlink mirror failover {TOPIC} --link {LINK} --dry-run",
        "",
        f"Source cluster        {on.source.bootstrap_servers}",
        f"Destination cluster   {destination}",
        f"REST                  {url}/kafka/v3/clusters/{on.destination.cluster_id}/links",
    )
    for text in lines:
        console.print(text, highlight=False, markup=False, soft_wrap=True)
