"""Everything has a name and can be reached by keyboard; text can be read in light and dark, and on a narrow screen."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import pytest
from selenium.webdriver.common.keys import Keys

from pipeline.link.models import TaskError
from pipeline.link.states import (
    LinkErrorCode,
    LinkMode,
    LinkState,
    MirrorStatus,
    PendingOperation,
    TaskErrorCode,
    TaskName,
    TaskState,
)
from tests.acceptance.console.serving import Served
from tests.support.browsing import Browser
from tests.support.workers import wait_until
from tests.unit.api.fake_plane import FakePlane

S = MirrorStatus
PAGES = {
    "": "east",
    "mirrors": "orders",
    "audit": "mirror.pause",
    "new-link": "link.mode",
    "links/east": "orders",
    "links/east/properties": "bootstrap.servers",
    "links/east/tasks": "ACL sync",
    "links/east/history": "bills",
    "links/east/audit": "mirror.pause",
    "links/east/edit": "acl.sync.enable",
    "links/east/new-mirrors": "payments",
    "links/both/new-mirrors": "Truncate and restore",
    "links/east/mirrors/orders": "Log end here",
    "links/nothing": "does not exist",
}
CONTROLS = {"button", "link", "textbox", "searchbox", "checkbox", "combobox", "spinbutton", "image", "dialog", "region"}
NEEDED_CONTRAST = 4.5


@pytest.fixture(autouse=True)
def _furnish(plane: FakePlane) -> None:
    plane.add_link("east")
    plane.add_link("both", mode=LinkMode.BIDIRECTIONAL)
    refused = LinkErrorCode.AUTHENTICATION_ERROR
    plane.add_link("west", state=LinkState.FAILED, error=refused, error_message="SASL says no.")
    plane.add_mirror("east", "orders", {0: (5, 9)}, transition_errors=(TaskError(TaskErrorCode.UNKNOWN, "x"),))
    for number, status in enumerate(S):
        pending = PendingOperation.PROMOTE if status is S.PENDING_STOPPED else None
        plane.add_mirror("east", f"t-{number}", {0: (5, 9)}, status=status, pending=pending)
    plane.add_mirror("east", "bills", {0: (5, 5)}, status=S.STOPPED)
    plane.add_task("east", TaskName.ACL_SYNC, TaskState.IN_ERROR, TaskError(TaskErrorCode.UNKNOWN, "x"))
    plane.audit_lines.append(
        {"time_ms": 5, "id": "7", "link": "east", "kind": "mirror.pause", "principal": "User:alice", "worker": "w"}
        | {"status": 400, "error_code": 40002, "message": "no", "validate_only": True, "request": {}}
    )


@pytest.fixture
def here(serve: Callable[..., Served]) -> Served:
    return serve()


def _open(browser: Browser, here: Served, page: str) -> None:
    browser.open(f"{here.console}#/{page}")
    browser.wait_for_text(PAGES[page], "main")


@pytest.mark.parametrize("page", PAGES)
def test_every_control_has_a_name_and_every_page_its_landmarks(browser: Browser, here: Served, page: str) -> None:
    _open(browser, here, page)
    nodes = browser.accessibility_nodes()
    roles = [node["role"]["value"] for node in nodes]
    nameless = [
        node["role"]["value"]
        for node in nodes
        if node["role"]["value"] in CONTROLS and not node.get("name", {}).get("value")
    ]
    assert nameless == []
    assert roles.count("main") == roles.count("banner") == 1
    assert {"navigation", "status"} <= set(roles)
    levels = [
        int(tag[1])
        for tag in browser.run("return [...document.querySelectorAll('main h1, main h2, main h3')].map(e => e.tagName)")
    ]
    assert levels[:1] == [1] and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    ids = browser.run("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    dangling = browser.run(
        "return [...document.querySelectorAll('[aria-describedby], [aria-labelledby], label[for]')].flatMap(e => "
        "['aria-describedby', 'aria-labelledby', 'for'].flatMap(n => (e.getAttribute(n) ?? '').split(' ')))"
        ".filter(i => i && i !== 'dialog-title' && !document.getElementById(i))"
    )
    assert dangling == []


@pytest.fixture(scope="session")
def dark_browser() -> Browser:
    with Browser(dark=True) as browser:
        yield browser  # type: ignore[misc]


@pytest.mark.parametrize("page", ["", "links/east", "links/east/tasks", "links/east/edit", "audit"])
@pytest.mark.parametrize("is_dark", [False, True])
def test_text_can_be_read(
    shared_browser: Browser, dark_browser: Browser, here: Served, page: str, is_dark: bool
) -> None:
    browser = dark_browser if is_dark else shared_browser
    _open(browser, here, page)
    background = browser.run("return getComputedStyle(document.body).backgroundColor")
    lightness = sum(int(part) for part in re.findall(r"\d+", background)[:3])
    assert (lightness < 150) is is_dark, background
    weak = [row for row in browser.run(CONTRASTS) if row[0] < NEEDED_CONTRAST]
    assert weak == []


def test_a_dark_picture_is_dark(dark_browser: Browser, browser: Browser, here: Served) -> None:
    pictures = []
    for each in (browser, dark_browser):
        _open(each, here, "links/east")
        pictures.append(each.screenshot())
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert pictures[0] != pictures[1]


@pytest.mark.parametrize("page", PAGES)
def test_nothing_sticks_out_of_a_narrow_screen(narrow_browser: Browser, here: Served, page: str) -> None:
    _open(narrow_browser, here, page)
    assert narrow_browser.run("return document.documentElement.scrollWidth") <= 390


@pytest.fixture(scope="session")
def narrow_browser() -> Browser:
    with Browser(size=(390, 844)) as browser:
        yield browser  # type: ignore[misc]


def test_a_mirror_is_paused_with_the_keyboard_alone(browser: Browser, plane: FakePlane, here: Served) -> None:
    browser.open(here.console)
    browser.wait_for_text("east")
    browser.keys(Keys.TAB)
    wait_until(
        lambda: browser.run("return document.activeElement.id || document.activeElement.tagName") != "BODY", "a focus"
    )
    browser.tab_to("east")
    assert browser.run("return getComputedStyle(document.activeElement).outlineWidth") == "3px", "the focus can be seen"
    browser.keys(Keys.ENTER)
    browser.wait_for_text("1 to 14 of 14")
    browser.tab_to("Select orders")
    browser.keys(Keys.SPACE)
    browser.wait_for_text("1 mirror selected")
    assert browser.focused() == "Select orders", "drawing the page anew leaves the focus where it is"
    browser.tab_to("Pause", backwards=True)
    browser.keys(Keys.ENTER)
    browser.wait_for_text("the topic would be accepted.", "dialog")
    wait_until(lambda: browser.focused() == "Pause", "the focus is on what confirms")
    for _ in range(8):
        browser.keys(Keys.TAB)
        assert browser.run("const at = document.activeElement; return at === document.body || !!at.closest('dialog')")
    browser.keys(Keys.ESCAPE)
    browser.wait_until_gone("dialog[open]")
    wait_until(lambda: browser.focused() == "Pause", "the focus is back on what opened the dialog")
    browser.keys(Keys.ENTER)
    browser.wait_for_text("the topic would be accepted.", "dialog")
    wait_until(lambda: browser.focused() == "Pause", "the focus is on what confirms")
    browser.keys(Keys.ENTER)
    browser.wait_for_text("Done: 1 accepted", "dialog")
    wait_until(lambda: "Done: 1 accepted" in browser.texts("#say")[0], "it is announced")
    browser.keys(Keys.ESCAPE)
    browser.wait_until_gone("dialog[open]")
    mirror = plane.mirror("east", "orders")
    assert mirror is not None and mirror.status is S.PAUSED
    assert browser.complaints() == []


def test_skipping_to_the_content(browser: Browser, here: Served) -> None:
    _open(browser, here, "links/east")
    browser.run("document.activeElement.blur()")
    browser.run("document.getElementById('skip').focus()")
    browser.keys(Keys.ENTER)
    assert browser.run("return document.activeElement.id") == "content"
    assert browser.run("return location.hash") == "#/links/east"


CONTRASTS = """
const parse = text => {
  const context = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  context.fillStyle = text; context.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
};
const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3]));
const ground = element => {
  const layers = [];
  for (let e = element; e; e = e.parentElement) {
    const colour = parse(getComputedStyle(e).backgroundColor);
    if (colour[3] > 0) layers.push(colour);
    if (colour[3] === 1) break;
  }
  return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
};
const light = colour => {
  const [r, g, b] = colour.map(v => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const found = new Map();
for (const element of document.querySelectorAll('body *')) {
  const own = [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim());
  if (!own || !element.checkVisibility() || element.disabled || element.closest('.unseen, .skip, noscript')) continue;
  const under = ground(element), text = over(parse(getComputedStyle(element).color), under);
  const [low, high] = [light(under), light(text)].sort((a, b) => a - b);
  const ratio = (high + 0.05) / (low + 0.05);
  const key = element.tagName + '.' + element.className;
  if (!found.has(key) || found.get(key)[0] > ratio) found.set(key, [ratio, key, element.innerText.slice(0, 40)]);
}
return [...found.values()];
"""
