"""SEC-34: secrets given over every door are looked for in every byte of logs, topics, table stores and answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from pipeline.local.cluster import LocalCluster
from tests.broker.security.conftest import ENCODER_KEY
from tests.support.asking import CommandsTopic, Rest, checked, refusal, wait_for_ends
from tests.support.clients import create_topic
from tests.support.permitting import allow, jaas, login, set_scram_password
from tests.support.producing import numbered, produce
from tests.support.scanning import files, forms, found_in, process, topics
from tests.support.workers import WorkerProcess

Keyed = tuple[WorkerProcess, Rest, CommandsTopic]
pytestmark = pytest.mark.timeout(300)
BY_REST, BY_UPDATE, BY_CLI = "planted-by-rest-61c2", "planted-by-update-8a1d", "planted-by-cli-c44e"
REFUSED, MISSPELT, IN_CLEAR = "planted-refused-02f7", "planted-misspelt-77aa", "planted-in-clear-5be3"
PEM = "-----BEGIN PRIVATE KEY-----\nplantedPrivateKey0123456789\n-----END PRIVATE KEY-----"


@pytest.fixture
def keyed(keyed_worker: WorkerProcess, keyed_rest: Rest, keyed_commands: CommandsTopic) -> Keyed:
    return keyed_worker, keyed_rest, keyed_commands


def test_the_scan_finds_what_is_there() -> None:
    text = f'{{"value": "user={BY_REST};"}}'.encode()
    assert found_in({"here": text}, [BY_REST, BY_CLI]) == [f"{BY_REST} in here"]
    for form in forms(BY_REST):
        assert found_in({"here": b"x" + form + b"x"}, [BY_REST])


def create_by_cli(folder: Path, worker: WorkerProcess, source: LocalCluster, link: str) -> str:
    """Create a link by the command line, the secret in a file; returns what it printed."""
    given = login(source, "link", BY_CLI, "SCRAM-SHA-256") | {"bootstrap_servers": source.bootstrap_servers}
    config = folder / "link.config"
    config.write_text("".join(f"{name.replace('_', '.')}={value}\n" for name, value in given.items()))
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "link", "create", link, "--config", str(config), "-v", "-v"],
        env={**os.environ, "CLUSTERLINK_URL": worker.url},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_planted_secrets_are_nowhere(
    secure_source: LocalCluster, destination: LocalCluster, keyed: Keyed, tmp_path: Path, topic: str
) -> None:
    keyed_worker, keyed_rest, keyed_commands = keyed
    create_topic(secure_source, topic)
    produce(secure_source, topic, numbered(10))
    allow(secure_source, "link", "READ DESCRIBE_CONFIGS", topic)
    answers: dict[str, bytes] = {}

    set_scram_password(secure_source, "link", BY_REST)
    right = login(secure_source, "link", BY_REST, "SCRAM-SHA-256")
    answers["create"] = checked(keyed_rest.create_link("by-rest", secure_source, **right)).content
    checked(keyed_rest.create_mirror("by-rest", topic))
    wait_for_ends(secure_source, destination, topic)

    set_scram_password(secure_source, "link", BY_UPDATE)
    jaas_now = login(secure_source, "link", BY_UPDATE, "SCRAM-SHA-256")["sasl_jaas_config"]
    data = [{"name": "sasl.jaas.config", "value": jaas_now}, {"name": "ssl.keystore.key", "value": PEM}]
    answers["update"] = checked(keyed_rest.ask("PUT", "/by-rest/configs:alter", {"data": data})).content
    answers["set one"] = checked(
        keyed_rest.ask("PUT", "/by-rest/configs/ssl.key.password", {"value": BY_UPDATE})
    ).content

    set_scram_password(secure_source, "link", BY_CLI)
    answers["cli"] = create_by_cli(tmp_path, keyed_worker, secure_source, "by-cli").encode()

    # PLAIN sends passwords as they are: client libraries that log what they send would tell
    checked(keyed_rest.create_link("by-plain", secure_source, **login(secure_source, "alice")))
    wrong = keyed_rest.create_link("x", secure_source, **login(secure_source, "link", REFUSED))
    misspelt = keyed_rest.create_link("x", secure_source, **right, sasl_jaas_confg=jaas("link", MISSPELT))
    assert refusal(wrong) == refusal(misspelt) == (400, 40002)
    assert "did you mean sasl.jaas.config" in misspelt.text
    answers |= {"wrong": wrong.content, "misspelt": misspelt.content}

    configs = [
        {"name": "bootstrap.servers", "value": secure_source.bootstrap_servers},
        {"name": "sasl.jaas.config", "value": jaas("link", IN_CLEAR)},
    ]
    asked = keyed_commands.command("link.create", "by-hand", {"configs": configs})
    result = keyed_commands.result(asked)
    assert (result["status"], result["error_code"]) == (400, 40002)
    assert "sasl.jaas.config: is a secret and was written to the commands topic in the clear" in result["message"]
    assert "by-hand" not in keyed_rest.links()

    for path in ("/by-rest", "/by-rest/configs", "/by-rest/configs/sasl.jaas.config", "/by-cli/configs", ""):
        answers[path] = checked(keyed_rest.ask("GET", path)).content
    answers["metrics"] = httpx.get(f"{keyed_worker.url}/metrics", timeout=90).content
    shown = json.loads(answers["/by-rest/configs/sasl.jaas.config"])
    assert (shown["value"], shown["is_sensitive"]) == (None, True)  # LINK-11

    control = topics(destination, keyed_worker.app_id)
    places = answers | control | files(keyed_worker.folder) | process(keyed_worker.pid)
    for kind in ("worker.log", "data/", "metrics", ".results-", "-links-changelog-", ".audit-"):
        assert any(kind in place and len(places[place]) > 100 for place in places), kind
    plain = secure_source.options.users["alice"]
    everywhere = [plain, BY_REST, BY_UPDATE, BY_CLI, REFUSED, MISSPELT, ENCODER_KEY, "plantedPrivateKey0123456789"]
    assert found_in(places, everywhere) == []
    # What somebody has written into the commands topic stays there; it goes nowhere else.
    holding = {hit.partition(" in ")[2].rpartition("-")[0] for hit in found_in(places, [IN_CLEAR])}
    assert holding == {keyed_commands.topic}


def test_the_audit_log_has_every_change(
    destination: LocalCluster, keyed_worker: WorkerProcess, keyed_rest: Rest, source: LocalCluster
) -> None:
    """SEC-36: principal, time, request and outcome, of what was done and what was refused."""
    checked(keyed_rest.create_link("audited", source))
    assert refusal(keyed_rest.create_link("audited", source)) == (409, 40902)
    checked(keyed_rest.ask("DELETE", "/audited"))
    audited = b"\n".join(topics(destination, f"{keyed_worker.app_id}.audit").values())
    rows = [row for line in audited.splitlines() if line.startswith(b"{") if (row := json.loads(line))]
    mine = [row for row in rows if row["link"] == "audited"]
    assert [(row["kind"], row["status"], row["error_code"]) for row in mine] == [
        ("link.create", 200, None),
        ("link.create", 409, 40902),
        ("link.delete", 200, None),
    ]
    assert all(row["principal"] == "User:ANONYMOUS" and row["time_ms"] >= row["asked_ms"] > 0 for row in mine)
    assert mine[0]["request"]["configs"] == [{"name": "bootstrap.servers", "value": source.bootstrap_servers}]
    logged = [line for line in keyed_worker.log().splitlines() if '"link":"audited"' in line]
    assert len([line for line in logged if '"kind":"link.create"' in line]) >= 2


def test_an_open_commands_topic_is_warned_of(keyed_worker: WorkerProcess) -> None:
    assert f"may write to {keyed_worker.app_id}.commands (the cluster has no authorizer)" in keyed_worker.log()
