"""Clusters as in the broker tests, and one worker that serves the runbooks which do not end it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.local.cluster import LocalCluster
from tests.acceptance.doors import CommandLine, Door, OverRest
from tests.acceptance.operating import Operator
from tests.broker.conftest import destination, secure_destination, secure_source, source, topic, unique
from tests.support.asking import Rest
from tests.support.workers import WorkerProcess

__all__ = ["destination", "secure_destination", "secure_source", "source", "topic", "unique"]


@pytest.fixture(scope="session")
def worker(destination: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """A worker beside `destination`; everybody's."""
    folder = tmp_path_factory.mktemp("worker")
    with WorkerProcess(destination.bootstrap_servers, folder, password_encoder_secret="a key of the tests") as process:
        yield process


@pytest.fixture(scope="session")
def rest(worker: WorkerProcess, destination: LocalCluster) -> Iterator[Rest]:
    with Rest(worker, destination) as made:
        yield made


@pytest.fixture(scope="session")
def operator(worker: WorkerProcess) -> Operator:
    """Somebody at the command line of that worker."""
    return Operator(worker)


@pytest.fixture(params=[CommandLine, OverRest], ids=lambda kind: kind.name)
def door(request: pytest.FixtureRequest, operator: Operator, rest: Rest) -> Door:
    """Each of an operator's doors: a runbook that asks for it runs through both."""
    return CommandLine(operator) if request.param is CommandLine else OverRest(rest)


@pytest.fixture(scope="session")
def worker_there(
    worker: WorkerProcess, source: LocalCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkerProcess]:
    """A worker beside `source`, for the other side of two-sided links; everybody's."""
    with WorkerProcess(source.bootstrap_servers, tmp_path_factory.mktemp("there"), worker.app_id) as process:
        yield process


@pytest.fixture(scope="session")
def rest_there(worker_there: WorkerProcess, source: LocalCluster) -> Iterator[Rest]:
    """REST of the worker beside `source`."""
    with Rest(worker_there, source) as made:
        yield made
