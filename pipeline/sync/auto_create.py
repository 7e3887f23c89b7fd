"""Decide which source topics become mirrors by themselves (MIRROR-110..116, FILT-20..23). Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from pipeline.cluster.metadata import TopicInfo
from pipeline.link.filters import EVERY_NAME, NameFilters
from pipeline.link.models import Mirror, TaskError
from pipeline.link.names import colliding, topic_name_problem
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import TaskErrorCode

FORBIDDEN = 29
READ = "READ"


@dataclass
class CreatePlan:
    """Source topics to create mirrors of, and what keeps others from becoming one; `matching` counts both."""

    create: list[TopicInfo] = field(default_factory=list)
    errors: list[TaskError] = field(default_factory=list)
    matching: int = 0


def literal_names(filters: NameFilters) -> set[str]:
    """Topics that a filter names outright: worth asking for where the source does not list them."""
    return {f.name for f in filters.filters if f.pattern_type == "LITERAL" and f.name != EVERY_NAME}


def plan_creations(
    topics: Iterable[TopicInfo],
    settings: LinkSettings,
    mirrors: Iterable[Mirror],
    own_topics: Collection[str],
    reserved: Collection[str] = (),
) -> CreatePlan:
    """Compare the source's topics with what is here.

    `mirrors` are the link's, stopped ones too: what it once promoted is not mirrored again (FILT-23). `own_topics` are
    all topics of the own cluster, `reserved` names that no mirror is made of: the control topics of clusterlink.
    """
    plan, filters = CreatePlan(), settings.topic_filters()
    has_mirror = {mirror.source_topic for mirror in mirrors}
    folded = _folded(own_topics)
    for topic in sorted(topics, key=lambda each: each.name):
        if topic.name in reserved or topic.is_internal or not filters.selects_topic(topic.name):
            continue
        plan.matching += topic.error in (0, FORBIDDEN)
        if topic.name in has_mirror:
            continue
        if topic.error not in (0, FORBIDDEN):
            continue  # named by a filter and not there (yet), or without a leader just now
        error = obstacle(topic, settings.mirror_name(topic.name), own_topics, folded)
        if error is not None:
            plan.errors.append(error)
        else:
            plan.create.append(topic)
    return plan


def obstacle(
    topic: TopicInfo, name: str, own_topics: Collection[str], folded: Mapping[str, list[str]]
) -> TaskError | None:
    """Why a matching topic cannot become the mirror `name`; None if nothing is known against it."""
    if topic.error == FORBIDDEN or (topic.operations and READ not in topic.operations):
        operation = "DESCRIBE" if topic.error else READ
        return TaskError(TaskErrorCode.AUTHORIZATION_ERROR, f"source: {operation} on topic {topic.name} is not allowed")
    if wrong := topic_name_problem(name):
        return TaskError(TaskErrorCode.INVALID_TOPIC, f"The mirror's name '{name}' is illegal: {wrong}")
    if name in own_topics:
        return TaskError(
            TaskErrorCode.TOPIC_EXISTS_ERROR,
            f"Topic '{name}' already exists and is no mirror of {topic.name} over this link.",
        )
    if other := colliding(name, folded.get(_fold(name), ())):
        return TaskError(
            TaskErrorCode.INVALID_TOPIC, f"Topic '{name}' collides with topic '{other}': '.' and '_' count as one."
        )
    return None


def refusal(topic: str, message: str) -> TaskError:
    """What the task lists of a `mirror.create` that was refused, by the words of its result (spec 8.4)."""
    word = message.partition(":")[0]
    if word in TaskErrorCode.__members__:
        code = TaskErrorCode(word)
    elif "already exists" in message:
        code = TaskErrorCode.TOPIC_EXISTS_ERROR
    elif "POLICY_VIOLATION" in message:
        code = TaskErrorCode.POLICY_VIOLATION_ERROR
    elif "illegal" in message or "collides" in message:
        code = TaskErrorCode.INVALID_TOPIC
    else:
        code = TaskErrorCode.UNKNOWN
    return TaskError(code, f"{topic}: {message}")


def _folded(names: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(_fold(name), []).append(name)
    return found


def _fold(name: str) -> str:
    return name.replace(".", "_")
