"""Every property that may be changed has a test on real brokers in which a change takes effect on a running link.

That is LINK-10 for LINK-20 to LINK-66, property by property: a new row of the table is not done until it is named here.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pipeline.link.behaviour_properties import BEHAVIOUR
from pipeline.link.client_properties import CONNECTION

ROOT = Path(__file__).resolve().parents[3]
HOT, RUNS = "tests/broker/hot/test_", "tests/acceptance/test_run_"
SHOWN = {
    "consumer.group.prefix.enable": f"{HOT}syncing.py::test_the_prefix_of_groups",
    "consumer.offset.sync.enable": f"{RUNS}02_read_position.py::test_run_2",
    "consumer.offset.sync.ms": f"{HOT}syncing.py::test_offsets",
    "consumer.offset.group.filters": f"{RUNS}02_read_position.py::test_run_2",
    "acl.sync.enable": f"{RUNS}23_acl_sync.py::test_run_23",
    "acl.sync.ms": f"{RUNS}23_acl_sync.py::test_run_23",
    "acl.filters": f"{RUNS}23_acl_sync.py::test_run_23",
    "auto.create.mirror.topics.enable": f"{RUNS}17_auto_create.py::test_run_17",
    "auto.create.mirror.topics.filters": f"{RUNS}17_auto_create.py::test_run_17",
    "mirror.start.offset.spec": f"{RUNS}22_staging_copy.py::test_run_22",
    "topic.config.sync.ms": f"{HOT}syncing.py::test_topic_configs",
    "topic.config.sync.include": f"{HOT}syncing.py::test_topic_configs",
    "cluster.link.paused": f"{RUNS}27_pause_and_resume.py::test_run_27",
    "cluster.link.retry.timeout.ms": f"{HOT}watching.py::test_how_long_a_missing_topic_is_waited_for",
    "availability.check.ms": f"{HOT}watching.py::test_how_often_is_probed_and_how_often_that_may_fail",
    "availability.check.consecutive.failure.threshold": (
        f"{HOT}watching.py::test_how_often_is_probed_and_how_often_that_may_fail"
    ),
    "num.cluster.link.fetchers": f"{HOT}fetching.py::test_streams",
    "local.bootstrap.servers": (
        f"{RUNS}16_source_initiated.py::test_how_the_dialling_side_reaches_its_own_cluster_and_whom_it_speaks_to"
    ),
    "link.max.bytes.per.second": f"{RUNS}7_clamp.py::test_run_7",
    "consumer.offset.sync.max.in.flight": f"{HOT}syncing.py::test_offsets",
    "partner.app.id": (
        f"{RUNS}16_source_initiated.py::test_how_the_dialling_side_reaches_its_own_cluster_and_whom_it_speaks_to"
    ),
    "bootstrap.servers": f"{HOT}connecting.py::test_how_names_are_resolved",
    "client.dns.lookup": f"{HOT}connecting.py::test_how_names_are_resolved",
    "metadata.max.age.ms": f"{HOT}watching.py::test_how_old_metadata_may_be",
    "connections.max.idle.ms": f"{HOT}connecting.py::test_an_idle_connection",
    "request.timeout.ms": f"{HOT}connecting.py::test_how_long_a_request_may_take",
    "default.api.timeout.ms": f"{HOT}connecting.py::test_how_an_administrative_request_is_repeated",
    "retry.backoff.ms": f"{HOT}connecting.py::test_how_an_administrative_request_is_repeated",
    "reconnect.backoff.ms": f"{HOT}connecting.py::test_how_often_is_dialled",
    "reconnect.backoff.max.ms": f"{HOT}connecting.py::test_how_often_is_dialled",
    "socket.connection.setup.timeout.ms": f"{HOT}connecting.py::test_how_long_a_connection_may_take",
    "socket.connection.setup.timeout.max.ms": f"{HOT}connecting.py::test_how_long_a_connection_may_take",
    "replica.fetch.max.bytes": f"{HOT}fetching.py::test_limits_of_fetches",
    "replica.fetch.response.max.bytes": f"{HOT}fetching.py::test_limits_of_fetches",
    "replica.fetch.min.bytes": f"{HOT}fetching.py::test_limits_of_fetches",
    "replica.fetch.wait.max.ms": f"{HOT}fetching.py::test_limits_of_fetches",
    "replica.fetch.backoff.ms": f"{HOT}fetching.py::test_the_pause_after_a_failed_fetch",
    "replica.socket.timeout.ms": f"{HOT}fetching.py::test_the_limit_of_a_fetch_without_an_answer",
    "replica.socket.receive.buffer.bytes": f"{HOT}fetching.py::test_the_receive_buffer",
}
"""Property -> the test."""
CHANGES = ("alter", "configure", "configs:alter")
"""What a test has to do with the property: set it on a link that is there."""


def test_every_changeable_property_is_named() -> None:
    changeable = {row.name for row in (*BEHAVIOUR, *CONNECTION) if row.mutable and not row.refused and not row.ignored}
    assert SHOWN.keys() == changeable


@pytest.mark.parametrize("name", SHOWN)
def test_the_test_is_there_and_changes_the_property(name: str) -> None:
    path, _, function = SHOWN[name].partition("::")
    source = (ROOT / path).read_text()
    found = [each for each in ast.parse(source).body if isinstance(each, ast.FunctionDef) and each.name == function]
    assert found, f"{path} has no {function}"
    text = ast.get_source_segment(source, found[0]) or ""
    assert any(change in text for change in CHANGES)
    assert name in text or name.replace(".", "_") in text
