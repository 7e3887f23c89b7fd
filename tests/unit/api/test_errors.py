"""Every row of spec 8.4 as a client sees it."""

from __future__ import annotations

import io

import pytest

from pipeline.api.bodies import MOST_BODY_BYTES
from pipeline.api.rate import RateLimit
from pipeline.link import errors
from tests.unit.api.calls import BASE, LINKS, error_of
from tests.unit.api.conftest import Client, Serve
from tests.unit.api.fake_plane import FakePlane, refuse

FROM_WORKERS = [
    (errors.Malformed("Invalid Config Name."), 400, 400),
    (errors.Invalid("Topic 'x' already exists."), 400, 40002),
    (errors.InvalidProperties(["a: b", "c: d"]), 400, 40002),
    (errors.UnsupportedVersion("broker 1 lacks Fetch 11"), 400, 40035),
    (errors.NotAuthorized(), 403, 40301),
    (errors.LinkInUse("2 mirrors"), 403, 40301),
    (errors.LinkNotFound("east"), 404, 404),
    (errors.TopicNotFound(), 404, 40403),
    (errors.LinkExists("east"), 409, 40902),
    (errors.TooManyRequests("slow down"), 429, 429),
    (errors.InternalError(), 500, 500),
    (errors.KafkaRetriable("not controller"), 500, 50003),
    (errors.RemoteTimedOut("no answer"), 504, 504),
]


@pytest.mark.parametrize("error, status, code", FROM_WORKERS, ids=lambda value: type(value).__name__)
async def test_what_workers_refuse(
    client: Client, plane: FakePlane, error: errors.LinkError, status: int, code: int
) -> None:
    plane.script["link.create"] = refuse(error)
    response = await client.post(f"{LINKS}?link_name=east", json={})
    assert await error_of(response) == (status, code, error.message)


async def test_no_worker_alive(client: Client, plane: FakePlane) -> None:
    """REST-84."""
    plane.is_alive = False
    response = await client.post(f"{LINKS}?link_name=east", json={})
    assert (await error_of(response))[:2] == (503, 503)
    assert "Retry-After" in response.headers
    assert not plane.commands


async def test_no_result_in_time(client: Client, plane: FakePlane) -> None:
    """REST-83: a timeout is retriable."""

    def late(command: object) -> None:
        raise TimeoutError

    plane.script["link.create"] = late
    assert (await error_of(await client.post(f"{LINKS}?link_name=east", json={})))[:2] == (500, 50003)


async def test_a_defect_of_ours_shows_no_traceback(client: Client, plane: FakePlane) -> None:
    """REST-82."""

    def broken(command: object) -> None:
        raise ZeroDivisionError("secret detail")

    plane.script["link.create"] = broken
    answer = await error_of(await client.post(f"{LINKS}?link_name=east", json={}))
    assert answer == (500, 500, "Internal Server Error")


@pytest.mark.parametrize(
    "path", ["/kafka/v3/nothing", "/v3/clusters/x/y", f"{BASE}/links/l/mirrors/t/more", "/kafka/v3"]
)
async def test_unknown_paths(client: Client, path: str) -> None:
    assert (await error_of(await client.get(path)))[:2] == (404, 404)


@pytest.mark.parametrize("path", [f"{BASE.replace('/clusters/', '/clusters/x')}/links", "/kafka/v3/clusters/x/links/l"])
async def test_unknown_cluster(client: Client, path: str) -> None:
    status, code, message = await error_of(await client.get(path))
    assert (status, code, message.startswith("Cluster x")) == (404, 404, True)


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", "/configs"),
        ("GET", "/mirrors"),
        ("GET", "/mirrors/t"),
        ("POST", "/mirrors"),
        ("POST", "/mirrors:promote"),
        ("PUT", "/configs:alter"),
        ("DELETE", "/configs/acl.sync.ms"),
        ("DELETE", ""),
        ("GET", ""),
    ],
)
async def test_unknown_link(client: Client, method: str, path: str) -> None:
    answer = await error_of(await client.request(method, f"{LINKS}/nope{path}", json={}))
    assert answer == (404, 404, "The cluster link doesn't exist: Cluster link 'nope' does not exist.")


async def test_unknown_mirror(client: Client, plane: FakePlane) -> None:
    plane.add_link("east")
    status, code, message = await error_of(await client.get(f"{LINKS}/east/mirrors/t"))
    assert (status, code) == (404, 40403)
    assert message.startswith("This server does not host this topic-partition.")


async def test_method_not_allowed(client: Client) -> None:
    response = await client.patch(LINKS)
    assert (await error_of(response))[:2] == (405, 405)
    assert response.headers["Allow"] == "GET,POST"


@pytest.mark.parametrize("media", ["text/plain", "application/xml", "multipart/form-data"])
async def test_media_type(client: Client, media: str) -> None:
    response = await client.post(f"{LINKS}?link_name=e", data=b"{}", headers={"Content-Type": media})
    assert (await error_of(response))[:2] == (415, 415)


@pytest.mark.parametrize("media", ["application/json", "application/json; charset=utf-8", "application/vnd.api+json"])
async def test_json_by_any_name(client: Client, media: str) -> None:
    response = await client.post(f"{LINKS}?link_name=e", data=b"{}", headers={"Content-Type": media})
    assert response.status == 204


@pytest.mark.parametrize("body", [b"", b"  \n"])
async def test_empty_body(client: Client, body: bytes) -> None:
    response = await client.post(f"{LINKS}?link_name=e", data=body, headers={"Content-Type": "application/json"})
    assert await error_of(response) == (422, 422, "Payload error. Request body is empty. Data is required.")


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, b'{"a":' * 50_000, b"1" * 10_000],
)
async def test_body_that_is_no_json_object(client: Client, body: bytes) -> None:
    response = await client.post(f"{LINKS}?link_name=e", data=body, headers={"Content-Type": "application/json"})
    assert (await error_of(response))[:2] == (400, 400)


@pytest.mark.parametrize("size", [MOST_BODY_BYTES + 1, 2 << 20])
async def test_body_too_large(client: Client, size: int) -> None:
    body = io.BytesIO(b" " * size)
    response = await client.post(f"{LINKS}?link_name=e", data=body, headers={"Content-Type": "application/json"})
    assert (await error_of(response))[:2] == (413, 413)


async def test_bad_boolean(client: Client, plane: FakePlane) -> None:
    plane.add_link("east")
    for path in ("?include_tasks=perhaps", "/mirrors/t?include_partition_states=2"):
        status, code, message = await error_of(await client.get(f"{LINKS}/east{path}"))
        assert (status, code) == (400, 400)
        assert "true or false" in message


async def test_rate_limit(serve: Serve) -> None:
    """REST-81: JSON, with Retry-After."""
    now = [0.0]
    client = await serve(rate_limit=RateLimit(per_second=0.5, burst=2, clock=lambda: now[0]))
    assert [(await client.get("/v3/clusters")).status for _ in range(3)] == [200, 200, 429]
    response = await client.get("/v3/clusters")
    assert (await error_of(response))[:2] == (429, 429)
    assert response.headers["Retry-After"] == "2"
    now[0] = 2.0
    assert (await client.get("/v3/clusters")).status == 200


async def test_the_timeout_goes_to_the_workers(serve: Serve, plane: FakePlane) -> None:
    client = await serve(submit_timeout_s=7.0)
    await client.post(f"{LINKS}?link_name=e", json={})
    assert plane.timeouts == [7.0]
