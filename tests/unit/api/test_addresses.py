"""REST-97, REST-98, CONF-9: how paths may be written, and how links in answers are."""

from __future__ import annotations

import pytest
from yarl import URL

from tests.unit.api.calls import LINKS, error_of
from tests.unit.api.conftest import Client
from tests.unit.api.fake_plane import CLUSTER, FakePlane


@pytest.mark.parametrize("base", ["/kafka/v3", "/v3"])
@pytest.mark.parametrize("slash", ["", "/"])
async def test_both_bases_with_and_without_slash(client: Client, plane: FakePlane, base: str, slash: str) -> None:
    plane.add_link("east")
    path = f"{base}/clusters/{CLUSTER}/links/east"
    response = await client.get(path + slash)
    assert (await response.json())["metadata"]["self"] == f"http://{response.url.authority}{path}"
    assert (await client.post(f"{base}/clusters/{CLUSTER}/links{slash}?link_name=w", json={})).status == 204


async def test_self_through_a_proxy(client: Client) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "links.example.com"}
    body = await (await client.get("/kafka/v3/clusters", headers=headers)).json()
    assert body["metadata"]["self"] == "https://links.example.com/kafka/v3/clusters"
    body = await (await client.get("/v3/clusters", headers={"Host": "other:1234"})).json()
    assert body["metadata"]["self"] == "http://other:1234/v3/clusters"


@pytest.mark.parametrize("written", ["e.a_s-t", "e%2Ea%5Fs%2Dt"])
async def test_percent_encoded_names(client: Client, plane: FakePlane, written: str) -> None:
    plane.add_link("e.a_s-t")
    path = f"http://{client.host}:{client.port}{LINKS}/{written}"
    response = await client.session.get(URL(path, encoded=True))
    assert (await response.json())["link_name"] == "e.a_s-t"


@pytest.mark.parametrize("written, name", [("a%20b", "a b"), ("a%2Fb", "a/b"), ("%C3%A4", "ä"), ("a%3Fb", "a?b")])
async def test_names_that_cannot_exist_are_not_found_by_name(client: Client, written: str, name: str) -> None:
    response = await client.session.get(URL(f"http://{client.host}:{client.port}{LINKS}/{written}", encoded=True))
    status, code, message = await error_of(response)
    assert (status, code) == (404, 404)
    assert f"'{name}'" in message


@pytest.mark.parametrize("written", ["%FF%FE", "%00", "%", "%zz", "..%2f..", "a%0d%0aX: 1"])
async def test_hostile_paths(client: Client, written: str) -> None:
    response = await client.session.get(URL(f"http://{client.host}:{client.port}{LINKS}/{written}", encoded=True))
    assert 400 <= response.status < 500


async def test_an_encoded_colon_is_a_colon(client: Client, plane: FakePlane) -> None:
    plane.add_link("east")
    path = f"http://{client.host}:{client.port}{LINKS}/east/mirrors%3Apause"
    response = await client.session.post(URL(path, encoded=True), json={"mirror_topic_name_pattern": "x"})
    assert response.status == 200
