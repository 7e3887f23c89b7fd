"""Ask clusterlink for things in a test: over REST, over the commands topic, and compare what came of it."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx
from confluent_kafka import Consumer, Producer, TopicPartition

from pipeline.link.link_rules import REMOTE_ID
from pipeline.link.states import LinkMode
from pipeline.local.cluster import LocalCluster
from pipeline.verify import Report, verify
from tests.support.clients import ASK_S, TIMEOUT_S, answered, configuration, log_ends
from tests.support.consuming import records
from tests.support.workers import WorkerProcess, wait_until

ANSWERS_WITHIN_S = 90.0
"""Longer than a worker waits for a command's result (`api_timeout_ms`): it says itself that none has come."""


class Rest:
    """The REST API of one worker, seen from the links of its cluster. Answers are returned as they are, errors too."""

    def __init__(self, worker: WorkerProcess, cluster: LocalCluster) -> None:
        self._client = httpx.Client(
            base_url=f"{worker.url}/kafka/v3/clusters/{cluster.cluster_id}/links",
            timeout=ANSWERS_WITHIN_S,
            verify=worker.client_tls or True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def ask(self, method: str, path: str, body: Any = None, **params: str) -> httpx.Response:
        """`path` below `/links`."""
        return self._client.request(method, path, json=body, params=params)

    def create_link(self, link: str, source: LocalCluster, **configs: str) -> httpx.Response:
        """A link to a cluster of ours; config names with underscores for dots."""
        given = {"bootstrap.servers": source.bootstrap_servers} | {k.replace("_", "."): v for k, v in configs.items()}
        rows = [{"name": name, "value": value} for name, value in given.items()]
        return self.ask("POST", "", {"source_cluster_id": source.cluster_id, "configs": rows}, link_name=link)

    def create_side(self, link: str, remote: LocalCluster, **configs: str) -> httpx.Response:
        """One side of a bidirectional link; config names with underscores for dots."""
        given = {"link.mode": "BIDIRECTIONAL", "bootstrap.servers": remote.bootstrap_servers}
        given |= {k.replace("_", "."): v for k, v in configs.items()}
        rows = [{"name": name, "value": value} for name, value in given.items()]
        return self.ask("POST", "", {"remote_cluster_id": remote.cluster_id, "configs": rows}, link_name=link)

    def create_waiting(
        self, link: str, remote: LocalCluster, mode: str = "DESTINATION", **configs: str
    ) -> httpx.Response:
        """The INBOUND side of a link, which waits for the other to dial; config names with underscores for dots."""
        given = {"link.mode": mode, "connection.mode": "INBOUND"} | _dotted(configs)
        return self._create(link, {REMOTE_ID[LinkMode(mode)]: remote.cluster_id}, given)

    def create_source_half(
        self, link: str, destination: LocalCluster, cluster_link_id: str = "", **configs: str
    ) -> httpx.Response:
        """The dialling half of a source-initiated link; config names with underscores for dots."""
        given = {"link.mode": "SOURCE", "bootstrap.servers": destination.bootstrap_servers} | _dotted(configs)
        ids = {"destination_cluster_id": destination.cluster_id}
        return self._create(link, ids | ({"cluster_link_id": cluster_link_id} if cluster_link_id else {}), given)

    def _create(self, link: str, ids: dict[str, str], configs: Mapping[str, str]) -> httpx.Response:
        rows = [{"name": name, "value": value} for name, value in configs.items()]
        return self.ask("POST", "", {**ids, "configs": rows}, link_name=link)

    def create_mirror(self, link: str, topic: str) -> httpx.Response:
        return self.ask("POST", f"/{link}/mirrors", {"source_topic_name": topic})

    def mirror(self, link: str, topic: str) -> dict[str, Any]:
        """A mirror's row with the states of its partitions; empty where there is none."""
        answer = self.ask("GET", f"/{link}/mirrors/{topic}", include_partition_states="true")
        return {} if answer.status_code == 404 else dict(checked(answer).json())

    def mirrors(self, link: str) -> list[str]:
        """Names of the link's mirrors."""
        return [row["mirror_topic_name"] for row in checked(self.ask("GET", f"/{link}/mirrors")).json()["data"]]

    def links(self) -> list[str]:
        return [row["link_name"] for row in checked(self.ask("GET", "")).json()["data"]]

    def wait_for_status(self, link: str, topic: str, status: str = "ACTIVE", within_s: float = 120.0) -> float:
        """Return the seconds until a mirror has come to a status."""
        return wait_until(
            lambda: self.mirror(link, topic).get("mirror_status") == status, f"{topic} is {status}", within_s
        )


def _dotted(configs: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "."): value for name, value in configs.items()}


def checked(answer: httpx.Response) -> httpx.Response:
    """The answer, if it is a good one."""
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    return answer


def refusal(answer: httpx.Response) -> tuple[int, int]:
    """HTTP status and error_code of an answer that has to be an error (spec 8.4)."""
    assert answer.is_error, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    return answer.status_code, int(answer.json()["error_code"])


class CommandsTopic:
    """The commands and results topics of one app id, as any Kafka client sees them (CLI-65)."""

    def __init__(self, cluster: LocalCluster, app_id: str) -> None:
        """Results are followed from now on."""
        self.topic, self._results_topic = f"{app_id}.commands", f"{app_id}.results"
        self._producer = Producer(configuration(cluster, **{"linger.ms": 0, "message.max.bytes": 10 << 20}))
        self._consumer = Consumer(
            configuration(
                cluster,
                **{"group.id": "tests-never-joined", "enable.auto.commit": False, "fetch.wait.max.ms": 50},
            )
        )
        known = answered(lambda: self._consumer.list_topics(timeout=TIMEOUT_S)).topics[self._results_topic]
        places = [TopicPartition(self._results_topic, number) for number in known.partitions]
        self.partitions = len(places)
        ends = [answered(lambda p=place: self._consumer.get_watermark_offsets(p, ASK_S))[1] for place in places]
        self._consumer.assign([TopicPartition(p.topic, p.partition, end) for p, end in zip(places, ends, strict=True)])
        self.results: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def send(self, value: bytes | None, key: bytes | None = None, partition: int = -1) -> str:
        """Produce any record; returns "partition-offset", by which a record without an id is answered.

        Without a partition librdkafka's default partitioner chooses, which is not Java's: CRC-32 of the key.
        """
        placed: list[Any] = []
        self._producer.produce(
            self.topic,
            value,
            key,
            partition=partition,
            on_delivery=lambda error, message: placed.append((error, message)),
        )
        assert self._producer.flush(TIMEOUT_S) == 0
        error, message = placed[0]
        assert error is None, error
        return f"{message.partition()}-{message.offset()}"

    def command(self, kind: str, link: str, arguments: Mapping[str, Any], **more: Any) -> str:
        """Produce a command keyed by its link; returns its id."""
        given = {"id": uuid.uuid4().hex, "link": link, "kind": kind, "arguments": dict(arguments), **more}
        self.send(json.dumps(given).encode(), link.encode())
        return str(given["id"])

    def result(self, command_id: str, within_s: float = 120.0) -> dict[str, Any]:
        """The first result of a command, as soon as it is there."""
        wait_until(lambda: self.poll() and self.results_of(command_id), f"a result of {command_id}", within_s)
        return self.results_of(command_id)[0]

    def results_of(self, command_id: str) -> list[dict[str, Any]]:
        """All results of a command that have come so far."""
        return [r for r in self.results if r.get("id") == command_id]

    def poll(self) -> bool:
        """Take what has come; a record that is no result is passed over."""
        for message in records(self._consumer.consume(100, 0.05)):
            try:
                result = json.loads(message.value() or b"")
            except ValueError:
                continue
            if isinstance(result, dict):
                self.results.append(result)
        return True


def assert_equal(
    source: LocalCluster,
    destination: LocalCluster,
    topic: str,
    mirror: str = "",
    partitions: int = 1,
    *,
    was_source: bool = False,
) -> Report:
    """The mirror is the source's log: every record, every offset, the same log ends (I1, I2).

    `was_source`: a reverse has adopted the mirror's log, whose own aborted records read_uncommitted consumers see.
    """
    properties = [
        cluster.client_properties(next(iter(cluster.options.super_users), None)) for cluster in (source, destination)
    ]
    report = asyncio.run(
        verify(properties[0], properties[1], topic, mirror or topic, patience_s=20, committed_only=was_source)
    )
    assert report.is_equal, str(report.difference)
    assert log_ends(destination, mirror or topic, partitions) == log_ends(source, topic, partitions)
    return report


def wait_for_ends(
    source: LocalCluster,
    destination: LocalCluster,
    topic: str,
    partitions: int = 1,
    within_s: float = 120.0,
    *,
    mirror: str = "",
) -> float:
    """Return the seconds until the mirror's logs end where the source's end now."""
    wanted = log_ends(source, topic, partitions)
    began = time.monotonic()
    wait_until(
        lambda: log_ends(destination, mirror or topic, partitions) == wanted,
        f"the mirror of {topic} ends at {wanted}",
        within_s,
        0.25,
    )
    return time.monotonic() - began
