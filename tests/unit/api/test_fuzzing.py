"""Whatever a client sends is answered below 500, in JSON (spec 8.4)."""

from __future__ import annotations

import asyncio
import json
import random
import string
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from pipeline.api.authentication import Authentication
from pipeline.api.mounting import mount
from pipeline.api.routes import ROUTES
from pipeline.link import commands
from pipeline.link.states import MirrorStatus
from tests.unit.api.fake_plane import CLUSTER, FakePlane

FIELDS = sorted({argument.name for kind in commands.KINDS.values() for argument in kind.arguments})
FIELDS += ["configs", "value", "validate_only", "name", "operation"]
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("\ud800") | st.just("SET")
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
BODIES = (
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=5).map(lambda value: json.dumps(value).encode())
    | VALUES.map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=60)
)
NAMES = st.sampled_from(["east", "t", "acl.sync.ms", "-", "%2F", "..", "a%20b", "%C3%28"]) | st.text(
    string.ascii_letters + "._-~!$&'()*+,;=:@", min_size=1, max_size=10
)
QUERY = ("link_name", "validate_only", "validate_link", "force", "include_tasks", "mirror_status", "include_task_runs")
QUERIES = st.dictionaries(st.sampled_from(QUERY), st.sampled_from(["true", "east", "", "ACTIVE"]) | st.text(max_size=5))
HEADERS = st.sampled_from(
    [{}, {"Content-Type": "application/json"}, {"Content-Type": "text/plain"}, {"Content-Type": ";;"}]
)


class Target:
    """A server that outlives single examples, driven from synchronous tests."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.plane = FakePlane()
        app = web.Application()
        mount(app, self.plane, Authentication.off())
        self.client = TestClient(TestServer(app, loop=self.loop), loop=self.loop)
        self.loop.run_until_complete(self.client.start_server())

    def send(self, method: str, path: str, query: dict[str, str], **options: Any) -> tuple[int, bytes]:
        return self.loop.run_until_complete(self._send(method, path, query, **options))

    async def _send(self, method: str, path: str, query: dict[str, str], **options: Any) -> tuple[int, bytes]:
        url = URL(f"http://{self.client.host}:{self.client.port}{path}", encoded=True)
        clean = {name: value.encode("utf-8", "replace").decode() for name, value in query.items()}
        async with self.client.session.request(method, url.with_query(clean), **options) as response:
            return response.status, await response.read()

    def close(self) -> None:
        self.loop.run_until_complete(self.client.close())
        self.loop.close()


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    target = Target()
    yield target
    target.close()


@given(
    route=st.sampled_from([route for route in ROUTES if route.method != "GET"]),
    link=st.just("east") | NAMES,
    other=st.just("t") | NAMES,
    query=QUERIES,
    body=BODIES,
    headers=HEADERS,
)
def test_no_body_is_a_500(
    target: Target,
    *,
    route: Any,
    link: str,
    other: str,
    query: dict[str, str],
    body: bytes,
    headers: dict[str, str],
) -> None:
    target.plane.add_link("east")
    target.plane.add_mirror("east", "t", status=random.choice(list(MirrorStatus)))
    path = route.path.replace("{cluster_id}", CLUSTER).replace("{link_name}", link)
    path = path.replace("{config_name}", other).replace("{mirror_topic_name}", other)
    _answered_well(*target.send(route.method, f"/kafka/v3{path}", query, data=body, headers=headers))


@given(
    route=st.sampled_from([route for route in ROUTES if route.method == "GET"]),
    names=st.lists(NAMES, min_size=3),
    query=QUERIES,
)
def test_no_question_is_a_500(target: Target, route: Any, names: list[str], query: dict[str, str]) -> None:
    path = route.path
    for place, name in zip(("{link_name}", "{config_name}", "{mirror_topic_name}"), names, strict=False):
        path = path.replace(place, name)
    _answered_well(*target.send("GET", f"/v3{path.replace('{cluster_id}', CLUSTER)}", query))


def _answered_well(status: int, body: bytes) -> None:
    assert status < 500, body
    if body:
        assert isinstance(json.loads(body), dict)
    if status >= 400:
        assert json.loads(body).keys() == {"error_code", "message"}
