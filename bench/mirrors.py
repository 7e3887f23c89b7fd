"""`python -m bench.mirrors`: many mirrors (issue 5, NUM-18). Exits 1 when a goal is missed.

Creates mirrors of one partition over several links through REST, as fast as that answers; then lists all of them,
describes one, and fails over a thousand. Goals: a list within 1 s, a description within 200 ms, the failover in 30 s.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import click
import httpx
from confluent_kafka.admin import AdminClient, NewTopic

from bench.running import two_clusters
from pipeline.demo.worker import WorkerProcess
from pipeline.local.cluster import LocalCluster

LIST_S, DESCRIBE_S, FAILOVER_S = 1.0, 0.2, 30.0
FAILED_OVER = 1_000
TOPICS_AT_ONCE = 500
WITHIN_S = 600.0


class Measured:
    """One worker, its links and mirrors, through REST."""

    def __init__(self, worker: WorkerProcess, source: LocalCluster, destination: LocalCluster) -> None:
        self._source = source
        at = f"{worker.url}/kafka/v3/clusters/{destination.cluster_id}/links"
        self._rest = httpx.Client(base_url=at, timeout=WITHIN_S, limits=httpx.Limits(max_connections=64))

    def create_links(self, count: int) -> list[str]:
        names = [f"link-{n:03d}" for n in range(count)]
        body = {
            "source_cluster_id": self._source.cluster_id,
            "configs": [{"name": "bootstrap.servers", "value": self._source.bootstrap_servers}],
        }
        for name in names:
            while (answer := self._rest.post("", params={"link_name": name}, json=body)).status_code == 503:
                time.sleep(0.2)
            answer.raise_for_status()
        return names

    def create_mirrors(self, links: list[str], topics: list[str], at_once: int) -> float:
        """Seconds until all are accepted: each link's one after the other, some links at the same time."""

        def create(number: int) -> None:
            for topic in topics[number :: len(links)]:
                answer = self._rest.post(f"/{links[number]}/mirrors", json={"source_topic_name": topic})
                if answer.is_error:
                    raise click.ClickException(f"{topic}: {answer.status_code} {answer.text}")

        began = time.monotonic()
        with ThreadPoolExecutor(min(at_once, len(links))) as pool:
            list(pool.map(create, range(len(links))))
        return time.monotonic() - began

    def until_all(self, status: str, count: int) -> float:
        """Seconds until so many mirrors have a status."""
        began = time.monotonic()
        while len(self.mirrors(status)) < count:
            if time.monotonic() - began > WITHIN_S:
                raise TimeoutError(f"{len(self.mirrors(status))} of {count} mirrors are {status}")
            time.sleep(0.2)
        return time.monotonic() - began

    def mirrors(self, status: str = "") -> list[dict[str, str]]:
        answer = self._rest.get("/-/mirrors", params={"mirror_status": status} if status else {})
        answer.raise_for_status()
        return list(answer.json()["data"])

    def describe(self, link: str, topic: str) -> None:
        self._rest.get(f"/{link}/mirrors/{topic}").raise_for_status()

    def list_links(self) -> None:
        self._rest.get("").raise_for_status()

    def fail_over(self, count: int) -> float:
        """Seconds until so many mirrors are STOPPED, asked for link by link."""
        wanted = self.mirrors()[:count]
        began = time.monotonic()
        for link in sorted({row["link_name"] for row in wanted}):
            names = [row["mirror_topic_name"] for row in wanted if row["link_name"] == link]
            self._rest.post(f"/{link}/mirrors:failover", json={"mirror_topic_names": names}).raise_for_status()
        self.until_all("STOPPED", count)
        return time.monotonic() - began


def worst(times: int, what: Callable[[], object]) -> float:
    """The slowest of several."""
    took = []
    for _ in range(times):
        began = time.monotonic()
        what()
        took.append(time.monotonic() - began)
    return max(took)


def create_topics(cluster: LocalCluster, count: int) -> list[str]:
    topics = [f"bench-{n:05d}" for n in range(count)]
    client = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})
    for at in range(0, count, TOPICS_AT_ONCE):
        new = [NewTopic(topic, 1, 1) for topic in topics[at : at + TOPICS_AT_ONCE]]
        for future in client.create_topics(new, operation_timeout=60, request_timeout=120).values():
            future.result(120)
    return topics


@contextmanager
def kept(worker: WorkerProcess, file: Path | None) -> Iterator[None]:
    """A block at whose end, good or bad, the worker's log is written to a file."""
    try:
        yield
    finally:
        if file is not None:
            file.write_text(worker.log())


@click.command()
@click.option("--mirrors", default=2_000, show_default=True)
@click.option("--links", default=20, show_default=True)
@click.option("--at-once", default=32, show_default=True, help="Links whose mirrors are created at the same time.")
@click.option("--log", type=click.Path(path_type=Path, dir_okay=False), help="Keep the worker's log in this file.")
def main(mirrors: int, links: int, at_once: int, log: Path | None) -> None:
    """Measure many mirrors on two real brokers of this machine."""
    with (
        two_clusters() as (source, destination),
        tempfile.TemporaryDirectory(prefix="clusterlink-bench-") as folder,
        WorkerProcess(Path(folder), destination.bootstrap_servers) as worker,
        kept(worker, log),
    ):
        topics = create_topics(source, mirrors)
        measured = Measured(worker, source, destination)
        names = measured.create_links(links)
        took = measured.create_mirrors(names, topics, at_once)
        active = measured.until_all("ACTIVE", mirrors)
        click.echo(
            f"{mirrors} mirrors on {links} links: created in {took:.1f} s ({mirrors / took:.0f} a second), all ACTIVE "
            f"{active:.1f} s later"
        )
        count = min(FAILED_OVER, mirrors)
        goals = (
            (f"list of {mirrors} mirrors", worst(10, measured.mirrors), LIST_S),
            (f"list of {links} links", worst(10, measured.list_links), LIST_S),
            ("describe a mirror", worst(20, lambda: measured.describe(names[0], topics[0])), DESCRIBE_S),
            (f"failover of {count} mirrors", measured.fail_over(count), FAILOVER_S),
        )
    for what, seconds, goal in goals:
        click.echo(f"{'met' if seconds <= goal else 'MISSED'}: {what}: {seconds:.2f} s (goal {goal:g} s)")
    sys.exit(0 if all(seconds <= goal for _, seconds, goal in goals) else 1)


if __name__ == "__main__":
    main()
