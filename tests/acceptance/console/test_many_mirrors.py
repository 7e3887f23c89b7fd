"""Two thousand mirrors: found by search, filter and order, a page at a time, and operated on together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.link.states import MirrorStatus
from tests.acceptance.console.serving import Served
from tests.support.browsing import Browser
from tests.support.workers import wait_until
from tests.unit.api.fake_plane import FakePlane

S = MirrorStatus
MIRRORS = 2000
NAMES = "tbody th a"


@pytest.fixture
def here(plane: FakePlane, serve: Callable[..., Served]) -> Served:
    plane.add_link("east")
    plane.add_link("west")
    for number in range(MIRRORS):
        status = S.FAILED if number % 400 == 7 else S.PAUSED if number % 100 == 3 else S.ACTIVE
        ends = {0: (1000, 1000 + (number if number % 50 == 0 else 0)), 1: (5, 5)}
        plane.add_mirror("west" if number % 4 == 0 else "east", f"topic-{number:04}", ends, status=status)
    return serve()


def test_search_filter_order_and_pages(browser: Browser, here: Served) -> None:
    browser.open(f"{here.console}#/mirrors")
    browser.wait_for_text("1 to 50 of 2,000")
    assert browser.texts(NAMES) == [f"topic-{n:04}" for n in range(50)]
    browser.press("Next")
    browser.wait_for_text("51 to 100 of 2,000")
    assert browser.texts(NAMES)[0] == "topic-0050"
    browser.press("Lag")
    browser.wait_for_text("1 to 50 of 2,000")
    wait_until(lambda: browser.texts(NAMES)[:2] == ["topic-1950", "topic-1900"], "the largest lag comes first")
    assert browser.texts("th[aria-sort=descending]") == ["Lag ▼"]
    browser.press("Failed")
    browser.wait_for_text("1 to 5 of 5")
    browser.press("All")
    browser.fill("Search mirrors by topic name", "TOPIC-19")
    browser.wait_for_text("1 to 50 of 100")
    browser.driver.refresh()
    browser.wait_for_text("1 to 50 of 100")
    assert browser.texts(NAMES)[0] == "topic-1950", "search and order are part of the address"
    browser.fill("Search mirrors by topic name", "nothing like it")
    browser.wait_for_text("No mirror fits")
    browser.press("Show all")
    browser.wait_for_text("1 to 50 of 2,000")
    assert browser.complaints() == []


def test_all_are_operated_on_together(browser: Browser, plane: FakePlane, here: Served) -> None:
    browser.open(f"{here.console}#/links/east")
    browser.wait_for_text("1 to 50 of 1,500")
    browser.tick("Select topic-0001")
    browser.wait_for_text("1 mirror selected")
    browser.press("Select all 1,500")
    browser.wait_for_text("1,500 mirrors selected")
    browser.press("Pause", ".bar")
    browser.wait_for_text("Nothing has been changed.", "dialog")
    assert {mirror.status for mirror in plane.mirrors("east")} == {S.ACTIVE, S.FAILED, S.PAUSED}
    assert plane.commands[-1].validate_only
    browser.press("Cancel", "dialog")
    browser.wait_until_gone("dialog[open]")
    browser.press("Pause", ".bar")
    browser.press("Pause 1,500", "dialog")
    browser.wait_for_text("Done: 1,500 accepted, 0 refused.", "dialog")
    assert {mirror.status for mirror in plane.mirrors("east")} == {S.PAUSED}
    assert {mirror.status for mirror in plane.mirrors("west")} != {S.PAUSED}, "another link's"
    browser.press("Close", "dialog")
    browser.wait_for_text("Paused 1,500")
    assert browser.texts("tbody .pill") == ["Paused"] * 50, "shown without loading the page again"
    assert browser.complaints() == []


def test_what_is_refused_is_shown_and_left_out(browser: Browser, plane: FakePlane, here: Served) -> None:
    plane.add_mirror("east", "topic-0001", {0: (7, 9)}, status=S.STOPPED)
    browser.open(f"{here.console}#/links/east")
    for name in ("topic-0001", "topic-0002"):
        browser.tick(f"Select {name}")
    browser.press("Promote")
    browser.wait_for_text("1 of 2 topics would be accepted.", "dialog")
    browser.wait_for_text("400 Topic 'topic-0001' has already stopped its mirror from 'east'", "dialog")
    browser.press("Promote 1", "dialog")
    browser.wait_for_text("Done: 1 accepted, 1 refused.", "dialog")
    assert [dict(c.arguments)["mirror_topic_names"] for c in plane.commands] == [
        ["topic-0001", "topic-0002"],
        ["topic-0002"],
    ]
    browser.press("Close", "dialog")


def test_deleting_needs_the_name_typed(browser: Browser, plane: FakePlane, here: Served) -> None:
    browser.open(f"{here.console}#/links/west/mirrors/topic-0004")
    browser.press("Delete")
    browser.wait_for_text("To confirm, type the topic's name: topic-0004", "dialog")
    confirm = browser.all("dialog .danger")[0]
    browser.fill("To confirm", "topic-000")
    assert not confirm.is_enabled()
    browser.fill("To confirm", "topic-0004")
    browser.press("Delete", "dialog")
    browser.wait_for_text("1 to 50 of 499")
    assert browser.complaints() == []
    assert plane.mirror("west", "topic-0004") is None
