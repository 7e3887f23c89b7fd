"""CLI-40..47: `clusterlink link`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.cluster.administration.acls import Acl
from pipeline.link.models import TaskError
from pipeline.link.states import LinkErrorCode, LinkMode, LinkState, MirrorStatus, TaskErrorCode, TaskName, TaskState
from tests.unit.api.fake_plane import SOURCE
from tests.unit.cli.conftest import Cli

JAAS = "org.apache.kafka.common.security.plain.PlainLoginModule required username='k' password='s3cret';"


def test_create_names_the_link_and_its_open_configs(on: Cli) -> None:
    words = ("--source-cluster", SOURCE, "--source-bootstrap-server", "a:9092,b:9092")
    printed = on.ok("link", "create", "east", *words, "--source-api-key", "k", "--source-api-secret", "s3cret")
    assert printed.splitlines() == [
        'Created cluster link "east" with configs:',
        '"bootstrap.servers"="a:9092,b:9092"',
        '"sasl.mechanism"="PLAIN"',
        '"security.protocol"="SASL_SSL"',
    ]
    (command,) = on.plane.commands
    assert command.arguments["source_cluster_id"] == SOURCE
    assert {"name": "sasl.jaas.config", "value": JAAS} in command.arguments["configs"]
    assert command.arguments["validate_link"] is True


def test_create_from_files(on: Cli, tmp_path: Path) -> None:
    file, filters = tmp_path / "east.config", tmp_path / "groups.json"
    file.write_text("# remote\nbootstrap.servers=a:9092,\\\n  b:9092\nacl.sync.ms=5000\n")
    filters.write_text('{"groupFilters": []}\n')
    words = (
        "--config",
        str(file),
        "--config",
        "link.mode=BIDIRECTIONAL",
        "--consumer-group-filters-json-file",
        str(filters),
    )
    on.ok("link", "create", "east", "--remote-cluster", SOURCE, *words, "--no-validate", "--dry-run")
    (command,) = on.plane.commands
    assert command.validate_only
    assert command.arguments["validate_link"] is False
    assert {row["name"]: row["value"] for row in command.arguments["configs"]} == {
        "bootstrap.servers": "a:9092,b:9092",
        "acl.sync.ms": "5000",
        "link.mode": "BIDIRECTIONAL",
        "consumer.offset.group.filters": '{"groupFilters": []}',
    }


def test_secrets_come_from_the_environment(on: Cli) -> None:
    """SEC-34."""
    env = {"CLUSTERLINK_SOURCE_API_KEY": "k", "CLUSTERLINK_SOURCE_API_SECRET": "s3cret"}
    printed = on.ok("link", "create", "east", env=env)
    assert "s3cret" not in printed
    assert {"name": "sasl.jaas.config", "value": JAAS} in on.plane.commands[0].arguments["configs"]


def test_keys_for_both_clusters_of_a_side_that_dials_for_its_partner(on: Cli) -> None:
    """LINK-98: the remote pair and the local pair each make three properties; a key without its secret is refused."""
    env = {"CLUSTERLINK_DESTINATION_API_SECRET": "s3cret", "CLUSTERLINK_LOCAL_API_SECRET": "s3cret"}
    keys = ("--destination-api-key", "k", "--local-api-key", "k")
    there = ("--destination-cluster", SOURCE, "--destination-bootstrap-server", "b:9092")
    words = ("--config", "link.mode=SOURCE", *there)
    on.ok("link", "create", "east", *words, *keys, env=env)
    (command,) = on.plane.commands
    given = {row["name"]: row["value"] for row in command.arguments["configs"]}
    assert given == {"link.mode": "SOURCE", "bootstrap.servers": "b:9092"} | {
        f"{head}{name}": value
        for head in ("", "local.")
        for name, value in (
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "PLAIN"),
            ("sasl.jaas.config", JAAS),
        )
    }
    assert command.arguments["destination_cluster_id"] == SOURCE
    assert on.run("link", "create", "east", *words, "--local-api-key", "k").exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("--source-api-key", "k"),
        ("--config", "nonsense"),
        ("--config", "acl.sync.ms=1", "--config", "acl.sync.ms=2"),
        ("--source-cluster", "a", "--source-cluster-id", "b"),
        ("--acl-filters-json-file", "/does/not/exist"),
        ("--no-such-option",),
    ],
)
def test_wrong_usage_is_exit_code_2(on: Cli, words: tuple[str, ...]) -> None:
    """CLI-62."""
    assert on.run("link", "create", "east", *words).exit_code == 2
    assert not on.plane.commands


def test_a_file_of_properties_that_is_not_there_is_said_to_be_missing(on: Cli) -> None:
    told = on.run("link", "create", "east", "--config", "east.properties").stderr
    assert "'east.properties': expected name=value" in told and "There is no file east.properties either." in told
    assert "no file" not in on.run("link", "create", "east", "--config", "a=1,,b=2").stderr


def test_the_old_spelling_of_the_source_cluster(on: Cli) -> None:
    """CONF-13."""
    on.ok("link", "create", "east", "--source-cluster-id", SOURCE)
    assert on.plane.commands[0].arguments["source_cluster_id"] == SOURCE


def test_a_refusal_is_exit_code_1_and_says_why(on: Cli) -> None:
    on.plane.add_link("east")
    result = on.run("link", "create", "east")
    assert result.exit_code == 1
    assert "Cluster link 'east' already exists." in result.stderr


def test_list(on: Cli) -> None:
    on.plane.add_link("east")
    on.plane.add_link(
        "west",
        mode=LinkMode.BIDIRECTIONAL,
        state=LinkState.UNAVAILABLE,
        error=LinkErrorCode.TIMEOUT_ERROR,
        error_message="no answer",
    )
    on.plane.add_mirror("east", "b")
    on.plane.add_mirror("east", "a")
    east = {"link_name": "east", "link_id": "0nqzJILoSAaEhxxtyzN33A", "source_cluster": SOURCE, "state": "ACTIVE"}
    west = {
        "link_name": "west",
        "link_id": "0nqzJILoSAaEhxxtyzN33A",
        "remote_cluster": SOURCE,
        "state": "UNAVAILABLE",
        "error": "TIMEOUT_ERROR",
        "error_message": "no answer",
    }
    assert on.json("link", "list") == [east, west]
    topics = [row.get("topic_name") for row in on.json("link", "list", "--include-topics")]
    assert topics == ["a", "b", None]
    human = on.ok("link", "list")
    assert "Remote Cluster" in human
    assert "Topic Name" not in human


def test_describe(on: Cli) -> None:
    on.plane.add_link("east")
    on.plane.add_mirror("east", "a", partitions=10)
    on.plane.add_mirror("east", "b", partitions=2, status=MirrorStatus.FAILED)
    on.plane.add_task("east", TaskName.ACL_SYNC, TaskState.ACTIVE)
    assert on.json("link", "describe", "east")["mirror_partition_states_count"] == "IN_ERROR: 2, ACTIVE: 10"
    assert "IN_ERROR: 2, ACTIVE: 10" in on.ok("link", "describe", "east")
    described = on.json("link", "describe", "east", "--include-tasks")
    assert described["tasks"] == [{"task_name": "AclSync", "state": "ACTIVE", "errors": []}]
    result = on.run("link", "describe", "west")
    assert result.exit_code == 1
    assert "does not exist" in result.stderr


def test_tasks(on: Cli) -> None:
    on.plane.add_link("east")
    on.plane.add_task("east", TaskName.CONSUMER_OFFSET_SYNC, TaskState.ACTIVE)
    denied = TaskError(TaskErrorCode.AUTHORIZATION_ERROR, "DESCRIBE on Cluster")
    on.plane.add_task("east", TaskName.ACL_SYNC, TaskState.IN_ERROR, denied)
    rows = on.json("link", "task", "list", "east")
    assert rows[0] == {
        "task_name": "AclSync",
        "state": "IN_ERROR",
        "errors": [{"error_code": "AUTHORIZATION_ERROR", "error_message": "DESCRIBE on Cluster"}],
    }
    assert [row["task_name"] for row in rows] == ["AclSync", "ConsumerOffsetSync"]
    assert 'AUTHORIZATION_ERROR: "DESCRIBE on Cluster"' in on.ok("link", "task", "list", "east")
    assert on.json("link", "task", "list", "east", "--verbose")[0]["duration_ms"] == 12


def test_configuration_list_and_describe(on: Cli) -> None:
    on.plane.add_link("east", configs={"consumer.offset.sync.ms": "10000", "sasl.jaas.config": "{enc}abc"})
    rows = {row["config_name"]: row for row in on.json("link", "configuration", "list", "east")}
    assert rows["consumer.offset.sync.ms"] == {
        "config_name": "consumer.offset.sync.ms",
        "config_value": "10000",
        "read_only": False,
        "sensitive": False,
        "source": "DYNAMIC_CLUSTER_LINK_CONFIG",
        "synonyms": [],
    }
    assert (rows["sasl.jaas.config"]["config_value"], rows["sasl.jaas.config"]["sensitive"]) == ("", True)
    assert rows["dest.cluster.id"]["config_value"] == on.plane.cluster_id
    described = on.json("link", "configuration", "describe", "east", "consumer.offset.sync.ms")
    assert described == rows["consumer.offset.sync.ms"]


@pytest.mark.parametrize("form", [("link", "update"), ("link", "configuration", "update")])
def test_update(on: Cli, form: tuple[str, ...]) -> None:
    on.plane.add_link("east", configs={"acl.sync.ms": "7000"})
    words = ("--config", "consumer.offset.sync.ms=10000", "--reset", "acl.sync.ms")
    assert on.ok(*form, "east", *words, "--dry-run").startswith("[DRY RUN]")
    assert on.ok(*form, "east", *words) == 'Updated cluster link "east".\n'
    link = on.plane.link("east")
    assert link is not None
    assert link.configs == {"consumer.offset.sync.ms": "10000"}
    assert on.run(*form, "east").exit_code == 2
    assert on.run(*form, "east", "--config", "a=1", "--reset", "a").exit_code == 2


def test_pause_and_resume(on: Cli) -> None:
    on.plane.add_link("east")
    on.ok("link", "pause", "east")
    on.ok("link", "resume", "east")
    values = [command.arguments["data"][0]["value"] for command in on.plane.commands]
    assert values == ["true", "false"]


def test_delete_asks_unless_forced(on: Cli) -> None:
    for name in ("a", "b"):
        on.plane.add_link(name)
    on.plane.add_mirror("a", "t", status=MirrorStatus.STOPPED)
    refused = on.run("link", "delete", "a", input="n\n")
    assert (refused.exit_code, set(on.plane.links())) == (1, {"a", "b"})
    assert "history of 1 stopped mirror will" in refused.stderr
    assert on.ok("link", "delete", "a", "b", "--dry-run").count("[DRY RUN]") == 2
    assert on.ok("link", "delete", "a", input="y\n").endswith('Deleted cluster link "a".\n')
    on.ok("link", "delete", "b", "--force", "--failover-mirrors")
    assert on.plane.commands[-1].arguments == {"force": True}


def test_delete_of_an_unknown_link_deletes_nothing(on: Cli) -> None:
    """CLI-7."""
    on.plane.add_link("a")
    result = on.run("link", "delete", "a", "x", "--force")
    assert result.exit_code == 1
    assert 'cluster link "x" not found' in result.stderr
    assert set(on.plane.links()) == {"a"}


def test_acls_that_a_link_created(on: Cli) -> None:
    """TASK-32."""
    on.plane.add_link("east")
    on.plane.acls["east"] = [Acl("TOPIC", "orders", "PREFIXED", "User:ann", "*", "READ", "ALLOW")]
    assert "User:ann" in on.ok("link", "acl", "list", "east")
    (row,) = json.loads(on.ok("link", "acl", "list", "east", "-o", "json"))
    assert (row["principal"], row["operation"], row["resource_name"]) == ("User:ann", "READ", "orders")
