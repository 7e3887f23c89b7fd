"""The control topics of a group of workers: their names, configs, and making sure that they exist before Faust starts.

A Faust worker that joins an empty cluster may not see topics it has just made and then sits without an assignment, so
all of them, the tables' changelogs included, are made first and waited for until every broker's metadata shows them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.cluster.admin import Admin
from pipeline.cluster.errors import KafkaFailure
from pipeline.cluster.metadata import TopicInfo

WEEK_MS = 7 * 24 * 3_600_000
YEAR_MS = 366 * 24 * 3_600_000
TOPIC_ALREADY_EXISTS = 36
CHANGELOG = "-changelog"
"""How Faust's names of tables' topics end."""
BROKERS_CLOCK = {"message.timestamp.type": "LogAppendTime"}
"""Brokers refuse times that are an hour ahead of theirs: a worker whose clock is wrong must be able to work on."""


class WrongPartitionCount(Exception):
    """A control topic exists with another number of partitions than the setting says; nothing was changed."""


@dataclass(frozen=True)
class ControlTopics:
    """Names of the control topics of one application id, and how many partitions those that spread work have."""

    app_id: str
    partitions: int
    replication_factor: int

    @property
    def commands(self) -> str:
        """Public: what to do, JSON keyed by link name (CLI-65)."""
        return f"{self.app_id}.commands"

    @property
    def results(self) -> str:
        """Public: what came of each command, carrying its id (CLI-65)."""
        return f"{self.app_id}.results"

    @property
    def outcomes(self) -> str:
        """Internal: what the worker that leads a link decided; the only way rows of links and mirrors change."""
        return f"{self.app_id}.outcomes"

    @property
    def progress(self) -> str:
        """Internal: offsets reached and failures met, one record a moving mirror partition and second at most."""
        return f"{self.app_id}.progress"

    @property
    def audit(self) -> str:
        """Public: who asked for what, and what came of it, secrets masked (SEC-36)."""
        return f"{self.app_id}.audit"

    @property
    def claims(self) -> str:
        """Internal: a record's offset here is the token of a new owner's first marker (append protocol)."""
        return f"{self.app_id}.claims"

    @property
    def producers(self) -> str:
        """Internal, compacted: producer id of each mirror partition and generation; the first record counts."""
        return f"{self.app_id}.producers"

    def changelog(self, table: str) -> str:
        """Name Faust gives to a table's changelog."""
        return f"{self.app_id}-{table}{CHANGELOG}"

    def wanted(self, tables: Iterable[str]) -> dict[str, tuple[int, dict[str, str]]]:
        """Return topic -> (partitions, configs) for everything a worker needs to exist."""
        compacted = {**BROKERS_CLOCK, "cleanup.policy": "compact"}
        kept = {**BROKERS_CLOCK, "cleanup.policy": "delete", "retention.ms": str(WEEK_MS)}
        return {
            self.commands: (self.partitions, kept),
            self.results: (self.partitions, kept),
            self.outcomes: (self.partitions, kept),
            self.audit: (self.partitions, {**kept, "retention.ms": str(YEAR_MS)}),
            self.progress: (self.partitions, {**kept, "retention.ms": str(WEEK_MS // 7)}),
            self.claims: (1, kept),
            self.producers: (1, compacted),
            **{self.changelog(table): (self.partitions, compacted) for table in tables},
        }


async def ensure(topics: ControlTopics, tables: Iterable[str], admin: Admin) -> None:
    """Make what is missing and wait until the cluster's metadata shows all of it.

    Raises `WrongPartitionCount` where a topic exists with another count: work would then be spread differently by
    each worker, so the worker refuses to start.
    """
    wanted = topics.wanted(tables)
    present = await admin.describe_topics(list(wanted))
    wrong = [
        f"{name} has {len(info.partitions)} partitions, CLUSTERLINK_PARTITIONS says {wanted[name][0]}"
        for name, info in present.items()
        if not info.error and len(info.partitions) != wanted[name][0]
    ]
    if wrong:
        raise WrongPartitionCount("; ".join(wrong) + ". Start with the count the topics have, or with another app id.")
    for name in [n for n in wanted if present[n].error]:
        count, configs = wanted[name]
        try:
            await admin.create_topic(name, count, topics.replication_factor, configs)
        except KafkaFailure as error:
            if error.code != TOPIC_ALREADY_EXISTS:  # another worker, started at the same moment, was quicker
                raise
    async with asyncio.timeout(60):
        while any(not _is_ready(info) for info in (await admin.describe_topics(list(wanted))).values()):
            await asyncio.sleep(0.1)


def _is_ready(info: TopicInfo) -> bool:
    return bool(info.partitions) and all(p.leader >= 0 for p in info.partitions.values())
