"""Which ACLs of the source cluster were created by links there, guards of mirrors among them (FILT-6, FILT-7, TASK-32).

The workers beside the source cluster keep them in the changelog of their table `owned_acls`. Whoever may read that
topic knows; it has the same name as ours where both groups of workers have the same app id. Where it is not there, or
may not be read, no ACL of the source counts as a link's.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.acls import Acl
from pipeline.sync.acl_ownership import read_rows
from pipeline.sync.guard_plan import read_guard

log = logging.getLogger(__name__)
Places = dict[tuple[str, int], int]


class LinkAcls:
    """Follows the ownership rows of the source's workers; reads them again only when there are new ones."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._ends: Places | None = None
        self._found: dict[Acl, str] = {}
        self.guards: frozenset[Acl] = frozenset()
        """Entries that keep the source's own mirrors read-only, as of the last look (MIRROR-4)."""
        self._said = ""

    async def created_by(self, source: Admin) -> Mapping[Acl, str]:
        """The id of the link that created it, by ACL. Raises ClusterError where the source does not answer."""
        info = (await source.describe_topics([self._topic]))[self._topic]
        if info.error:
            self._ends, self._found, self.guards = None, {}, frozenset()
            return self._found
        ends = await source.end_offsets([(self._topic, number) for number in info.partitions])
        if ends == self._ends:
            return self._found
        try:
            rows = await self._read(source, ends)
        except KafkaError as error:
            if self._said != str(error):
                log.warning("Which ACLs links created at the source cannot be read from %s: %s", self._topic, error)
                self._said = str(error)
            return self._found
        self._ends, self._said = ends, ""
        self._found = {acl: row["link_id"] for row in rows.values() for acl in read_rows([row], row["link_id"])}
        self.guards = frozenset(acl for row in rows.values() for acl in read_guard(row))
        return self._found

    async def _read(self, source: Admin, ends: Places) -> dict[str, dict[str, Any]]:
        """The rows by key, as of `ends`."""
        rows: dict[str, dict[str, Any]] = {}
        consumer = AIOKafkaConsumer(**source.client.security.aiokafka(), group_id=None, enable_auto_commit=False)
        await consumer.start()
        try:
            places = [TopicPartition(*place) for place in ends]
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            while any([await consumer.position(tp) < ends[tp.topic, tp.partition] for tp in places]):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    for record in records:
                        key, value = str(json.loads(record.key)), json.loads(record.value or b"null")
                        if value is None:
                            rows.pop(key, None)
                        else:
                            rows[key] = value["row"]
        finally:
            await consumer.stop()
        return rows
