"""`clusterlink doctor` against real clusters, with and without an authorizer; it changes nothing there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from pipeline.local.cluster import LocalCluster
from pipeline.local.ports import HOST
from tests.support.clients import create_topic, topic_names
from tests.support.permitting import allow

PROGRAM = (sys.executable, "-c", "from pipeline.cli.main import main; main()")
Rows = dict[tuple[str, str], dict[str, str]]


def doctor(*words: str) -> tuple[int, Rows]:
    """Exit code, and the findings by side and check."""
    done = subprocess.run(
        [*PROGRAM, "doctor", *words, "-o", "json"],
        env={name: value for name, value in os.environ.items() if not name.startswith("CLUSTERLINK_BOOT")},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, {(row["side"], row["check"]): row for row in json.loads(done.stdout)}


def properties(folder: Path, cluster: LocalCluster, user: str) -> str:
    """A file of client properties of a user."""
    path = folder / f"{user}-{cluster.cluster_id}.properties"
    given = cluster.client_properties(user)
    path.write_text("".join(f"{name}={value}\n" for name, value in given.items()), encoding="utf-8")
    return str(path)


def test_two_open_clusters(source: LocalCluster, destination: LocalCluster, topic: str) -> None:
    create_topic(source, topic)
    before = topic_names(destination)
    servers = [
        "--source-bootstrap-server",
        source.bootstrap_servers,
        "--bootstrap-server",
        destination.bootstrap_servers,
    ]
    code, rows = doctor(*servers, "--topic", topic)
    problems = [row for row in rows.values() if row["status"] == "error"]
    assert code == 0 and not problems
    assert rows["source", "reach"]["found"].endswith(", 1 broker")
    assert rows["source", "mirroring"]["status"] == rows["destination", "create mirrors"]["status"] == "ok"
    assert rows["source", "authorizer"]["status"] == "note"
    assert rows["source", "clock"]["status"] == rows["destination", "clock"]["status"] == "ok"
    assert topic_names(destination) == before


def test_a_cluster_with_itself(source: LocalCluster) -> None:
    servers = source.bootstrap_servers
    code, rows = doctor("--source-bootstrap-server", servers, "--bootstrap-server", servers)
    assert code == 1 and rows["both", "cluster ids"]["status"] == "error"


def test_nobody_there(destination: LocalCluster) -> None:
    servers = ["--source-bootstrap-server", f"{HOST}:1", "--bootstrap-server", destination.bootstrap_servers]
    code, rows = doctor(*servers)
    assert code == 1 and "BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR" in rows["source", "reach"]["found"]


def test_users_who_may_nothing_and_then_what_is_needed(
    secure_source: LocalCluster,
    secure_destination: LocalCluster,
    topic: str,
    unique: Callable[[str], str],
    tmp_path: Path,
) -> None:
    app_id = unique("app")
    create_topic(secure_source, topic)
    create_topic(secure_destination, f"{app_id}.commands")
    files = [
        "--source-command-config",
        properties(tmp_path, secure_source, "alice"),
        "--command-config",
        properties(tmp_path, secure_destination, "alice"),
    ]
    code, rows = doctor(*files, "--topic", topic, "--app-id", app_id)
    assert code == 1
    assert rows["source", "authorizer"]["status"] == rows["destination", "authorizer"]["status"] == "ok"
    assert "READ" in rows["source", "mirroring"]["mend"] and rows["source", "mirroring"]["status"] == "error"
    assert rows["source", "DESCRIBE on the cluster"]["status"] == "error"
    assert rows["destination", "create mirrors"]["status"] == "warning"
    assert rows["destination", "transaction gaps"]["status"] == "warning"

    allow(secure_source, "alice", "READ DESCRIBE_CONFIGS", topic)
    allow(secure_source, "alice", "DESCRIBE DESCRIBE_CONFIGS")
    allow(secure_destination, "alice", "DESCRIBE ALTER CREATE DESCRIBE_CONFIGS")
    allow(secure_destination, "alice", "READ WRITE CREATE DESCRIBE DESCRIBE_CONFIGS", app_id, prefixed=True)
    code, rows = doctor(*files, "--topic", topic, "--app-id", app_id)
    left = {place: row for place, row in rows.items() if row["status"] in ("error", "warning")}
    assert code == 0 and not [row for row in left.values() if row["status"] == "error"], left
    for place in (
        ("source", "mirroring"),
        ("source", "DESCRIBE on the cluster"),
        ("source", "clock"),
        ("destination", "create mirrors"),
        ("destination", "control topics"),
        ("destination", "transaction gaps"),
    ):
        assert rows[place]["status"] == "ok", rows[place]


def test_a_wrong_password(secure_source: LocalCluster, secure_destination: LocalCluster, tmp_path: Path) -> None:
    path = Path(properties(tmp_path, secure_source, "alice"))
    path.write_text(path.read_text("utf-8").replace("alice-secret", "wrong-secret"), encoding="utf-8")
    code, rows = doctor(
        "--source-command-config", str(path), "--command-config", properties(tmp_path, secure_destination, "admin")
    )
    assert code == 1 and "AUTHENTICATION_ERROR" in rows["source", "reach"]["found"]
    assert "wrong-secret" not in json.dumps(list(rows.values()))
