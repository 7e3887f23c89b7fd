"""One worker and one link for the tests that do not end or starve them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import CommandsTopic, Rest, checked
from tests.support.workers import WorkerProcess

LINK = "shared"


@pytest.fixture(scope="session")
def worker(destination: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """A worker beside `destination`; everybody's."""
    with WorkerProcess(destination.bootstrap_servers, tmp_path_factory.mktemp("worker")) as process:
        yield process


@pytest.fixture(scope="session")
def rest(worker: WorkerProcess, destination: LocalCluster) -> Iterator[Rest]:
    with Rest(worker, destination) as made:
        yield made


@pytest.fixture(scope="session")
def commands(worker: WorkerProcess, destination: LocalCluster) -> Iterator[CommandsTopic]:
    with CommandsTopic(destination, worker.app_id) as made:
        yield made


@pytest.fixture(scope="session")
def link(rest: Rest, source: LocalCluster) -> str:
    """A link from `source`, as it comes."""
    checked(rest.create_link(LINK, source))
    return LINK
