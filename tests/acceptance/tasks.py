"""What the runbooks ask of a link's tasks."""

from __future__ import annotations

import json
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, checked
from tests.support.clients import TIMEOUT_S, admin, answered
from tests.support.workers import wait_until


def task(rest: Rest, link: str, name: str) -> dict[str, Any]:
    """What a task last reported; empty before its first report."""
    answer = checked(rest.ask("GET", f"/{link}", include_task_runs="true")).json()
    return next((row for row in answer.get("tasks") or () if row["task_name"] == name), {})


def is_well(row: dict[str, Any]) -> bool:
    """One report that says so: what an earlier cycle found may be applied late on a busy machine, and is then said
    until the next one.
    """
    return row.get("state") == "ACTIVE" and not row.get("errors")


def errors(rest: Rest, link: str, name: str) -> list[str]:
    """Codes of a task's errors."""
    return [each["error_code"] for each in task(rest, link, name).get("errors") or ()]


def wait_for_state(rest: Rest, link: str, name: str, state: str, within_s: float = 120) -> None:
    wait_until(lambda: task(rest, link, name).get("state") == state, f"{name} is {state}", within_s, 0.25)


def configure(rest: Rest, link: str, **configs: str) -> None:
    """Change properties of a link; names with underscores for dots."""
    data = [{"name": name.replace("_", "."), "value": value} for name, value in configs.items()]
    checked(rest.ask("PUT", f"/{link}/configs:alter", {"data": data}))


def name_filters(wrapper: str, *rows: tuple[str, str, str]) -> str:
    """A filter's text of (name, patternType, filterType)."""
    return json.dumps({wrapper: [dict(zip(("name", "patternType", "filterType"), row, strict=True)) for row in rows]})


def commit(cluster: LocalCluster, group: str, topic: str, offset: int, partition: int = 0) -> None:
    """What a group that has no members has committed from now on.

    A cluster that has had no group yet needs a moment to make the topic of offsets.
    """
    client = admin(cluster)
    wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, partition, offset)])

    def is_done() -> bool:
        try:
            answers = [each.result(TIMEOUT_S) for each in client.alter_consumer_group_offsets([wanted]).values()]
        except (KafkaException, TimeoutError):
            return False
        return all(each.error is None for answer in answers for each in answer.topic_partitions)

    wait_until(is_done, f"{group} has committed {offset}", poll_s=0.1)


def committed(cluster: LocalCluster, group: str, topic: str, partition: int = 0) -> int | None:
    """A group's offset, None where it has none."""
    client = admin(cluster)
    asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, partition)])

    def ask() -> int | None:
        for future in client.list_consumer_group_offsets([asked]).values():
            for each in future.result(TIMEOUT_S).topic_partitions:
                if each.error is not None:
                    raise KafkaException(each.error)
                return int(each.offset) if each.offset >= 0 else None
        return None

    return answered(ask)
