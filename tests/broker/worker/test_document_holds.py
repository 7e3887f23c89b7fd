"""A real worker keeps to its document: a small run of drawn requests. The long one is in `tests/unit/api`."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, checked
from tests.support.clients import create_topic
from tests.support.openapi import DOCUMENT, hold
from tests.support.workers import WorkerProcess

LINK, MIRROR = "drawn-requests", "drawn-mirror"
FEW = settings(max_examples=4, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
SCHEMA.config.phases.update(phases=["examples", "fuzzing"])


@pytest.fixture(scope="module")
def logged_before(worker: WorkerProcess) -> int:
    """How much of its log is from what came before."""
    return len(worker.log())


@pytest.fixture(scope="module")
def known(logged_before: int, rest: Rest, source: LocalCluster, destination: LocalCluster) -> dict[str, str]:
    """A link and a mirror of these requests' own, which they may well delete."""
    create_topic(source, MIRROR)
    checked(rest.create_link(LINK, source))
    checked(rest.create_mirror(LINK, MIRROR))
    return {
        "cluster_id": destination.cluster_id,
        "link_name": LINK,
        "mirror_topic_name": MIRROR,
        "config_name": "acl.sync.ms",
    }


@SCHEMA.parametrize()
@FEW
def test_every_answer_of_a_worker_is_as_documented(case: Any, worker: WorkerProcess, known: dict[str, str]) -> None:
    hold(case, worker.url, known)


def test_the_worker_is_as_well_as_before(logged_before: int, worker: WorkerProcess, rest: Rest) -> None:
    assert worker.is_running() and "Traceback" not in worker.log()[logged_before:]
    assert rest.links() is not None
