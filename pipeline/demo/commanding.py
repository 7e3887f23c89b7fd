"""Ask for a link and a mirror as any program may: JSON on the commands topic, answers on the results topic (CLI-65)."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from pipeline.link.commands import build, dump

COMMANDS, RESULTS = "clusterlink.commands", "clusterlink.results"
ANSWER_TIMEOUT_S = 120.0


class Refused(Exception):
    """A command was not carried out; says why, in the words of the result record."""


class Commander:
    """Sends commands and waits for their results."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 0, "log_level": 2})
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "clusterlink-demo",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 50,
                "log_level": 2,
            }
        )
        partitions = self._consumer.list_topics(RESULTS, timeout=ANSWER_TIMEOUT_S).topics[RESULTS].partitions
        # From the end of now, each by its number: an answer must not pass between asking and looking.
        ends = [
            TopicPartition(RESULTS, at, self._consumer.get_watermark_offsets(TopicPartition(RESULTS, at))[1])
            for at in partitions
        ]
        self._consumer.assign(ends)

    def run(self, kind: str, link: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Produce one command, keyed by its link, and return its result record. Raises Refused, TimeoutError."""
        command = build(kind, link, arguments, uuid.uuid4().hex, time_ms=time.time_ns() // 1_000_000)
        self._producer.produce(COMMANDS, key=link.encode(), value=dump(command))
        self._producer.flush(ANSWER_TIMEOUT_S)
        result = self._result(command.id)
        if int(result["status"]) >= 400:
            raise Refused(f"{kind}: {result.get('error_code')}: {result.get('message')}")
        return result

    def close(self) -> None:
        self._consumer.close()

    def _result(self, command_id: str) -> dict[str, Any]:
        give_up_at = time.monotonic() + ANSWER_TIMEOUT_S
        while time.monotonic() < give_up_at:
            message = self._consumer.poll(0.2)
            if message is None or message.error() is not None:
                continue
            found: dict[str, Any] = json.loads(message.value() or b"{}")
            if found.get("id") == command_id:
                return found
        raise TimeoutError(f"no result for command {command_id} in {ANSWER_TIMEOUT_S:.0f} s")
