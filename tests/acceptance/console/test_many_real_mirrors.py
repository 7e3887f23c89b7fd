"""Many mirrors of a real worker in the console: loaded, turned over, searched, sorted, paused together.

Sixty every day; with CLUSTERLINK_TEST_SCALE=10 two thousand on 20 links, for the figures of docs/console.md.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka.admin import NewTopic

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, checked
from tests.support.browsing import Browser
from tests.support.clients import create_topics
from tests.support.mirroring import SCALE
from tests.support.workers import WorkerProcess, wait_until

MIRRORS = 60 if SCALE == 1 else 200 * SCALE
LINKS = 2 * SCALE
AT_ONCE = 4
PAGE = 50
NAMES = "tbody th a"
POLL_S = 0.02
log = logging.getLogger(__name__)


@pytest.fixture
def prefix(source: LocalCluster, rest: Rest, unique: Callable[[str], str]) -> str:
    """What the names of the mirrors begin with; all of them are there."""
    prefix = unique("many")[-20:]
    topics = [f"{prefix}-{number:04}" for number in range(MIRRORS)]
    create_topics(source, *(NewTopic(topic, 1, 1) for topic in topics))
    links = [f"{prefix}-link-{number}" for number in range(LINKS)]
    for link in links:
        checked(rest.create_link(link, source))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for answer in pool.map(lambda at: rest.create_mirror(links[at % LINKS], topics[at]), range(MIRRORS)):
            checked(answer)
    active = {"mirror_status": "ACTIVE"}
    for link in links:
        count = len(range(links.index(link), MIRRORS, LINKS))
        wait_until(
            lambda at=f"/{link}/mirrors", n=count: len(checked(rest.ask("GET", at, **active)).json()["data"]) == n,  # type: ignore[misc]
            f"the mirrors of {link} are ACTIVE",
            300,
            0.2,
        )
    return prefix


@pytest.mark.timeout(400 * SCALE)
def test_many_mirrors_of_a_worker(browser: Browser, worker: WorkerProcess, prefix: str) -> None:
    def until(text: str, first: str) -> None:
        """Wait until the page says which rows it shows, and the first of them is there."""
        wait_until(lambda: text in browser.text() and browser.texts(NAMES)[:1] == [first], text, poll_s=POLL_S)

    def took(what: str, do: Callable[[], None], text: str, first: str) -> None:
        began = browser.run("return performance.now()") if what != "load" else 0.0
        do()
        until(text, first)
        log.info("%d mirrors: %s in %.0f ms", MIRRORS, what, browser.run("return performance.now()") - began)

    first, last = f"{prefix}-0000", f"{prefix}-{MIRRORS - 1:04}"
    all_of_them = f"1 to {PAGE} of {MIRRORS:,}"
    page = f"{worker.url}/console/#/mirrors?search={prefix}"
    took("load", lambda: browser.open(page), all_of_them, first)
    took("next page", lambda: browser.press("Next"), f"{PAGE + 1} to", f"{prefix}-{PAGE:04}")
    took("search", lambda: browser.fill("Search mirrors by topic name", last), "1 to 1 of 1", last)
    took("search taken back", lambda: browser.fill("Search mirrors by topic name", prefix), all_of_them, first)
    took("filter", lambda: browser.press("Active"), all_of_them, first)
    browser.open(f"{worker.url}/console/#/links/{prefix}-link-0")
    of_link = len(range(0, MIRRORS, LINKS))
    browser.wait_for_text(f"of {of_link}")
    browser.tick(f"Select {first}")
    browser.press("Pause", ".bar")
    browser.wait_for_text("the topic would be accepted.", "dialog")
    browser.press("Pause", "dialog")
    browser.wait_for_text("Done: 1 accepted, 0 refused.", "dialog")
    browser.press("Close", "dialog")
    browser.wait_for_text("Paused 1")
    assert browser.complaints() == []
