"""One cycle of TopicConfigsSync: mirrors have the configs of their sources, and get them back (MIRROR-80..91).

One describe for many topics on each side, an alter only where something differs (TASK-50). What differs although the
source has not changed since the last cycle was changed by hand on the mirror: it is set back and counted (MIRROR-88).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.cluster.admin import Admin
from pipeline.cluster.errors import ClusterError
from pipeline.link.models import Mirror, TaskError
from pipeline.link.states import TaskErrorCode
from pipeline.link.topic_configs import differences, held_back, mirror_topic_configs, skipped
from pipeline.sync.batches import parts
from pipeline.sync.problems import Side, problem

TOPICS_AT_ONCE = 200
REQUEST_LIMIT = "socket.request.max.bytes"
"""The broker's limit on what may be written at once. A topic's `max.message.bytes` overrides `message.max.bytes`."""

Effective = dict[str, str]
"""A source topic's values, defaults included (MIRROR-89)."""
Wanted = dict[str, str | None]


@dataclass
class ConfigReport:
    """What came of a cycle. `followed` and `repaired_of` (by topic) count altered values, `refused` topics that were
    not altered; `skipped` names configs unknown here.
    """

    errors: list[TaskError] = field(default_factory=list)
    followed: int = 0
    repaired_of: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    skipped: set[str] = field(default_factory=set)

    @property
    def repaired(self) -> int:
        """Values that were changed by hand and are set back."""
        return self.repaired_of.total()


@dataclass(frozen=True)
class Rules:
    """What configs are held to: `topic.config.sync.include`, the names this cluster knows, its brokers' limit."""

    include: Collection[str]
    known: Collection[str]
    request_limit: int | None = None

    def wanted(self, mirror: Mirror, effective: Effective) -> Wanted:
        """What the mirror's topic must have while it mirrors."""
        return mirror_topic_configs(effective, self.include, True, own=mirror.configs, known=self.known)


async def source_configs(source: Admin, mirrors: Sequence[Mirror], errors: list[TaskError]) -> dict[str, Effective]:
    """The sources' values by mirror topic; what cannot be read is left out, and why is added to `errors`."""
    found: dict[str, Effective] = {}
    for part in parts(mirrors, TOPICS_AT_ONCE):
        answers = await source.topics_configs([mirror.source_topic for mirror in part])
        for mirror in part:
            answer = answers[mirror.source_topic]
            if isinstance(answer, ClusterError):
                errors.append(problem(answer, Side.SOURCE))
            else:
                found[mirror.mirror_topic] = {n: c.value for n, c in answer.items() if c.value is not None}
    return found


def changed_row(mirror: Mirror, effective: Effective) -> Mirror | None:
    """The mirror's row with what it has to know of its source's configs; None where it knows it.

    Gaps are filled by the source's cleanup policy, and a mirror that stops has the source's values, whether the source
    can be reached then or not (MIRROR-90).
    """
    after = replace(mirror, cleanup_policy=effective.get("cleanup.policy", ""), source_configs=held_back(effective))
    return None if after == mirror else after


async def follow_configs(
    own: Admin,
    mirrors: Sequence[Mirror],
    sources: Mapping[str, Effective],
    rules: Rules,
    last: dict[str, Wanted],
    *,
    is_active: Callable[[Mirror], bool] = lambda mirror: True,
) -> ConfigReport:
    """Alter what differs. `last` has what each mirror was held to in the cycle before, and is brought up to date.

    `is_active` is asked again after the mirrors' configs were read: one that has stopped by then may show the values
    that it has got as a regular topic, which nobody would give it a second time.
    """
    report = ConfigReport()
    known = [mirror for mirror in mirrors if mirror.mirror_topic in sources]
    for part in parts(known, TOPICS_AT_ONCE):
        current = await own.topics_configs([mirror.mirror_topic for mirror in part])
        changes: dict[str, Wanted] = {}
        wanted: dict[str, Wanted] = {}
        for mirror in filter(is_active, part):
            topic, effective = mirror.mirror_topic, sources[mirror.mirror_topic]
            answer = current[topic]
            if isinstance(answer, ClusterError):
                report.errors.append(problem(answer, Side.DESTINATION))
                continue
            report.skipped |= set(skipped(effective, rules.include, rules.known))
            if above := above_limit(mirror, effective, rules.request_limit):
                report.errors.append(above)
            wanted[topic] = rules.wanted(mirror, effective)
            here = {n: c.value for n, c in answer.items() if c.value is not None and not c.is_default}
            changes[topic] = differences(wanted[topic], here)
        for topic, error in (await own.alter_topics_configs(changes)).items():
            if error is not None:
                report.refused += 1
                report.errors.append(problem(error, Side.DESTINATION))
            elif last.get(topic) == wanted[topic]:
                report.repaired_of[topic] += len(changes[topic])
            else:
                report.followed += len(changes[topic])
        last |= wanted
    return report


def above_limit(mirror: Mirror, effective: Effective, limit: int | None) -> TaskError | None:
    """A batch that the source allows and that no broker here would take (MIRROR-91)."""
    largest = int(effective.get("max.message.bytes", "0"))
    if limit is None or largest <= limit:
        return None
    return TaskError(
        TaskErrorCode.POLICY_VIOLATION_ERROR,
        f"{mirror.mirror_topic}: max.message.bytes of its source {mirror.source_topic} is {largest}, but the "
        f"destination's brokers have {REQUEST_LIMIT}={limit}. Raise it: a batch above it cannot be mirrored.",
    )
