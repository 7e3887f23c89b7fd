"""CLI-48..54, 64, 66: `clusterlink mirror`."""

from __future__ import annotations

import dataclasses
import threading

import pytest
import yaml

from pipeline.link.models import Command, TaskError
from pipeline.link.states import MirrorStatus, TaskErrorCode
from tests.unit.cli.conftest import Cli


@pytest.fixture(autouse=True)
def link(on: Cli) -> None:
    on.plane.add_link("east")


def test_create(on: Cli) -> None:
    assert on.ok("mirror", "create", "orders", "--link", "east") == 'Created mirror topic "orders".\n'
    words = ("--source-topic", "orders", "--replication-factor", "3", "--config", "retention.ms=1")
    on.ok("mirror", "create", "e.orders", *words)
    assert [dict(command.arguments) for command in on.plane.commands] == [
        {"source_topic_name": "orders", "mirror_topic_name": "orders"},
        {
            "source_topic_name": "orders",
            "mirror_topic_name": "e.orders",
            "replication_factor": 3,
            "configs": [{"name": "retention.ms", "value": "1"}],
        },
    ]
    result = on.run("mirror", "create", "orders")
    assert (result.exit_code, "already exists" in result.stderr) == (1, True)


def test_create_waits_until_the_mirror_is_active(on: Cli) -> None:
    """CLI-48, CLI-64: what comes next in a script meets a mirror that it may be asked of."""

    def answer(command: Command) -> dict[str, object]:
        new = on.plane.add_mirror("east", "orders", status=MirrorStatus.PENDING_MIRROR)
        active = dataclasses.replace(new, status=MirrorStatus.ACTIVE)
        threading.Timer(0.3, on.plane.put_mirror, (active,)).start()
        return {}

    on.plane.script["mirror.create"] = answer
    assert on.ok("mirror", "create", "orders", "--wait", "--timeout", "10") == 'Created mirror topic "orders".\n'
    assert on.plane.mirrors()[0].status is MirrorStatus.ACTIVE


def test_create_that_is_not_active_in_time_ends_with_1(on: Cli) -> None:
    """CLI-64."""

    def answer(command: Command) -> dict[str, object]:
        on.plane.add_mirror("east", "orders", status=MirrorStatus.PENDING_MIRROR)
        return {}

    on.plane.script["mirror.create"] = answer
    result = on.run("mirror", "create", "orders", "--wait", "--timeout", "0")
    assert (result.exit_code, "orders: PENDING_MIRROR, not ACTIVE" in result.stderr) == (1, True)
    on.ok("mirror", "create", "orders", "--wait", "--dry-run", "--timeout", "0")


def test_list(on: Cli) -> None:
    on.plane.add_link("west")
    on.plane.add_mirror("west", "b", {0: (1, 1), 1: (3, 10)}, source_topic="s")
    on.plane.add_mirror("east", "a", status=MirrorStatus.PAUSED)
    assert on.json("mirror", "list", "--link", "west") == [
        {
            "link_name": "west",
            "mirror_topic_name": "b",
            "source_topic_name": "s",
            "mirror_status": "ACTIVE",
            "status_time_ms": 1612550939300,
            "num_partition": 2,
            "max_per_partition_mirror_lag": 7,
        }
    ]
    assert [row["mirror_topic_name"] for row in on.json("mirror", "list")] == ["a", "b"]
    assert [row["mirror_topic_name"] for row in on.json("mirror", "list", "--mirror-status", "paused")] == ["a"]
    assert on.run("mirror", "list", "--mirror-status", "tired").exit_code == 2


def test_describe_finds_the_link_itself(on: Cli) -> None:
    """CLI-66, CLI-10."""
    on.plane.add_mirror("east", "a", {0: (5, 9), 1: (7, 7)})
    rows = on.json("mirror", "describe", "a")
    assert rows[0] == {
        "link_name": "east",
        "mirror_topic_name": "a",
        "source_topic_name": "a",
        "mirror_status": "ACTIVE",
        "mirror_topic_error": "NO_ERROR",
        "status_time_ms": 1612550939300,
        "partition": 0,
        "partition_mirror_lag": 4,
        "last_source_fetch_offset": 4,
    }
    assert [row["partition"] for row in rows] == [0, 1]
    verbose = on.json("mirror", "describe", "a", "--verbose")[0]
    assert (verbose["local_log_end_offset"], verbose["last_fetch_source_high_watermark"]) == (5, 9)
    assert verbose["time_since_last_fetch_ms"] > 0


def test_a_mirror_on_two_links_or_on_none(on: Cli) -> None:
    on.plane.add_link("west")
    on.plane.add_mirror("east", "a")
    on.plane.add_mirror("west", "a")
    assert on.run("mirror", "describe", "a").exit_code == 2
    result = on.run("mirror", "describe", "x")
    assert (result.exit_code, 'mirror topic "x" not found' in result.stderr) == (1, True)
    assert on.ok("mirror", "describe", "a", env={"CLUSTERLINK_LINK": "west"})


def test_yaml_has_the_same_fields(on: Cli) -> None:
    on.plane.add_mirror("east", "a")
    assert yaml.safe_load(on.ok("mirror", "list", "-o", "yaml")) == on.json("mirror", "list")


def test_delete(on: Cli) -> None:
    on.plane.add_mirror("east", "a")
    assert on.run("mirror", "delete", "a", input="n\n").exit_code == 1
    assert on.run("mirror", "delete", "a", "x", "--force").exit_code == 1
    assert on.plane.mirror("east", "a") is not None
    assert on.ok("mirror", "delete", "a", "--force") == 'Deleted mirror topic "a".\n'
    assert on.plane.mirror("east", "a") is None


@pytest.mark.parametrize("verb", ["promote", "failover", "pause", "resume", "reverse-and-start", "reverse-and-pause"])
def test_operations_answer_a_row_per_partition(on: Cli, verb: str) -> None:
    on.plane.add_mirror("east", "a", {0: (5, 9), 1: (7, 7)})
    rows = on.json("mirror", verb, "a", "--link", "east", "--dry-run")
    assert rows[0] == {
        "mirror_topic_name": "a",
        "partition": 0,
        "partition_mirror_lag": 4,
        "last_source_fetch_offset": 4,
        "error_message": "",
        "error_code": "",
    }
    (command,) = on.plane.commands
    assert (command.kind, command.validate_only) == (f"mirror.{verb}", True)


def test_one_refused_topic_is_exit_code_1(on: Cli) -> None:
    """CLI-62; CLI-11: a refused topic is one row of -1."""
    on.plane.add_mirror("east", "a", {0: (1, 1)}, partitions=1)
    on.plane.add_mirror("east", "b", status=MirrorStatus.STOPPED)
    result = on.run("mirror", "promote", "a", "b", "-o", "yaml")
    assert result.exit_code == 1
    rows = yaml.safe_load(result.stdout)
    assert [(row["mirror_topic_name"], row["partition"], row["error_code"]) for row in rows] == [
        ("a", 0, ""),
        ("b", -1, "400"),
    ]


def test_all_leaves_stopped_mirrors_alone_and_a_pattern_goes_to_the_worker(on: Cli) -> None:
    on.plane.add_mirror("east", "a")
    on.plane.add_mirror("east", "b", status=MirrorStatus.STOPPED)
    on.ok("mirror", "failover", "--all")
    assert on.plane.commands[0].arguments == {"mirror_topic_names": ["a"]}
    on.run("mirror", "pause", "--pattern", "a.*", "--dry-run")
    assert on.plane.commands[1].arguments == {"mirror_topic_name_pattern": "a.*"}
    assert on.run("mirror", "pause").exit_code == 2
    assert on.run("mirror", "pause", "a", "--all").exit_code == 2


def test_truncate_and_restore(on: Cli) -> None:
    part = {"partition_id": 1, "offset_truncated_to": 5, "messages_truncated": 2}
    row = {"mirror_topic_name": "a", "messages_truncated": 2, "partition_level_truncation_data": [part]}

    def answer(command: Command) -> dict[str, object]:
        return {"mirrors": [row]}

    on.plane.script["mirror.truncate-and-restore"] = answer
    words = ("mirror", "truncate-and-restore", "a", "--link", "east")
    shown = {"mirror_topic_name": "a", "error_message": "", "error_code": "", "messages_truncated": "2"}
    assert on.json(*words) == [shown]
    assert on.json(*words, "--include-partitions", "--no-save-diverged") == [
        shown | {"partition": 1, "offset_truncated_to": "5"}
    ]
    assert on.plane.commands[1].arguments == {
        "mirror_topic_names": ["a"],
        "include_partition_level_truncation_data": True,
        "save_diverged": False,
    }


def test_wait_returns_when_the_state_is_final(on: Cli) -> None:
    """CLI-64."""
    mirror = on.plane.add_mirror("east", "a")
    pending = dataclasses.replace(mirror, status=MirrorStatus.PENDING_STOPPED)

    def answer(command: Command) -> dict[str, object]:
        on.plane.put_mirror(pending)
        stop = dataclasses.replace(pending, status=MirrorStatus.STOPPED)
        threading.Timer(0.3, on.plane.put_mirror, (stop,)).start()
        return {"mirrors": [{"mirror_topic_name": "a"}]}

    on.plane.script["mirror.promote"] = answer
    on.ok("mirror", "promote", "a", "--wait", "--timeout", "10")
    assert on.plane.mirrors()[0].status is MirrorStatus.STOPPED


def test_wait_ends_with_1_and_the_reasons_when_time_is_up(on: Cli) -> None:
    busy = TaskError(TaskErrorCode.CONSUMER_GROUP_IN_USE_ERROR, "group g has live members")
    on.plane.add_mirror("east", "a", status=MirrorStatus.PENDING_STOPPED, transition_errors=(busy,))
    on.plane.script["mirror.promote"] = lambda command: {"mirrors": [{"mirror_topic_name": "a"}]}
    result = on.run("mirror", "promote", "a", "--wait", "--timeout", "0")
    assert result.exit_code == 1
    assert "CONSUMER_GROUP_IN_USE_ERROR: group g has live members" in result.stderr


def test_wait_says_where_to_look_when_nothing_is_known_yet(on: Cli) -> None:
    on.plane.add_mirror("east", "a", status=MirrorStatus.PENDING_STOPPED)
    on.plane.script["mirror.promote"] = lambda command: {"mirrors": [{"mirror_topic_name": "a"}]}
    told = on.run("mirror", "promote", "a", "--wait", "--timeout", "0").stderr
    assert "a: PENDING_STOPPED, not STOPPED\n" in told
    assert "`clusterlink mirror state-transition-error list a --link east`" in told


def test_state_transition_errors(on: Cli) -> None:
    """CLI-53."""
    busy = TaskError(TaskErrorCode.CONSUMER_GROUP_IN_USE_ERROR, "group g has live members")
    on.plane.add_mirror("east", "a", transition_errors=(busy,))
    assert on.json("mirror", "state-transition-error", "list", "a") == [
        {"error_code": "CONSUMER_GROUP_IN_USE_ERROR", "error_message": "group g has live members"}
    ]
