"""The topics of a run, one for each kind of log, and what one record of them is to the checker."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Message


@dataclass(frozen=True)
class Topic:
    """A source topic; its mirror has the same name."""

    name: str
    partitions: int
    batch: int = 1000
    is_transactional: bool = False
    is_compacted: bool = False
    configs: Mapping[str, str] = field(default_factory=dict)


TOPICS = (
    Topic("plain", 3),
    Topic("transactional", 2, is_transactional=True),
    Topic("tiny", 2, batch=1),
    Topic(
        "compacted",
        2,
        is_compacted=True,
        configs={
            "cleanup.policy": "compact",
            "segment.ms": "15000",
            "min.cleanable.dirty.ratio": "0.01",
            "delete.retention.ms": "600000",
        },
    ),
)
PLACES = tuple((topic.name, number) for topic in TOPICS for number in range(topic.partitions))
COMPACTED = frozenset(topic.name for topic in TOPICS if topic.is_compacted)
Place = tuple[str, int]


QUIET: Mapping[str, Any] = {"log_level": 0, "reconnect.backoff.max.ms": 1000}
"""For clients that see brokers end and come back."""


def digest(key: bytes | None, value: bytes | None) -> bytes:
    """What a record is told by; keys and values are all that the load writes, and times are compared apart."""
    return hashlib.blake2b(repr((key, value)).encode(), digest_size=16).digest()


def digest_of(message: Message) -> bytes:
    """The same of a consumed record, with its time and headers."""
    inside = digest(_raw(message.key()), _raw(message.value()))
    return hashlib.blake2b(inside + repr((message.timestamp()[1], message.headers())).encode(), digest_size=16).digest()


def _raw(given: str | bytes | None) -> bytes | None:
    return given.encode() if isinstance(given, str) else given
