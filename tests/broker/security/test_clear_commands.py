"""Secrets in the clear on the commands topic, where a setting allows them (SEC-34)."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import CommandsTopic, Rest
from tests.support.permitting import jaas
from tests.support.scanning import files, found_in, topics
from tests.support.workers import WorkerProcess, wait_until

SECRET = "planted-by-hand-90b4"


@pytest.mark.timeout(300)
def test_they_go_no_further_than_the_record_itself(
    secure_source: LocalCluster, destination: LocalCluster, tmp_path: Path
) -> None:
    given = {
        "bootstrap.servers": secure_source.bootstrap_servers,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.jaas.config": jaas("link", SECRET),
    }
    configs = [{"name": name, "value": value} for name, value in given.items()]
    settings = {"password_encoder_secret": "a key for this test", "allow_clear_secrets": "true"}
    with (
        WorkerProcess(destination.bootstrap_servers, tmp_path, **settings) as worker,
        Rest(worker, destination) as rest,
        CommandsTopic(destination, worker.app_id) as commands,
    ):
        links = [f"by-hand-{number}" for number in range(4)]  # some land on a partition that is not their link's
        for link in links:
            asked = commands.command("link.create", link, {"configs": configs, "validate_link": False})
            assert commands.result(asked)["status"] == 200
        wait_until(lambda: sorted(rest.links()) == links, "all links are listed (REST-96)")
        places = topics(destination, worker.app_id) | files(worker.folder)
        holding = {hit.partition(" in ")[2].rpartition("-")[0] for hit in found_in(places, [SECRET])}
        assert holding == {commands.topic}
