"""The page: files from memory, strict headers, no data without a caller, nothing from elsewhere."""

from __future__ import annotations

import re

import pytest

from pipeline.api.authentication import Authentication, Credential, Method, Role
from pipeline.console.pages import HEADERS, read_pages
from tests.unit.api.fake_plane import CLUSTER
from tests.unit.console.conftest import Client, Serve

PAGES = read_pages()
READER = Credential.of(Method.BEARER, "grafana", Role.READER, "t0ken")
ALICE = Credential.of(Method.BASIC, "alice", Role.OPERATOR, "wonderland")


@pytest.mark.parametrize("path", ["", *PAGES])
async def test_every_file_is_served_with_strict_headers(client: Client, path: str) -> None:
    response = await client.get(f"/console/{path}")
    assert response.status == 200
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    assert response.charset == "utf-8"
    again = await client.get(f"/console/{path}", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")
    assert again.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]


def test_no_file_needs_anything_from_elsewhere_or_inline() -> None:
    for name, page in PAGES.items():
        text = page.content.decode()
        addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}", text)) - {"http://www.w3.org"}
        assert not addresses, name
        if name.endswith(".html"):
            assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|javascript:", text), name
        if name.endswith(".js"):
            assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
            for module in re.findall(r'^import .* from "([^"]+)";$', text, re.MULTILINE):
                assert re.fullmatch(r"\./[a-z_]+\.js", module), f"{name} imports {module}"
                assert f"js/{module.removeprefix('./')}" in PAGES, f"{name} imports {module}"


async def test_there_is_no_path_to_climb(client: Client) -> None:
    for path in ("../pages.py", "%2e%2e/pages.py", "..%2fpages.py", "js/", "nothing", "js/../../pages.py"):
        assert (await client.get(f"/console/{path}")).status == 404


async def test_the_short_address_leads_to_the_page(client: Client) -> None:
    response = await client.get("/console", allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (308, "/console/")


async def test_who_asks(serve: Serve) -> None:
    client = await serve(Authentication((READER, ALICE)))
    nobody = await client.get("/console/session")
    assert nobody.status == 200
    assert "WWW-Authenticate" not in nobody.headers, "a browser would ask in a window of its own"
    assert await nobody.json() == {"principal": None, "role": None, "methods": ["basic", "bearer"]}
    assert nobody.headers["Cache-Control"] == "no-store"
    reader = await client.get("/console/session", headers={"Authorization": "Bearer t0ken"})
    assert await reader.json() == {
        "principal": "User:grafana",
        "role": "reader",
        "methods": ["basic", "bearer"],
        "cluster_id": CLUSTER,
        "worker": "worker-1",
    }


async def test_without_authentication_everybody_is_an_operator(client: Client) -> None:
    found = await (await client.get("/console/session")).json()
    assert (found["principal"], found["role"], found["methods"]) == ("User:ANONYMOUS", "operator", [])


@pytest.mark.parametrize("path", ["overview", "mirrors", "properties", "operations", "audit", "source-topics?link=a"])
async def test_data_is_for_callers_only(serve: Serve, path: str) -> None:
    client = await serve(Authentication((READER,)))
    assert (await client.get(f"/clusterlink/v1/{path}")).status == 401
    known = await client.get(f"/clusterlink/v1/{path}", headers={"Authorization": "Bearer t0ken"})
    assert known.status in (200, 404)
