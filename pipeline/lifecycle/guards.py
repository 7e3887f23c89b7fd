"""The read-only guards of one worker's mirrors: what is known of the own cluster, and the changes (MIRROR-4).

That an entry is ours is remembered in the table `owned_acls` before it is created, and forgotten after it is deleted;
so whoever leads the link next lifts what a dead worker has put up, and nobody lifts what somebody else has put there.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from pipeline.cluster.admin import Admin
from pipeline.cluster.administration.acls import Acl, AclFilter
from pipeline.cluster.errors import SECURITY_DISABLED, ClusterError, KafkaFailure, NotAuthorized
from pipeline.control.read_model import ReadModel
from pipeline.lifecycle.guard_probe import denies_by_default, harmless, wait_until_shown
from pipeline.link.models import Mirror
from pipeline.sync.guard_plan import EVERYBODY, Guard, guarded_topic, plan_guard, read_guard, row_name, writers

log = logging.getLogger(__name__)
NO_AUTHORIZER_S = 60.0
"""How long a cluster without an authorizer, or one that does not let us see ACLs, is taken to stay so."""
FRESH_S = 1.0
"""The own cluster's entries as seen so long ago will do: several links look at them."""


@dataclass
class Guards:
    """What this worker knows. `spared`: principals of other workers, which have to be able to write."""

    spared: frozenset[str] = frozenset()
    _locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    _up: set[tuple[str, str]] = field(default_factory=set)
    _harmless: dict[str, bool] = field(default_factory=dict)
    _denies_by_default: bool | None = None
    _none_until: float = float("-inf")
    _said: str = ""
    _seen: tuple[float, list[Acl]] | None = None
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def lock(self, link: str) -> asyncio.Lock:
        """Held while a link's guards are changed: what is being put up is not lifted at the same moment."""
        return self._locks[link]

    def is_up(self, mirror: Mirror) -> bool:
        """Whether a mirror has the guard that its cluster allows: it may be ACTIVE."""
        return (mirror.mirror_topic, mirror.mirror_topic_id) in self._up

    def note(self, mirrors: Iterable[Mirror]) -> bool:
        """These have their guards; whether that is news."""
        new = {(m.mirror_topic, m.mirror_topic_id) for m in mirrors} - self._up
        self._up |= new
        return bool(new)

    def forget(self, mirrors: Iterable[Mirror]) -> None:
        self._up -= {(m.mirror_topic, m.mirror_topic_id) for m in mirrors}

    async def entries(self, own: Admin) -> list[Acl] | None:
        """The own cluster's entries for topics; None where there are none to be had. Raises ClusterError."""
        async with self._looking:
            if time.monotonic() < self._none_until:
                return None
            if self._seen is not None and time.monotonic() - self._seen[0] < FRESH_S:
                return self._seen[1]
            try:
                found = await own.describe_acls(AclFilter("TOPIC"))
            except KafkaFailure as error:
                if error.code != SECURITY_DISABLED and not isinstance(error, NotAuthorized):
                    raise
                self._none_until = time.monotonic() + NO_AUTHORIZER_S
                if error.code != SECURITY_DISABLED and str(error) != self._said:
                    log.warning("No read-only guards (MIRROR-4): %s; writes by others are only detected", error)
                    self._said = str(error)
                return None
            self._seen = time.monotonic(), found
            return found

    async def plans(
        self, own: Admin, app_id: str, owned: Mapping[str, Collection[Acl]], here: Collection[Acl]
    ) -> dict[str, Guard]:
        """What the guard of each topic lacks, by topic. Raises ClusterError."""
        grants = [acl for acl in here if acl.permission == "ALLOW"]
        principals = {EVERYBODY}.union(*(writers(topic, grants) for topic in owned)) - self._harmless.keys()
        if principals:
            fine = await harmless(own, app_id, principals)
            self._harmless |= {principal: principal in fine for principal in principals}
        if self._denies_by_default is None:
            self._denies_by_default = self._harmless[EVERYBODY] and await denies_by_default(own)
        may_deny = {p for p, is_fine in self._harmless.items() if is_fine} - self.spared
        if self.spared:
            may_deny -= {EVERYBODY}  # whether the others are super users too is not known
        by_topic = _by_topic(here)
        return {
            topic: plan_guard(topic, by_topic.get(topic, []) + by_topic[""], entries, may_deny, self._denies_by_default)
            for topic, entries in owned.items()
        }

    async def put_up(self, own: Admin, plans: Collection[Guard]) -> None:
        """Create what is missing and delete what is no longer wanted; the brokers show it then. Raises ClusterError."""
        add = {acl for guard in plans for acl in guard.plan.add}
        gone = {acl for guard in plans for acl in guard.plan.delete}
        if add or gone:
            self._seen = None
        for error in (await own.create_acls(add)).values():
            raise error
        if add:
            await asyncio.gather(*(wait_until_shown(own, add, node) for node in await own.brokers()))
        await self.take_down(own, gone)

    async def take_down(self, own: Admin, acls: Collection[Acl]) -> None:
        """Delete entries of ours. Raises ClusterError; what is not there any more counts as deleted."""
        if acls:
            self._seen = None
            for error in (await own.delete_acls(acls)).values():
                raise error


def owned_guards(model: ReadModel, link: str) -> dict[str, set[Acl]]:
    """The entries that are ours, by mirror topic."""
    head = f"{link}/{row_name('')}"
    rows = ((key.partition("/")[2], row) for key, row in list(model.owned_acls.items()) if key.startswith(head))
    return {topic: read_guard(row) for name, row in rows if (topic := guarded_topic(name)) is not None}


def _by_topic(acls: Iterable[Acl]) -> dict[str, list[Acl]]:
    """Entries for one topic under its name, those that may be for many under ``""``."""
    found: dict[str, list[Acl]] = defaultdict(list)
    for acl in acls:
        is_one = acl.pattern_type == "LITERAL" and acl.resource_name != "*"
        found[acl.resource_name if is_one else ""].append(acl)
    return found


def unguarded(error: ClusterError) -> bool:
    """Whether an error means that no guard can be had here, rather than that it has to be tried again."""
    return isinstance(error, NotAuthorized)
