"""A worker with a key for secrets, which logs everything it can, beside a source with users and ACLs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import CommandsTopic, Rest
from tests.support.workers import WorkerProcess

ENCODER_KEY = "planted-encoder-key-9f27c1"


@pytest.fixture(scope="session")
def keyed_worker(destination: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    with WorkerProcess(
        destination.bootstrap_servers,
        tmp_path_factory.mktemp("keyed-worker"),
        loglevel="debug",
        password_encoder_secret=ENCODER_KEY,
    ) as process:
        yield process


@pytest.fixture(scope="session")
def keyed_rest(keyed_worker: WorkerProcess, destination: LocalCluster) -> Iterator[Rest]:
    with Rest(keyed_worker, destination) as made:
        yield made


@pytest.fixture(scope="session")
def keyed_commands(keyed_worker: WorkerProcess, destination: LocalCluster) -> Iterator[CommandsTopic]:
    with CommandsTopic(destination, keyed_worker.app_id) as made:
        yield made
