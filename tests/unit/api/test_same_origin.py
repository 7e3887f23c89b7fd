"""What a page of another site can make a browser send changes nothing (REST-95); programs are not touched."""

from __future__ import annotations

import pytest

from tests.unit.api.calls import LINKS, error_of
from tests.unit.api.conftest import Client
from tests.unit.api.fake_plane import FakePlane

PAUSE = f"{LINKS}/east/mirrors:pause"
FOREIGN = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "Cross-Site"},
)
KINDS_OF_FORMS = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")


@pytest.fixture(autouse=True)
def _furnish(plane: FakePlane) -> None:
    plane.add_link("east")
    plane.add_mirror("east", "t")


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("method, path", [("POST", PAUSE), ("DELETE", f"{LINKS}/east"), ("PUT", f"{LINKS}/east")])
async def test_changes_of_other_sites_are_refused(
    client: Client, plane: FakePlane, method: str, path: str, headers: dict[str, str]
) -> None:
    response = await client.request(method, path, json={"mirror_topic_names": ["t"]}, headers=headers)
    assert (await error_of(response))[:2] == (403, 40301)
    assert plane.commands == []


async def test_a_request_without_media_type_is_no_way_round(client: Client, plane: FakePlane) -> None:
    """The one simple request whose body would be read: a browser still says its origin."""
    response = await client.post(
        PAUSE,
        data=b'{"mirror_topic_names": ["t"]}',
        skip_auto_headers=["Content-Type"],
        headers={"Origin": "https://evil.example"},
    )
    assert response.status == 403
    assert plane.commands == []


@pytest.mark.parametrize("media", KINDS_OF_FORMS)
async def test_forms_are_refused_even_by_browsers_that_hide_where_they_are(
    client: Client, plane: FakePlane, media: str
) -> None:
    response = await client.post(PAUSE, data=b'{"mirror_topic_names": ["t"]}', headers={"Content-Type": media})
    assert response.status == 415
    assert plane.commands == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://outside.example"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://HOST"},
        {"Origin": "https://outside.example", "X-Forwarded-Host": "outside.example"},
    ],
)
async def test_programs_and_our_own_pages_are_served(client: Client, headers: dict[str, str]) -> None:
    host = f"{client.host}:{client.port}"
    given = {name: value.replace("HOST", host) for name, value in headers.items()}
    response = await client.post(PAUSE, json={"mirror_topic_names": ["t"]}, headers=given)
    assert response.status == 200, await response.text()


@pytest.mark.parametrize("headers", FOREIGN)
async def test_nobody_elsewhere_may_read_either(client: Client, headers: dict[str, str]) -> None:
    """The answer comes, but without the header that would let another page see it."""
    response = await client.get(LINKS, headers=headers)
    assert response.status == 200
    assert "Access-Control-Allow-Origin" not in response.headers
    preflight = await client.options(PAUSE, headers={**headers, "Access-Control-Request-Method": "POST"})
    assert preflight.status >= 400
