"""SASL OAUTHBEARER end to end: a broker that checks signed tokens, and cuts what outlives them (LINK-80, 81)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from pipeline.local.cluster import LocalCluster
from pipeline.local.options import ClusterOptions, Protocol
from pipeline.verify import verify
from tests.support.asking import Rest, assert_equal, checked, refusal, wait_for_ends
from tests.support.clients import create_topic
from tests.support.listeners import by_token, java_of, taking, tokens_of
from tests.support.load import Load
from tests.support.permitting import allow
from tests.support.token_server import TokenServer
from tests.support.workers import InARow, WorkerProcess, wait_until

pytestmark = pytest.mark.timeout(400)
CLIENT, SECRET, TOKEN_LIFE_S = "linker", "planted-client-secret-77a1", 8
WELL = ("ACTIVE", "NO_ERROR")
Keyed = tuple[WorkerProcess, Rest]


@pytest.fixture
def keyed(keyed_worker: WorkerProcess, keyed_rest: Rest) -> Keyed:
    return keyed_worker, keyed_rest


@pytest.fixture(scope="module")
def tokens() -> Iterator[TokenServer]:
    with TokenServer({CLIENT: SECRET}, TOKEN_LIFE_S) as server:
        yield server


@pytest.fixture(scope="module")
def oauth_source(tokens: TokenServer) -> Iterator[LocalCluster]:
    """Clients of the SASL listener show tokens; a connection whose token has run out is cut (KIP-368)."""
    options = ClusterOptions(
        protocols=(Protocol.SASL_PLAINTEXT,),
        users={"admin": "admin-secret"},
        super_users=("admin",),
        properties=taking("OAUTHBEARER") | tokens_of(tokens),
        java_properties=java_of(tokens),
    )
    with LocalCluster(options) as cluster:
        yield cluster


def linked(tokens: TokenServer, secret: str = SECRET) -> dict[str, str]:
    """Properties of a link that asks for its next token in the middle of the life of the one before."""
    return by_token(tokens, CLIENT, secret) | {
        "sasl_login_refresh_window_factor": "0.5",
        "sasl_login_refresh_min_period_seconds": "0",
        "sasl_login_refresh_buffer_seconds": "0",
        "availability_check_ms": "1000",
    }


def state(rest: Rest, link: str) -> tuple[str, str]:
    row = checked(rest.ask("GET", f"/{link}")).json()
    return row["link_state"], row["link_error"]


def test_tokens_are_renewed_while_it_copies(
    oauth_source: LocalCluster, destination: LocalCluster, keyed: Keyed, tokens: TokenServer, topic: str
) -> None:
    """Five tokens long there is load, and the link is never said to be away; no gap, no duplicate.

    Each connection is replaced before the broker cuts it (KIP-368). A machine that is too busy for that now and then is
    given another five tokens.
    """
    keyed_worker, keyed_rest = keyed
    create_topic(oauth_source, topic, 2)
    allow(oauth_source, CLIENT, "READ DESCRIBE_CONFIGS", topic)
    checked(keyed_rest.create_link("oauth", oauth_source, **linked(tokens)))
    checked(keyed_rest.create_mirror("oauth", topic))
    keyed_rest.wait_for_status("oauth", topic)
    in_a_row = InARow(
        lambda: len(tokens.granted),
        lambda: (state(keyed_rest, "oauth"), keyed_worker.log().count("Link oauth: the source does not answer")),
    )
    with Load(oauth_source, topic, 2):
        wait_until(
            lambda: in_a_row.count() >= 5 and state(keyed_rest, "oauth") == WELL,
            "five more tokens, and nothing else happens",
            200,
            0.25,
        )
    wait_for_ends(oauth_source, destination, topic, 2)
    assert_equal(oauth_source, destination, topic, partitions=2)
    ours = {name.replace("_", "."): value for name, value in linked(tokens).items()}
    theirs = {"bootstrap.servers": destination.bootstrap_servers}
    report = asyncio.run(verify({"bootstrap.servers": oauth_source.bootstrap_servers} | ours, theirs, topic, topic))
    assert report.is_equal, "the verification logs in by token too"


def test_a_wrong_secret_is_refused_and_an_endpoint_that_is_away_passes(
    oauth_source: LocalCluster, destination: LocalCluster, keyed_rest: Rest, tokens: TokenServer, topic: str
) -> None:
    """STATE-11; while the endpoint is away longer than a token lives the link is, and it comes back by itself."""
    answer = keyed_rest.create_link("oauth-wrong", oauth_source, **linked(tokens, "planted-wrong"))
    assert refusal(answer) == (400, 40002)
    assert "AUTHENTICATION_ERROR" in answer.text and "planted" not in answer.text
    assert tokens.token_url in answer.text, answer.text
    create_topic(oauth_source, topic)
    allow(oauth_source, CLIENT, "READ DESCRIBE_CONFIGS", topic)
    checked(keyed_rest.create_link("oauth-away", oauth_source, **linked(tokens)))
    checked(keyed_rest.create_mirror("oauth-away", topic))
    keyed_rest.wait_for_status("oauth-away", topic)
    tokens.is_down = True
    try:
        wait_until(lambda: state(keyed_rest, "oauth-away")[0] == "UNAVAILABLE", "the link is away", within_s=60)
    finally:
        tokens.is_down = False
    wait_until(lambda: state(keyed_rest, "oauth-away") == WELL, "the link is back", within_s=60)
    with Load(oauth_source, topic, 1):
        pass
    wait_for_ends(oauth_source, destination, topic)
    assert_equal(oauth_source, destination, topic)
