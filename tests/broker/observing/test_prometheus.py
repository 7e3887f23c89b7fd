"""A real Prometheus scrapes two workers: every panel of every dashboard has data, and every alert fires by its cause.

In order: what is fine first, then one cause after the other, those that end everything last.
"""

from __future__ import annotations

import json

import httpx
import pytest
from confluent_kafka import Consumer

from pipeline.metrics.dashboards.tables import DASHBOARDS
from tests.acceptance.tasks import commit, configure, name_filters
from tests.broker.observing.conftest import Watched
from tests.support.asking import checked, wait_for_ends
from tests.support.clients import configuration, create_topic, delete_records
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until

pytestmark = pytest.mark.timeout(300)
LINK, TOPIC, GROUP = "healthy", "orders", "shop"
RECORDS = 300
EVERY_ACL = {
    "resourceFilter": {"resourceType": "any", "patternType": "any"},
    "accessFilter": {"operation": "any", "permissionType": "any"},
}


def link_with(watched: Watched, link: str, topic: str, records: int = 10, size: int = 20, **configs: str) -> None:
    """A link with a mirror that is ACTIVE and has everything."""
    often = {"availability_check_ms": "1000", "availability_check_consecutive_failure_threshold": "2"}
    checked(watched.rest.create_link(link, watched.source, **(often | configs)))
    create_topic(watched.source, topic, 2)
    produce(watched.source, topic, numbered(records, size=size))
    checked(watched.rest.create_mirror(link, topic))
    watched.rest.wait_for_status(link, topic)


def test_every_panel_of_every_dashboard_has_data(watched: Watched) -> None:
    groups = name_filters("groupFilters", (GROUP, "PREFIXED", "INCLUDE"))
    link_with(
        watched,
        LINK,
        TOPIC,
        RECORDS,
        consumer_offset_sync_enable="true",
        consumer_offset_sync_ms="1000",
        consumer_offset_group_filters=groups,
    )
    wait_for_ends(watched.source, watched.destination, TOPIC, 2)
    commit(watched.source, GROUP, TOPIC, 5)
    places = {"$link": LINK, "$topic": TOPIC, "$__rate_interval": "15s"}
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels:
            for query in panel.queries:
                expression = query.expr
                for name, value in places.items():
                    expression = expression.replace(name, value)
                what = f"data for {dashboard.name}: {panel.title}: {expression}"
                wait_until(lambda e=expression: watched.prometheus.query(e), what, 60, 0.25)  # type: ignore[misc]


def test_nothing_is_counted_twice_over_two_workers(watched: Watched) -> None:
    """MET-65: the mirror's two partitions are on two workers, one of which leads the link."""
    prometheus = watched.prometheus
    selector = f'{{link="{LINK}",topic="{TOPIC}"}}'
    total = f"sum(clusterlink_mirror_records_total{selector})"
    wait_until(lambda: prometheus.value(total) == RECORDS, "all records are counted once")
    assert prometheus.value(f'count(clusterlink_link_state{{link="{LINK}",state="ACTIVE"}})') == 1
    assert prometheus.value(f"count(clusterlink_mirror_lag_records{selector})") == 2
    assert prometheus.value("sum(clusterlink_links)") == 1


def test_workers_say_that_they_are_well(watched: Watched) -> None:
    for worker in watched.workers:
        for path in ("healthz", "readyz"):
            answer = httpx.get(f"{worker.url}/{path}", timeout=90)
            assert (answer.status_code, answer.json()["status"]) == (200, "ok"), answer.text


def test_no_alert_fires_while_all_is_well(watched: Watched) -> None:
    silent = 'max_over_time(ALERTS{alertstate="firing"}[5s])'
    wait_until(lambda: watched.prometheus.query(silent) == [], "no alert fires for five seconds", poll_s=0.25)


def test_a_mirror_that_somebody_else_writes_to(watched: Watched) -> None:
    link, topic = "foreign", "foreign-topic"
    link_with(watched, link, topic)
    wait_for_ends(watched.source, watched.destination, topic, 2)
    produce(watched.destination, topic, numbered(1, start=900))
    produce(watched.source, topic, numbered(1, start=10))
    watched.prometheus.wait_for_alert("ClusterlinkMirrorFailed", link=link)
    total = f'sum(clusterlink_foreign_writes_total{{link="{link}"}})'
    wait_until(lambda: (watched.prometheus.value(total) or 0) >= 1, "the foreign write is counted")


def test_series_are_gone_with_their_mirror_and_then_with_their_link(watched: Watched) -> None:
    """MET-63."""
    assert any(series_with(watched, 'topic="foreign-topic"')) and any(series_with(watched, 'link="foreign"'))
    checked(watched.rest.ask("DELETE", "/foreign/mirrors/foreign-topic"))
    wait_until(lambda: not any(series_with(watched, 'topic="foreign-topic"')), "the deleted mirror has no series")
    assert any(series_with(watched, 'link="foreign"'))
    watched.prometheus.wait_for_silence("ClusterlinkMirrorFailed", link="foreign")
    checked(watched.rest.ask("DELETE", "/foreign", force="true"))
    wait_until(lambda: not any(series_with(watched, 'link="foreign"')), "the deleted link has no series")


def series_with(watched: Watched, label: str) -> list[bool]:
    """For each worker, whether it gives a series with this label."""
    return [label in httpx.get(f"{worker.url}/metrics", timeout=90).text for worker in watched.workers]


def test_acls_of_clusters_that_have_none(watched: Watched) -> None:
    filters = json.dumps({"aclFilters": [EVERY_ACL]})
    link_with(watched, "acls", "acls-topic", acl_sync_enable="true", acl_sync_ms="1000", acl_filters=filters)
    watched.prometheus.wait_for_alert(
        "ClusterlinkTaskInError", link="acls", task="AclSync", error_code="SECURITY_DISABLED_ERROR"
    )


def test_a_link_that_is_too_slow_and_a_promotion_that_waits_for_it(watched: Watched) -> None:
    link, topic = "slow", "slow-topic"
    slow = {"link_max_bytes_per_second": "1024", "replica_fetch_max_bytes": "100000"}
    link_with(watched, link, topic, 4_000, 1_000, **slow)
    watched.prometheus.wait_for_alert("ClusterlinkLagRecords", link=link)
    watched.prometheus.wait_for_alert("ClusterlinkLagSeconds", link=link, topic=topic)
    throttled = f'sum(clusterlink_throttled_partitions{{link="{link}"}})'
    wait_until(lambda: (watched.prometheus.value(throttled) or 0) >= 1, "it shows as throttled")
    checked(watched.rest.ask("POST", f"/{link}/mirrors:promote", {"mirror_topic_names": [topic]}))
    watched.prometheus.wait_for_alert("ClusterlinkPromoteStuck", link=link, topic=topic)
    configure(watched.rest, link, link_max_bytes_per_second="-1")
    watched.rest.wait_for_status(link, topic, "STOPPED")
    watched.prometheus.wait_for_silence("ClusterlinkPromoteStuck", link=link, topic=topic)


def test_a_group_that_is_used_on_both_sides(watched: Watched) -> None:
    link, topic, group = "in-use", "in-use-topic", "used"
    groups = name_filters("groupFilters", (group, "PREFIXED", "INCLUDE"))
    link_with(
        watched,
        link,
        topic,
        consumer_offset_sync_enable="true",
        consumer_offset_sync_ms="1000",
        consumer_offset_group_filters=groups,
    )
    wait_for_ends(watched.source, watched.destination, topic, 2)
    member = Consumer(configuration(watched.destination, **{"group.id": group, "auto.offset.reset": "earliest"}))
    member.subscribe([topic])
    try:
        wait_until(lambda: member.poll(0.2) is not None or bool(member.assignment()), "it has joined")
        commit(watched.source, group, topic, 5)
        watched.prometheus.wait_for_alert("ClusterlinkOffsetSyncOld", link=link)
        in_use = f'max(clusterlink_consumer_groups{{link="{link}",state="in_use"}})'
        wait_until(lambda: watched.prometheus.value(in_use) == 1, "it shows as in use")
    finally:
        member.close()
    watched.prometheus.wait_for_silence("ClusterlinkOffsetSyncOld", link=link)


def test_records_that_were_deleted_unmirrored(watched: Watched) -> None:
    link, topic = "late", "late-topic"
    link_with(watched, link, topic)
    wait_for_ends(watched.source, watched.destination, topic, 2)
    checked(watched.rest.ask("POST", f"/{link}/mirrors:pause", {"mirror_topic_names": [topic]}))
    watched.rest.wait_for_status(link, topic, "PAUSED")
    produce(watched.source, topic, numbered(40, start=10))
    delete_records(watched.source, topic, 30)
    checked(watched.rest.ask("POST", f"/{link}/mirrors:resume", {"mirror_topic_names": [topic]}))
    watched.prometheus.wait_for_alert("ClusterlinkRecordsLost", link=link, topic=topic)
    lost = f'sum(clusterlink_lost_offsets_total{{link="{link}"}})'
    wait_until(lambda: watched.prometheus.value(lost) == 20, "the lost offsets are counted")


def test_a_link_to_the_wrong_cluster(watched: Watched) -> None:
    link_with(watched, "wrong", "wrong-topic")
    configure(watched.rest, "wrong", bootstrap_servers=watched.destination.bootstrap_servers)
    watched.prometheus.wait_for_alert("ClusterlinkLinkFailed", link="wrong")


def test_a_broker_of_the_source_that_is_gone_and_its_partitions_with_it(watched: Watched) -> None:
    watched.source.stop_broker(2, hard=True)
    watched.prometheus.wait_for_alert("ClusterlinkPartitionsBlocked", link=LINK, reason="no_leader")
    blocked = f'sum(clusterlink_mirror_partitions_blocked{{link="{LINK}",reason="no_leader"}})'
    wait_until(lambda: watched.prometheus.value(blocked) == 1, "its one partition is counted")
    assert not watched.prometheus.firing("ClusterlinkLinkUnavailable", link=LINK)


def test_a_source_that_is_gone(watched: Watched) -> None:
    watched.source.stop_broker(1, hard=True)
    watched.prometheus.wait_for_alert("ClusterlinkLinkUnavailable", link=LINK)
    expression = f'max(clusterlink_mirror_topics{{link="{LINK}",state="SOURCE_UNAVAILABLE"}})'
    wait_until(lambda: watched.prometheus.value(expression) == 1, "its mirror is SOURCE_UNAVAILABLE")
    changes = f'sum(clusterlink_link_unavailable_total{{link="{LINK}"}})'
    assert watched.prometheus.value(changes) == 1


def test_a_worker_that_is_gone(watched: Watched) -> None:
    first, second = watched.workers
    second.kill()
    watched.prometheus.wait_for_alert("ClusterlinkWorkerDown", instance=second.url.removeprefix("http://"))
    wait_until(lambda: len(first.owned) == 4, "the other one takes its work over")
    state = f'count(clusterlink_link_state{{link="{LINK}",state="UNAVAILABLE"}} == 1)'
    wait_until(lambda: watched.prometheus.value(state) == 1, "every link is led by somebody")


def test_a_worker_whose_own_cluster_is_gone(watched: Watched) -> None:
    worker = watched.workers[0]
    watched.destination.stop_broker(1, hard=True)
    watched.prometheus.wait_for_alert("ClusterlinkWorkerNotReady", worker=worker_name(watched))
    wait_until(lambda: "own cluster" in checks(worker.url)["own_cluster"], "/readyz says why")
    assert httpx.get(f"{worker.url}/healthz", timeout=90).status_code == 200


def checks(url: str) -> dict[str, str]:
    """What /readyz says, which has to be that the worker is not ready."""
    answer = httpx.get(f"{url}/readyz", timeout=90)
    assert answer.status_code == 503, answer.text
    return dict(answer.json()["checks"])


def worker_name(watched: Watched) -> str:
    """How the first worker names itself."""
    port = watched.workers[0].url.rpartition(":")[2]
    rows = watched.prometheus.query("clusterlink_worker_info")
    return next(str(row["metric"]["worker"]) for row in rows if row["metric"]["worker"].endswith(f":{port}"))
