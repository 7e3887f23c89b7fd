"""RUN-8 and RUN-10 in the console, on a real bidirectional pair: failover, truncate-and-restore, reverse by buttons."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, assert_equal, checked, wait_for_ends
from tests.support.browsing import Browser
from tests.support.clients import create_topic, topic_names
from tests.support.consuming import consume
from tests.support.producing import numbered, produce
from tests.support.workers import WorkerProcess

STATE = "main h1 .pill"


@pytest.mark.timeout(600)
def test_failed_over_restored_and_reversed(
    *,
    source: LocalCluster,
    destination: LocalCluster,
    worker: WorkerProcess,
    worker_there: WorkerProcess,
    rest: Rest,
    rest_there: Rest,
    browser: Browser,
    unique: Callable[[str], str],
) -> None:
    link, topic = unique("both")[-40:], unique("topic")
    create_topic(source, topic)
    produce(source, topic, numbered(100))
    checked(rest.create_side(link, source))
    checked(rest_there.create_side(link, destination))
    checked(rest.create_mirror(link, topic))
    wait_for_ends(source, destination, topic)
    rest.wait_for_status(link, topic)
    # the destination takes over; records that it never gets, and some of its own
    browser.open(f"{worker.url}/console/#/links/{link}/mirrors/{topic}")
    browser.press("Failover", ".actions")
    browser.wait_for_text("the topic would be accepted.", "dialog")
    browser.press("Failover", "dialog")
    browser.wait_for_text("Done: 1 accepted", "dialog")
    browser.press("Close", "dialog")
    browser.wait_for_text("Stopped", STATE)
    rest.wait_for_status(link, topic, "STOPPED")
    produce(source, topic, numbered(5, start=1000))
    produce(destination, topic, numbered(20, start=2000))
    # the old source becomes the mirror; a name is typed for it
    browser.open(f"{worker_there.url}/console/#/links/{link}/new-mirrors")
    browser.tick(f"{topic} 1")
    browser.press("Truncate and restore", "main")
    browser.wait_for_text("5 records cut off", "dialog")
    assert rest_there.mirror(link, topic) == {}, "a dry run"
    assert not browser.all("dialog .danger:enabled")
    browser.fill("To confirm, type the topic's name:", topic)
    browser.press("Truncate and restore", "dialog")
    browser.wait_for_text("Done: 1 accepted", "dialog")
    browser.press("Close", "dialog")
    browser.press(topic, "main")
    browser.wait_for_text("Active", STATE, within_s=180)
    wait_for_ends(destination, source, topic)
    assert_equal(destination, source, topic)
    (saved,) = [name for name in topic_names(source) if name.startswith(f"{topic}.diverged.")]
    assert len(consume(source, saved)) == 5
    # and back: the roles are reversed
    browser.press("Reverse and start", ".actions")
    browser.wait_for_text("the topic would be accepted.", "dialog")
    browser.press("Reverse and start", "dialog")
    browser.wait_for_text("Done: 1 accepted", "dialog")
    browser.press("Close", "dialog")
    browser.wait_for_text("Stopped", STATE, within_s=180)
    rest.wait_for_status(link, topic, within_s=180)
    produce(source, topic, numbered(10, start=3000))
    wait_for_ends(source, destination, topic)
    assert_equal(source, destination, topic, was_source=True)
    assert browser.complaints() == []
