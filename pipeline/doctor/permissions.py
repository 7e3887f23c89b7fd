"""What the two principals may do, feature by feature (SEC-4..12). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pipeline.cluster.administration.topics import UNKNOWN_TOPIC_OR_PARTITION
from pipeline.cluster.errors import ClusterError, NotAuthorized, failure
from pipeline.cluster.metadata import TopicInfo
from pipeline.doctor.asking import Facts
from pipeline.doctor.finding import Finding, Side, Status
from pipeline.wording import counted

MIRRORING = ("READ", "DESCRIBE_CONFIGS")
CONTROL = ("READ", "WRITE", "DESCRIBE", "DESCRIBE_CONFIGS")
MARKING = frozenset({"ALTER", "CLUSTER_ACTION"})
TOPIC_EXISTS = 36
MOST_NAMES = 5
S, OK, WARNING, ERROR, UNKNOWN = Side, Status.OK, Status.WARNING, Status.ERROR, Status.UNKNOWN


def source_permissions(facts: Facts, asked: Sequence[str]) -> Iterator[Finding]:
    """The link's principal at the source."""
    yield _mirroring(facts.topics, asked)
    yield _on_cluster(
        S.SOURCE, facts, "DESCRIBE", "its id, its clock, ACL sync, and groups for offset sync (SEC-4..6)", ERROR
    )
    if isinstance(facts.groups, ClusterError):
        yield Finding(
            S.SOURCE, "offset sync", WARNING, str(facts.groups), "Give DESCRIBE on the groups to be synced (SEC-5)."
        )
    else:
        yield Finding(S.SOURCE, "offset sync", OK, _visible(len(facts.groups)))


def _mirroring(topics: Mapping[str, TopicInfo] | ClusterError, asked: Sequence[str]) -> Finding:
    if isinstance(topics, ClusterError):
        return Finding(S.SOURCE, "mirroring", UNKNOWN, str(topics))
    looked_at = {name: topic for name, topic in topics.items() if asked or not topic.is_internal}
    if not looked_at:
        mend = "Give READ and DESCRIBE_CONFIGS on the topics to be mirrored (SEC-4)."
        return Finding(S.SOURCE, "mirroring", WARNING, "no topic is visible", mend)
    lacking = {name: why for name, topic in looked_at.items() if (why := _lacks(topic, MIRRORING))}
    if not lacking:
        return Finding(S.SOURCE, "mirroring", OK, f"{counted(len(looked_at), 'topic')} may be mirrored")
    mend = "Give READ and DESCRIBE_CONFIGS on them, if they are to be mirrored (SEC-4)."
    if all(looked_at[name].error == UNKNOWN_TOPIC_OR_PARTITION for name in lacking):
        mend = "Look at the name. A topic that may not be described at all (SEC-4) looks like none, too."
    some = f"{len(lacking)} of {counted(len(looked_at), 'topic')} may not be mirrored: {_names(lacking)}"
    return Finding(S.SOURCE, "mirroring", ERROR if asked else WARNING, some, mend)


def destination_permissions(facts: Facts, app_id: str) -> Iterator[Finding]:
    """The workers' principal on its own cluster (SEC-12)."""
    if facts.may_create is None or facts.may_create.code == TOPIC_EXISTS:
        yield Finding(S.DESTINATION, "create mirrors", OK, "topics of any name may be created")
    else:
        mend = "Give CREATE on the cluster, or on the names of the mirrors."
        if not isinstance(facts.may_create, NotAuthorized):
            mend = "Look at the broker's create.topic.policy, and at the replication factor it gives."
        yield Finding(S.DESTINATION, "create mirrors", WARNING, str(facts.may_create), mend)
    yield from _control_topics(facts, app_id)
    yield _on_cluster(S.DESTINATION, facts, "DESCRIBE", "ACLs, and what is allowed", WARNING)
    yield _on_cluster(S.DESTINATION, facts, "ALTER", "ACL sync and guards of mirrors (SEC-7, SEC-12)", WARNING)
    yield _markers(facts)
    yield from _groups(facts)


def _control_topics(facts: Facts, app_id: str) -> Iterator[Finding]:
    topics = facts.topics
    if isinstance(topics, ClusterError):
        yield Finding(S.DESTINATION, "control topics", UNKNOWN, str(topics))
        return
    ours = {name: topic for name, topic in topics.items() if name.startswith((f"{app_id}.", f"{app_id}-"))}
    lacking = {name: why for name, topic in ours.items() if (why := _lacks(topic, CONTROL))}
    if lacking:
        mend = f"Give READ, WRITE, DESCRIBE, DESCRIBE_CONFIGS and CREATE on topics with the prefix {app_id}."
        yield Finding(S.DESTINATION, "control topics", ERROR, _names(lacking), mend)
    elif ours:
        yield Finding(S.DESTINATION, "control topics", OK, f"{len(ours)} are there and may be used")
    elif facts.may_create is None:
        yield Finding(S.DESTINATION, "control topics", OK, "not there yet; workers will create them")
    else:
        mend = f"Give CREATE, READ, WRITE, DESCRIBE, DESCRIBE_CONFIGS on topics with the prefix {app_id}."
        yield Finding(S.DESTINATION, "control topics", UNKNOWN, "not there yet", mend)


def _markers(facts: Facts) -> Finding:
    if isinstance(facts.operations, ClusterError):
        return Finding(S.DESTINATION, "transaction gaps", UNKNOWN, str(facts.operations))
    if facts.operations & MARKING:
        return Finding(S.DESTINATION, "transaction gaps", OK, "filled by markers of the workers")
    mend = "Give ALTER or CLUSTER_ACTION on the cluster, where sources have transactions or were compacted."
    found = "filled through the transaction coordinator, some hundred times slower"
    return Finding(S.DESTINATION, "transaction gaps", WARNING, found, mend)


def _groups(facts: Facts) -> Iterator[Finding]:
    if isinstance(facts.group_operations, ClusterError):
        yield Finding(S.DESTINATION, "offset sync", UNKNOWN, str(facts.group_operations))
    elif facts.group_operations:
        refused = {group: "READ" for group, may in facts.group_operations.items() if "READ" not in may}
        if refused:
            mend = "Give READ on the groups to be synced."
            yield Finding(S.DESTINATION, "offset sync", WARNING, f"not allowed: {_names(refused)}", mend)
        else:
            found = f"offsets of the source's {counted(len(facts.group_operations), 'group')} may be committed"
            yield Finding(S.DESTINATION, "offset sync", OK, found)


def _on_cluster(side: Side, facts: Facts, operation: str, used_for: str, if_missing: Status) -> Finding:
    check = f"{operation} on the cluster"
    if isinstance(facts.operations, ClusterError):
        return Finding(side, check, UNKNOWN, str(facts.operations))
    if operation in facts.operations:
        return Finding(side, check, OK, "allowed")
    return Finding(side, check, if_missing, "not allowed", f"Give it; it is for {used_for}.")


def _lacks(topic: TopicInfo, operations: Sequence[str]) -> str:
    """Which operations are missing on a topic, or why nothing is known of it."""
    if topic.error == UNKNOWN_TOPIC_OR_PARTITION:
        return "there is none"
    if topic.error:
        return getattr(failure(topic.error), "name", f"error {topic.error}")
    return " ".join(name for name in operations if name not in topic.operations)


def _visible(groups: int) -> str:
    return f"{counted(groups, 'group')} {'is' if groups == 1 else 'are'} visible"


def _names(lacking: Mapping[str, str]) -> str:
    some = [f"{name} ({why})" for name, why in sorted(lacking.items())[:MOST_NAMES]]
    return ", ".join(some) + (f" and {len(lacking) - MOST_NAMES} more" if len(lacking) > MOST_NAMES else "")
