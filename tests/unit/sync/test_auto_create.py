"""Which source topics become mirrors by themselves (MIRROR-110..116, FILT-20..23)."""

from __future__ import annotations

import json

import pytest

from pipeline.cluster.metadata import TopicInfo
from pipeline.link.models import Mirror
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import MirrorStatus, TaskErrorCode
from pipeline.sync.auto_create import CreatePlan, plan_creations, refusal

Row = tuple[str, str, str]
ALL: Row = ("*", "LITERAL", "INCLUDE")


def settings(*rows: Row, prefix: str = "") -> LinkSettings:
    filters = [dict(zip(("name", "patternType", "filterType"), row, strict=True)) for row in rows]
    configs = {"auto.create.mirror.topics.filters": json.dumps({"topicFilters": filters})}
    return LinkSettings.of(configs | ({"cluster.link.prefix": prefix} if prefix else {}))


def topic(name: str, error: int = 0, *operations: str, internal: bool = False) -> TopicInfo:
    return TopicInfo(name, "id", {}, error, internal, frozenset(operations))


def created(plan: CreatePlan) -> list[str]:
    return [each.name for each in plan.create]


def codes(plan: CreatePlan) -> list[TaskErrorCode]:
    return [error.error_code for error in plan.errors]


def test_filters_choose_by_the_sources_names() -> None:
    topics = [topic(name) for name in ("app1-a", "app1-x", "app2", "_app", "__consumer_offsets")]
    rows: list[Row] = [("app1", "PREFIXED", "INCLUDE"), ("app1-x", "LITERAL", "EXCLUDE")]
    assert created(plan_creations(topics, settings(*rows, prefix="dr."), [], [])) == ["app1-a"]
    assert created(plan_creations(topics, settings(ALL), [], [])) == ["app1-a", "app1-x", "app2"]
    assert created(plan_creations(topics, settings(("_app", "LITERAL", "INCLUDE")), [], [])) == ["_app"]


def test_mirrors_of_the_link_are_skipped_stopped_ones_too() -> None:
    """FILT-23, MIRROR-114."""
    mirrors = [
        Mirror("link", "dr.a", "a", status=MirrorStatus.ACTIVE),
        Mirror("link", "dr.b", "b", status=MirrorStatus.STOPPED),
    ]
    plan = plan_creations([topic("a"), topic("b")], settings(ALL, prefix="dr."), mirrors, ["dr.a", "dr.b"])
    assert (created(plan), plan.errors, plan.matching) == ([], [], 2)


def test_internal_and_control_topics_never_match() -> None:
    topics = [topic("app.commands"), topic("inner", internal=True)]
    assert created(plan_creations(topics, settings(ALL), [], [], ["app.commands"])) == []


def test_what_stands_against_one_topic_does_not_stop_the_others() -> None:
    """MIRROR-113, MIRROR-116, STATE-41."""
    topics = [
        topic("taken"),
        topic("secret", 0, "DESCRIBE"),
        topic("hidden", 29),
        topic("dotted.name"),
        topic("x" * 247),
        topic("good", 0, "DESCRIBE", "READ"),
        topic("not-there", 3),
    ]
    plan = plan_creations(topics, settings(ALL, prefix="dr."), [], ["dr.taken", "dr.dotted_name"])
    assert created(plan) == ["good"]
    assert codes(plan) == [
        TaskErrorCode.INVALID_TOPIC,
        TaskErrorCode.AUTHORIZATION_ERROR,
        TaskErrorCode.AUTHORIZATION_ERROR,
        TaskErrorCode.TOPIC_EXISTS_ERROR,
        TaskErrorCode.INVALID_TOPIC,
    ]
    assert [
        name in error.error_message
        for name, error in zip(("dr.dotted_name", "hidden", "secret"), plan.errors, strict=False)
    ] == [True] * 3
    assert plan.matching == 6


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Topic 'a' already exists.", TaskErrorCode.TOPIC_EXISTS_ERROR),
        ("AUTHORIZATION_ERROR: source: READ on topic a", TaskErrorCode.AUTHORIZATION_ERROR),
        ("destination: CREATE of topic a: POLICY_VIOLATION (44)", TaskErrorCode.POLICY_VIOLATION_ERROR),
        ("Topic 'a.b' collides with existing topic 'a_b'", TaskErrorCode.INVALID_TOPIC),
        ("something else", TaskErrorCode.UNKNOWN),
    ],
)
def test_refusals_of_the_command_come_out_by_code(message: str, code: TaskErrorCode) -> None:
    assert refusal("a", message).error_code is code
    assert "a: " in refusal("a", message).error_message
