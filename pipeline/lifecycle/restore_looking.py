"""What truncate-and-restore has to know of both clusters before it does anything (MIRROR-73). Reads only.

The remote's side comes from the rows of the partner object: its mirror of the local topic, STOPPED, with the offsets at
which it stopped. Both topics must still be the ones that those rows speak of, by their ids: a topic of the same name
that was made later shares no records.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.cluster.admin import Admin
from pipeline.cluster.errors import ClusterError
from pipeline.cluster.metadata import TopicInfo
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.remote_errors import refused_by
from pipeline.lifecycle.restore_groups import in_use, readers
from pipeline.link.errors import Invalid, LinkError, TopicNotFound
from pipeline.link.models import Link, Mirror
from pipeline.link.restore import cuts_of
from pipeline.link.states import MirrorStatus, TaskErrorCode

NOT_FOUND = TaskErrorCode.REMOTE_MIRROR_NOT_FOUND_ERROR


@dataclass(frozen=True)
class Sight:
    """A local topic and the remote's stopped mirror of it. Offsets are by partition of the local topic."""

    own: TopicInfo
    remote: TopicInfo
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    stable: tuple[int, ...]
    """Last stable offsets: lower than `ends` where a transaction is open."""
    cuts: tuple[int, ...]
    groups: frozenset[str] = frozenset()
    """Consumer groups with live members that read the topic."""

    @property
    def replicas(self) -> int:
        return max((len(p.replicas) for p in self.own.partitions.values()), default=-1)

    def refused(self) -> LinkError | None:
        """What stands against a restore as things are."""
        used = in_use(self.own.name, self.groups)
        return Invalid(f"{used.error_code}: {used.error_message}") if used is not None else None


async def counterparts(context: Context, link: Link) -> list[Mirror]:
    """The remote's mirrors over this link. Raises LinkError naming the code: no partner, no permission."""
    try:
        return (await context.paired_partner(link)).mirrors()
    except ClusterError as error:
        raise refused_by(error, "source") from error


async def look(
    context: Context, link: Link, topics: Collection[str], theirs: Sequence[Mirror]
) -> dict[str, Sight | LinkError]:
    """See what there is of each topic, or why it cannot be restored. Raises LinkError where nothing can be said."""
    pairs = {topic: counterpart(topic, link, theirs) for topic in topics}
    found: dict[str, Sight | LinkError] = {t: one for t, one in pairs.items() if isinstance(one, LinkError)}
    mirrors = {t: one for t, one in pairs.items() if isinstance(one, Mirror)}
    if not mirrors:
        return found
    try:
        remote = await context.remote(link)
        there = await remote.describe_topics([m.mirror_topic for m in mirrors.values()], operations=True)
    except ClusterError as error:
        raise refused_by(error, "source") from error
    try:
        here = await context.own.describe_topics(mirrors)
        for topic, mirror in mirrors.items():
            wrong = why_not(here[topic], there[mirror.mirror_topic], mirror)
            if wrong is not None:
                found[topic] = wrong
        good = [topic for topic in mirrors if topic not in found]
        found |= await _sights(context.own, {t: (here[t], there[mirrors[t].mirror_topic], mirrors[t]) for t in good})
    except ClusterError as error:
        raise refused_by(error, "destination") from error
    return found


def counterpart(topic: str, link: Link, theirs: Iterable[Mirror]) -> Mirror | LinkError:
    """The remote's stopped mirror of a topic, or why there is none (STATE-44)."""
    same = [mirror for mirror in theirs if mirror.source_topic == topic]
    stopped = [mirror for mirror in same if mirror.status is MirrorStatus.STOPPED]
    if stopped:
        return stopped[-1]
    if same:
        return Invalid(
            f"{NOT_FOUND}: the mirror '{same[-1].mirror_topic}' of topic '{topic}' on the remote cluster is "
            f"{same[-1].status}; promote it or fail it over there first."
        )
    return Invalid(f"{NOT_FOUND}: the remote cluster has no mirror of topic '{topic}' over cluster link '{link.name}'.")


def why_not(own: TopicInfo, remote: TopicInfo, theirs: Mirror) -> LinkError | None:
    """Whether both topics are there, may be used, and are the ones that the remote's row speaks of."""
    if own.error:
        return TopicNotFound(f"Topic '{own.name}' does not exist or may not be read.")
    if remote.error or remote.topic_id != theirs.mirror_topic_id:
        return Invalid(f"{NOT_FOUND}: topic '{remote.name}' on the remote cluster is not there, or is another one now.")
    if theirs.source_topic_id and theirs.source_topic_id != own.topic_id:
        return Invalid(
            f"{NOT_FOUND}: the remote's stopped mirror was one of another topic '{own.name}' than there is now."
        )
    if remote.operations and "READ" not in remote.operations:
        return TopicNotFound(f"AUTHORIZATION_ERROR: the link may not READ topic {remote.name} on the remote cluster.")
    return None


async def _sights(own: Admin, good: Mapping[str, tuple[TopicInfo, TopicInfo, Mirror]]) -> dict[str, Sight]:
    places = [(topic, p) for topic, (here, _, _) in good.items() for p in here.partitions]
    starts = await own.begin_offsets(places)
    stable = await own.end_offsets(places, read_committed=True)
    ends = await own.end_offsets(places)
    groups = await readers(own, list(good)) if good else {}

    def sight(topic: str) -> Sight:
        here, there, theirs = good[topic]
        numbers = range(len(here.partitions))
        stopped_at = [final.log_end_offset for final in sorted(theirs.final, key=lambda final: final.partition)]
        own_ends = tuple(ends[topic, p] for p in numbers)
        return Sight(
            here,
            there,
            tuple(starts[topic, p] for p in numbers),
            own_ends,
            tuple(stable[topic, p] for p in numbers),
            cuts_of(stopped_at, own_ends),
            frozenset(groups.get(topic, ())),
        )

    return {topic: sight(topic) for topic in good}
