"""OAUTHBEARER: tokens from an endpoint, kept, refreshed in time; endpoints that fail (LINK-80, LINK-81)."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from pipeline.cluster.errors import NotAuthenticated, Unreachable
from pipeline.cluster.oauth import AioTokens, Refreshing, SyncTokens, TokenEndpoint, TokenSource


class Endpoint:
    """A token endpoint on a port of its own: counts, remembers the last request, answers as told."""

    def __init__(self) -> None:
        self.status = 200
        self.answer: Any = {"expires_in": 3600}
        self.forms: list[dict[str, list[str]]] = []
        self.authorization = ""
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.forms.append(parse_qs(body.decode()))
                endpoint.authorization = self.headers["Authorization"]
                answer = endpoint.answer
                if isinstance(answer, dict):
                    answer = json.dumps({"access_token": f"token-{len(endpoint.forms)}"} | answer)
                self.send_response(endpoint.status)
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/token"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def source(endpoint: Endpoint, clock: Clock, scope: str = "") -> TokenSource:
    return TokenSource(TokenEndpoint(endpoint.url, "us", "hush", scope), Refreshing(window_jitter=0), clock=clock)


def test_the_grant_is_client_credentials(endpoint: Endpoint, clock: Clock) -> None:
    assert source(endpoint, clock, scope="kafka").token() == "token-1"
    assert endpoint.forms == [{"grant_type": ["client_credentials"], "scope": ["kafka"]}]
    assert base64.b64decode(endpoint.authorization.removeprefix("Basic ")) == b"us:hush"


def test_a_token_is_used_until_it_is_due(endpoint: Endpoint, clock: Clock) -> None:
    tokens = source(endpoint, clock)
    assert tokens.token() == tokens.token() == "token-1"
    clock.now += 0.8 * 3600 - 1
    assert tokens.token() == "token-1"
    clock.now += 1
    assert tokens.token() == "token-2"


def test_an_endpoint_that_fails_does_no_harm_while_the_token_is_good(endpoint: Endpoint, clock: Clock) -> None:
    tokens = source(endpoint, clock)
    tokens.token()
    clock.now += 3000
    endpoint.status = 503
    assert tokens.token() == "token-1"
    clock.now += 600
    with pytest.raises(Unreachable, match="503"):
        tokens.token()
    endpoint.status = 200
    assert tokens.token().startswith("token-")


def test_the_life_is_in_the_token_if_the_answer_does_not_say(endpoint: Endpoint, clock: Clock) -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": clock.now + 1000}).encode()).decode().rstrip("=")
    endpoint.answer = {"access_token": f"e30.{claims}."}
    tokens = source(endpoint, clock)
    tokens.token()
    clock.now += 699
    tokens.token()
    assert len(endpoint.forms) == 1
    clock.now += 1
    tokens.token()
    assert len(endpoint.forms) == 2


@pytest.mark.parametrize(("status", "kind"), [(400, NotAuthenticated), (401, NotAuthenticated), (429, Unreachable)])
def test_refusals_keep_the_secret(endpoint: Endpoint, clock: Clock, status: int, kind: type[Exception]) -> None:
    endpoint.status = status
    with pytest.raises(kind, match=str(status)) as caught:
        source(endpoint, clock).token()
    assert "hush" not in f"{caught.value!r}{caught.value.__cause__!r}"


@pytest.mark.parametrize("answer", ["no json", "[]", {"access_token": None}, {"access_token": ""}])
def test_answers_that_are_none(endpoint: Endpoint, clock: Clock, answer: Any) -> None:
    endpoint.answer = answer
    with pytest.raises(NotAuthenticated):
        source(endpoint, clock).token()


def test_nobody_there(clock: Clock) -> None:
    with pytest.raises(Unreachable, match="refused"):
        TokenSource(TokenEndpoint("http://127.0.0.1:1/", "us", "hush"), clock=clock).token()


@pytest.mark.parametrize(
    ("life", "chance", "due"),
    [
        (3600, 0.0, 2880),
        (3600, 1.0, 3060),
        (400, 1.0, 100),  # the buffer of 300 s before the end
        (361, 0.0, 61),
        (300, 0.0, 240),  # too short for buffer and least period: both give way
    ],
)
def test_when_a_token_is_due(life: float, chance: float, due: float) -> None:
    assert Refreshing().due_at(0, life, chance) == pytest.approx(due)


async def test_both_libraries_get_token_and_extensions(endpoint: Endpoint) -> None:
    made = TokenSource(TokenEndpoint(endpoint.url, "us", "hush", extensions={"logicalCluster": "lkc-1"}))
    assert await AioTokens(made).token() == SyncTokens(made).token() == "token-1"
    assert AioTokens(made).extensions() == SyncTokens(made).extensions() == {"logicalCluster": "lkc-1"}
    assert "hush" not in repr(made.endpoint)
