"""What the facts of two clusters mean for a link: one thing wrong at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.cluster.errors import ClusterError, failure
from pipeline.cluster.metadata import TopicInfo
from pipeline.cluster.probe import ProbeResult
from pipeline.doctor.asking import Clock, Facts
from pipeline.doctor.finding import Finding, Side, Status, exit_code
from pipeline.doctor.judging import judge
from pipeline.link.states import LinkErrorCode

ALL = frozenset({"READ", "WRITE", "DESCRIBE", "DESCRIBE_CONFIGS", "ALTER", "CREATE", "DELETE", "ALTER_CONFIGS"})
DENIED = failure(31, None, "DESCRIBE", "cluster")
CONFIGS = {
    "message.max.bytes": "1048588",
    "socket.request.max.bytes": "104857600",
    "producer.id.expiration.ms": "86400000",
    "transactional.id.expiration.ms": "604800000",
    "auto.create.topics.enable": "false",
    "unclean.leader.election.enable": "false",
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
}


def facts(cluster_id: str, **more: Any) -> Facts:
    """A cluster in which nothing is wrong."""
    reached = ProbeResult(LinkErrorCode.NO_ERROR, "", cluster_id, {1: {}})
    given: dict[str, Any] = {
        "brokers": 3,
        "has_authorizer": True,
        "operations": ALL,
        "topics": {"orders": TopicInfo("orders", "", {}, operations=ALL)},
        "groups": ["shop"],
        "configs": CONFIGS,
        "clock": Clock(0.1, 0.01),
    }
    return Facts(reached, **(given | more))


SOURCE, DESTINATION = facts("there"), facts("here", group_operations={"shop": ALL})


def worst(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.status not in (Status.OK, Status.NOTE)]


def test_two_clusters_in_which_nothing_is_wrong() -> None:
    findings = judge(SOURCE, DESTINATION, ["orders"])
    assert not worst(findings) and exit_code(findings) == 0
    assert {finding.side for finding in findings} == set(Side)


def configured(facts_: Facts, **configs: str) -> Facts:
    return replace(facts_, configs={**CONFIGS, **{name.replace("_", "."): value for name, value in configs.items()}})


BAD_TOPIC = {"orders": TopicInfo("orders", "", {}, operations=frozenset({"DESCRIBE"}))}
WRONG = {
    "one cluster": (facts("one"), facts("one"), "cluster ids", Status.ERROR),
    "unreachable broker": (
        replace(SOURCE, reached=replace(SOURCE.reached, unreachable=("broker 2: refused",))),
        DESTINATION,
        "reach",
        Status.ERROR,
    ),
    "topic not readable": (replace(SOURCE, topics=BAD_TOPIC), DESTINATION, "mirroring", Status.ERROR),
    "topic not there": (
        replace(SOURCE, topics={"orders": TopicInfo("orders", "", {}, error=3)}),
        DESTINATION,
        "mirroring",
        Status.ERROR,
    ),
    "source describes nothing": (
        replace(SOURCE, operations=frozenset()),
        DESTINATION,
        "DESCRIBE on the cluster",
        Status.ERROR,
    ),
    "groups hidden": (replace(SOURCE, groups=DENIED), DESTINATION, "offset sync", Status.WARNING),
    "groups not written": (
        SOURCE,
        replace(DESTINATION, group_operations={"shop": frozenset({"DESCRIBE"})}),
        "offset sync",
        Status.WARNING,
    ),
    "no mirrors": (SOURCE, replace(DESTINATION, may_create=failure(31, None, "CREATE", "x")), "create mirrors", None),
    "policy": (SOURCE, replace(DESTINATION, may_create=failure(44, "no", "CREATE", "x")), "create mirrors", None),
    "no markers": (
        SOURCE,
        replace(DESTINATION, operations=frozenset({"DESCRIBE"})),
        "transaction gaps",
        Status.WARNING,
    ),
    "control topics": (
        SOURCE,
        replace(DESTINATION, topics={"clusterlink.commands": BAD_TOPIC["orders"]}),
        "control topics",
        Status.ERROR,
    ),
    "clock": (replace(SOURCE, clock=Clock(-30.0, 0.1)), DESTINATION, "clock", Status.WARNING),
    "clock not told": (replace(SOURCE, clock=DENIED), DESTINATION, "clock", Status.UNKNOWN),
    "large batches": (
        configured(SOURCE, message_max_bytes="200000000"),
        DESTINATION,
        "socket.request.max.bytes",
        Status.ERROR,
    ),
    "producer ids": (
        SOURCE,
        configured(DESTINATION, producer_id_expiration_ms="60000"),
        "producer.id.expiration.ms",
        Status.WARNING,
    ),
    "auto create": (
        SOURCE,
        configured(DESTINATION, auto_create_topics_enable="true"),
        "auto.create.topics.enable",
        Status.WARNING,
    ),
    "unclean": (
        configured(SOURCE, unclean_leader_election_enable="true"),
        DESTINATION,
        "unclean.leader.election.enable",
        Status.WARNING,
    ),
    "replicas": (
        SOURCE,
        configured(DESTINATION, default_replication_factor="1"),
        "default.replication.factor",
        Status.ERROR,
    ),
    "configs hidden": (SOURCE, replace(DESTINATION, configs=DENIED), "limits", Status.UNKNOWN),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_with_what_to_do(name: str) -> None:
    source, destination, check, status = WRONG[name]
    findings = worst(judge(source, destination, ["orders"]))
    found = [finding for finding in findings if finding.check == check]
    assert len(found) == 1 and found[0].status is (status or Status.WARNING)
    assert found[0].mend or found[0].status is Status.UNKNOWN
    assert exit_code(findings) == (status is Status.ERROR)


@pytest.mark.parametrize("error", [code for code in LinkErrorCode if code is not LinkErrorCode.NO_ERROR])
def test_a_cluster_that_is_not_reached_ends_the_examination(error: LinkErrorCode) -> None:
    findings = judge(Facts(ProbeResult(error, "why")), DESTINATION)
    assert exit_code(findings) == 1
    assert any("why" in finding.found and finding.mend for finding in findings)
    assert {finding.check for finding in findings} <= {"reach", "versions"}


def test_topics_that_nobody_named_are_no_error() -> None:
    findings = judge(replace(SOURCE, topics=BAD_TOPIC), DESTINATION)
    assert exit_code(findings) == 0
    assert any(finding.check == "mirroring" and finding.status is Status.WARNING for finding in findings)


def test_without_an_authorizer_acl_sync_is_out() -> None:
    open_ = replace(SOURCE, has_authorizer=False)
    notes = [f for f in judge(open_, DESTINATION) if f.check == "authorizer" and f.side is Side.SOURCE]
    assert notes[0].status is Status.NOTE and "acl.sync.enable" in notes[0].mend


def test_what_could_not_be_asked_is_unknown_and_no_error() -> None:
    silent = ClusterError("no answer")
    mute = replace(DESTINATION, operations=silent, topics=silent, configs=silent, clock=silent, has_authorizer=silent)
    findings = judge(SOURCE, mute)
    assert exit_code(findings) == 0
    assert sum(finding.status is Status.UNKNOWN for finding in findings) >= 5


def test_a_topic_that_is_not_there_is_not_a_matter_of_permissions_only() -> None:
    there = replace(SOURCE, topics={"orders": TopicInfo("orders", "", {}, error=3)})
    (finding,) = worst(judge(there, DESTINATION, ["orders"]))
    assert finding.found == "1 of 1 topic may not be mirrored: orders (there is none)"
    assert finding.mend.startswith("Look at the name.")


def test_why_a_topic_may_not_be_mirrored_is_told_by_name() -> None:
    there = replace(SOURCE, topics={"orders": TopicInfo("orders", "", {}, error=29)})
    (finding,) = worst(judge(there, DESTINATION, ["orders"]))
    assert finding.found.endswith("orders (TOPIC_AUTHORIZATION_FAILED)")
    assert finding.mend.startswith("Give READ and DESCRIBE_CONFIGS")
