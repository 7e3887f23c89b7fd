"""Who may do what in the console, and what no name, caller or other page can make it do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from pipeline.api.authentication import Authentication, Credential, Method, Role
from pipeline.link.models import TaskError
from pipeline.link.states import LinkErrorCode, MirrorError, TaskErrorCode, TaskName, TaskState
from tests.acceptance.console.serving import Served
from tests.support.browsing import Browser
from tests.support.workers import wait_until
from tests.unit.api.fake_plane import CLUSTER, FakePlane

EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
FETCH = """
const [url, mode, media, done] = arguments;
const body = new Blob(['{"mirror_topic_names": ["orders"]}']);
const headers = media ? {'Content-Type': media} : {};
fetch(url, {method: 'POST', mode, headers, body}).then(r => done(r.type), e => done(e.name));
"""
FORM = """
const form = document.createElement('form');
Object.assign(form, {method: 'post', action: arguments[0], enctype: 'text/plain'});
const name = '{"mirror_topic_names": ["orders"], "x": "';
form.append(Object.assign(document.createElement('input'), {name, value: '"}'}));
document.documentElement.append(form);
form.submit();
"""
HIDE = """
Object.defineProperty(document, 'hidden', {value: arguments[0], configurable: true});
document.dispatchEvent(new Event('visibilitychange'));
"""
ALICE = Credential.of(Method.BASIC, "alice", Role.OPERATOR, "wönderland")
BOB = Credential.of(Method.BASIC, "bob", Role.READER, "builder")
TOKEN = Credential.of(Method.BEARER, "grafana", Role.READER, "t0ken")


@pytest.fixture(autouse=True)
def _furnish(plane: FakePlane) -> None:
    plane.add_link("east")
    plane.add_mirror("east", "orders", {0: (5, 9)})


@pytest.mark.parametrize(
    "path", ["", "mirrors", "audit", "PAGE", "PAGE/tasks", "PAGE/properties", "PAGE/edit", "MIRROR"]
)
def test_names_and_messages_are_text(
    browser: Browser, plane: FakePlane, serve: Callable[..., Served], path: str
) -> None:
    evil = plane.add_link(EVIL, error=LinkErrorCode.TIMEOUT_ERROR, error_message=EVIL, remote_cluster_id=EVIL)
    plane._links[EVIL] = dataclasses.replace(evil, configs={"bootstrap.servers": EVIL, "cluster.link.prefix": EVIL})
    errors = (TaskError(TaskErrorCode.UNKNOWN, EVIL),)
    plane.add_mirror(EVIL, EVIL, {0: (1, 2)}, error=MirrorError.UNKNOWN, error_message=EVIL, transition_errors=errors)
    plane.add_task(EVIL, TaskName.ACL_SYNC, TaskState.IN_ERROR, *errors)
    line = {"time_ms": 1, "id": EVIL, "link": EVIL, "kind": EVIL, "principal": f"User:{EVIL}", "worker": EVIL}
    plane.audit_lines.append(line | {"status": 400, "error_code": 400, "message": EVIL, "request": {EVIL: EVIL}})
    here = serve()
    page = browser.run("return 'links/' + encodeURIComponent(arguments[0])", EVIL)
    mirror = browser.run("return arguments[0] + '/mirrors/' + encodeURIComponent(arguments[1])", page, EVIL)
    browser.open(f"{here.console}#/{path.replace('PAGE', page).replace('MIRROR', mirror)}")
    wait_until(
        lambda: (
            EVIL in browser.text()
            or EVIL in browser.run("return [...document.querySelectorAll('input')].map(e => e.value).join()")
        ),
        "the name is on the page, letter by letter",
    )
    assert browser.driver.title != "owned"
    assert browser.all("main img, main script, main [onerror]") == []
    assert browser.complaints() == []


def test_the_policy_holds_in_the_browser(browser: Browser, serve: Callable[..., Served]) -> None:
    here = serve()
    browser.open(here.console)
    browser.wait_for_text("east")
    assert browser.complaints() == []
    assert (
        browser.run("try { document.body.innerHTML = '<b>x</b>'; return 'taken' } catch (e) { return e.name }")
        == "TypeError"
    )
    browser.run("const s = document.createElement('img'); s.src = 'http://127.0.0.1:1/x.png'; document.body.append(s)")
    wait_until(lambda: "Content Security Policy" in "".join(browser.complaints()), "the picture is refused")


def test_a_reader_sees_everything_and_changes_nothing(
    browser: Browser, plane: FakePlane, serve: Callable[..., Served]
) -> None:
    here = serve(Authentication((ALICE, BOB)))
    browser.open(here.console)
    browser.fill("Name", "bob")
    browser.fill("Password", "wrong")
    browser.press("Sign in", "main")
    browser.wait_for_text("Name and password are not known here.")
    browser.fill("Password", "builder")
    browser.press("Sign in", "main")
    browser.wait_for_text("bob (reader)")
    for page in ("", "links/east", "links/east/mirrors/orders", "links/east/properties", "mirrors"):
        browser.open(f"{here.console}#/{page}")
        browser.wait_for_text("east" if page != "links/east/properties" else "bootstrap.servers")
        controls = {text for text in browser.texts("main button, main a.button, main input[type=checkbox]")}
        assert (
            not {"Create link", "Create mirrors", "Edit properties", "Pause link", "Delete link", "Promote"} & controls
        )
        assert not browser.all("main input[type=checkbox], main .danger, main .primary"), page
    browser.open(f"{here.console}#/new-link")
    browser.wait_for_text("Your role is reader")
    browser.press("Sign out")
    browser.wait_for_text("Password")
    browser.driver.refresh()
    browser.wait_for_text("Password")
    browser.fill("Name", "alice")
    browser.fill("Password", "wönderland")
    browser.press("Sign in", "main")
    browser.wait_for_text("bootstrap.servers")
    browser.press("Sign out")
    assert plane.commands == []


def test_a_token_signs_in(browser: Browser, serve: Callable[..., Served]) -> None:
    here = serve(Authentication((TOKEN,)))
    browser.open(here.console)
    browser.fill("Token", "t0ken")
    browser.press("Sign in", "main")
    browser.wait_for_text("grafana (reader)")
    browser.driver.refresh()
    browser.wait_for_text("grafana (reader)")
    assert browser.complaints() == [], "no question of the browser's own, no 401"
    browser.press("Sign out")


def test_pages_of_other_sites_change_nothing(browser: Browser, plane: FakePlane, serve: Callable[..., Served]) -> None:
    """Another port is another origin: simple requests, one with JSON and a form, as such a page can send them."""
    here, elsewhere = serve(), serve()
    pause = f"{here.url}/kafka/v3/clusters/{CLUSTER}/links/east/mirrors:pause"
    browser.open(f"{elsewhere.url}/kafka/v3/clusters")
    for mode, media in (("no-cors", ""), ("no-cors", "text/plain"), ("cors", "application/json")):
        answer = browser.driver.execute_async_script(FETCH, pause, mode, media)
        assert answer == ("opaque" if mode == "no-cors" else "TypeError")
    browser.run(FORM, pause)
    wait_until(lambda: "Changes are not taken from pages of other sites." in browser.driver.page_source, "403 is shown")
    assert len([path for path in here.asked if path.endswith("mirrors:pause")]) >= 3
    assert plane.commands == []


def test_no_page_can_put_it_into_a_frame(browser: Browser, serve: Callable[..., Served]) -> None:
    here, elsewhere = serve(), serve()
    browser.open(f"{elsewhere.url}/kafka/v3/clusters")
    browser.run(
        "const f = document.createElement('iframe'); f.src = arguments[0]; document.documentElement.append(f)",
        here.console,
    )
    wait_until(lambda: "frame-ancestors" in "".join(browser.complaints()), "the frame is refused")


def test_a_hidden_page_rests(browser: Browser, serve: Callable[..., Served]) -> None:
    here = serve()
    browser.open(here.console)
    wait_until(lambda: len(here.asked) > 0 and here.asked.count("/clusterlink/v1/overview") >= 3, "it is polled")
    browser.run(HIDE, True)

    def rests() -> bool:
        """For more than two turns, once what was on its way has arrived."""
        before = len(here.asked)
        browser.driver.execute_async_script("setTimeout(arguments[0], 5000)")
        return len(here.asked) == before

    wait_until(rests, "it is polled no more")
    before = len(here.asked)
    browser.run(HIDE, False)
    wait_until(lambda: len(here.asked) > before, "it is polled again")
