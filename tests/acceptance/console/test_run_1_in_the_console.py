"""RUN-1 in the console on real clusters: link, mirror, lag, dry run, promotion, history; and what goes wrong is shown.

RUN-6 too: the source dies while somebody looks, and its mirror is failed over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, assert_equal, checked, wait_for_ends
from tests.support.browsing import Browser
from tests.support.clients import create_topic
from tests.support.producing import numbered, produce
from tests.support.workers import WorkerProcess

PARTITIONS = 3
STATE = "main h1 .pill"
PASSWORD = "no such password"


Open = Callable[[str], Browser]


@pytest.fixture
def show(browser: Browser, worker: WorkerProcess) -> Open:
    """Opens a page of the worker's console."""

    def go(page: str) -> Browser:
        browser.open(f"{worker.url}/console/#/{page}")
        return browser

    return go


def test_run_1_in_the_console(
    source: LocalCluster,
    destination: LocalCluster,
    rest: Rest,
    show: Open,
    unique: Callable[[str], str],
) -> None:
    topic, link = unique("menu"), unique("east")
    create_topic(source, topic, PARTITIONS)
    for partition in range(PARTITIONS):
        produce(source, topic, numbered(300, partition=partition))
    # create the link; its properties come from the table
    browser = show("new-link")
    browser.fill("Name", link)
    browser.fill("bootstrap.servers", source.bootstrap_servers)
    browser.fill("Cluster id of the source", source.cluster_id)
    browser.press("Dry run")
    browser.wait_for_text("the link would be created", "dialog")
    assert link not in rest.links()
    browser.press("Create link", "dialog")
    browser.wait_for_text("Active", STATE)
    # create the mirror, ticked in the source's list
    browser.press("Create mirrors", "main")
    browser.tick(f"{topic} {PARTITIONS}")
    browser.press("Dry run")
    browser.wait_for_text("the topic would be accepted.", "dialog")
    assert rest.mirrors(link) == []
    browser.press("Create", "dialog")
    browser.wait_for_text("Done: 1 accepted", "dialog")
    browser.press("Close", "dialog")
    browser.wait_for_text("Active", "tbody .pill")
    browser.press(topic)
    # positions come by themselves
    browser.wait_for_text("300\t300\t0", "tbody tr")
    wait_for_ends(source, destination, topic, PARTITIONS)
    produce(source, topic, numbered(10, start=5000))
    browser.wait_for_text("310\t310\t0", "tbody tr")
    browser.wait_for_text("Lag 0 records", "figcaption")
    assert_equal(source, destination, topic, partitions=PARTITIONS)
    # promote: the dry run first
    browser.press("Promote")
    browser.wait_for_text("Nothing has been changed.", "dialog")
    assert rest.mirror(link, topic)["mirror_status"] == "ACTIVE"
    browser.press("Promote", "dialog")
    browser.wait_for_text("Done: 1 accepted", "dialog")
    browser.press("Close", "dialog")
    browser.wait_for_text("Stopped", STATE)
    assert rest.mirror(link, topic)["mirror_status"] == "STOPPED"
    show(f"links/{link}/history")
    browser.wait_for_text(topic, "tbody th")
    show(f"links/{link}/audit")
    browser.wait_for_text("mirror.promote dry run", "tbody td")
    assert browser.texts("tbody tr")[0].count("ANONYMOUS") == 1
    # and back to nothing
    browser.press("Delete link")
    browser.press("Delete", "dialog")
    browser.wait_for_text("Links", "main h1")
    assert link not in rest.links()
    assert browser.complaints() == []


@pytest.fixture
def doomed() -> Iterator[LocalCluster]:
    """A source of this test's own."""
    with LocalCluster() as cluster:
        yield cluster


def test_a_failover_while_the_source_is_dead(
    doomed: LocalCluster,
    destination: LocalCluster,
    rest: Rest,
    show: Open,
    unique: Callable[[str], str],
) -> None:
    link, topics = unique("link"), sorted(unique(f"topic-{n}") for n in range(2))
    quick = {"availability_check_ms": "1000", "availability_check_consecutive_failure_threshold": "2"}
    checked(rest.create_link(link, doomed, **quick))
    for topic in topics:
        create_topic(doomed, topic)
        produce(doomed, topic, numbered(100))
        checked(rest.create_mirror(link, topic))
    browser = show(f"links/{link}")
    browser.wait_for_text("Active 2")
    for topic in topics:
        wait_for_ends(doomed, destination, topic)
    doomed.stop_broker(1, hard=True)
    browser.wait_for_text("Unavailable", STATE)
    browser.wait_for_text("BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR", ".notice")
    browser.wait_for_text("Source unavailable 2")
    for topic in topics:
        browser.tick(f"Select {topic}")
    browser.press("Failover", ".bar")
    browser.wait_for_text("all 2 topics would be accepted.", "dialog")
    browser.press("Failover 2", "dialog")
    browser.wait_for_text("Done: 2 accepted, 0 refused.", "dialog")
    browser.press("Close", "dialog")
    browser.wait_for_text("Stopped 2")
    for topic in topics:
        rest.wait_for_status(link, topic, "STOPPED")
        assert produce(destination, topic, numbered(1, start=900)) == [101]
    checked(rest.ask("DELETE", f"/{link}"))


def test_what_is_refused_is_shown_beside_what_it_is_about(
    secure_source: LocalCluster, rest: Rest, show: Open, unique: Callable[[str], str]
) -> None:
    link = unique("link")
    browser = show("new-link")
    browser.wait_for_text("bootstrap.servers")
    browser.fill("Name", link)
    browser.fill("bootstrap.servers", "no port")
    browser.fill("acl.filters", "{")
    browser.press("Dry run")
    browser.wait_for_text("40002", "main .notice")
    assert browser.texts("[data-field='bootstrap.servers'] .wrong") != [""]
    assert browser.texts("[data-field='acl.filters'] .wrong") != [""]
    assert len(browser.all("[aria-invalid]")) == 2
    assert browser.focused() == "bootstrap.servers"
    # a password that the source does not take
    browser.fill("bootstrap.servers", secure_source.bootstrap_servers)
    browser.fill("acl.filters", "")
    browser.fill("security.protocol", "SASL_PLAINTEXT")
    browser.fill("sasl.mechanism", "PLAIN")
    login = f'org.apache.kafka.common.security.plain.PlainLoginModule required username="link" password="{PASSWORD}";'
    browser.fill("sasl.jaas.config", login)
    browser.press("Dry run")
    browser.wait_for_text("AUTHENTICATION_ERROR", "main .notice")
    assert PASSWORD not in browser.text()
    assert link not in rest.links()


def test_a_task_in_error_is_shown_with_its_error(
    source: LocalCluster, rest: Rest, show: Open, unique: Callable[[str], str]
) -> None:
    """A source without an authorizer has no ACLs to sync."""
    link = unique("link")
    any_of = {"resourceFilter": {"resourceType": "any", "patternType": "any"}}
    filters = json.dumps({"aclFilters": [any_of | {"accessFilter": {"operation": "any", "permissionType": "any"}}]})
    checked(rest.create_link(link, source, acl_sync_enable="true", acl_sync_ms="1000", acl_filters=filters))
    browser = show("")
    browser.wait_for_text("1 task in error: ACL sync")
    browser.press("1 task in error")
    browser.wait_for_text("SECURITY_DISABLED_ERROR", ".card .notice")
    # turned off in the form of its properties
    browser.press("Edit properties")
    browser.fill("acl.sync.enable", "false")
    browser.press("Dry run")
    browser.wait_for_text("these changes would be accepted", "dialog")
    browser.press("Change properties", "dialog")
    browser.wait_for_text("What was set comes first.")
    browser.press("Tasks")
    browser.wait_for_text("Not configured", "main .card")
    checked(rest.ask("DELETE", f"/{link}"))
