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
from tests.support.load import Load
from tests.support.permitting import allow
from tests.support.token_server import AUDIENCE, ISSUER, TokenServer
from tests.support.workers import WorkerProcess, wait_until

pytestmark = pytest.mark.timeout(300)
CLIENT, SECRET, TOKEN_LIFE_S = "linker", "planted-client-secret-77a1", 5
KAFKA = "org.apache.kafka.common.security.oauthbearer"
LISTENER = "listener.name.sasl_plaintext"
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
    properties = {
        f"{LISTENER}.sasl.enabled.mechanisms": "PLAIN,OAUTHBEARER",
        f"{LISTENER}.oauthbearer.sasl.jaas.config": f"{KAFKA}.OAuthBearerLoginModule required;",
        f"{LISTENER}.oauthbearer.sasl.server.callback.handler.class": f"{KAFKA}.OAuthBearerValidatorCallbackHandler",
        f"{LISTENER}.oauthbearer.sasl.oauthbearer.jwks.endpoint.url": tokens.keys_url,
        f"{LISTENER}.oauthbearer.sasl.oauthbearer.expected.audience": AUDIENCE,
        f"{LISTENER}.oauthbearer.sasl.oauthbearer.expected.issuer": ISSUER,
        f"{LISTENER}.oauthbearer.sasl.oauthbearer.clock.skew.seconds": "0",
        f"{LISTENER}.oauthbearer.connections.max.reauth.ms": "60000",
    }
    options = ClusterOptions(
        protocols=(Protocol.SASL_PLAINTEXT,),
        users={"admin": "admin-secret"},
        super_users=("admin",),
        properties=properties,
        java_properties={"org.apache.kafka.sasl.oauthbearer.allowed.urls": tokens.keys_url},
    )
    with LocalCluster(options) as cluster:
        yield cluster


def by_token(tokens: TokenServer, secret: str = SECRET) -> dict[str, str]:
    """Link properties, with underscores for dots."""
    return {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "OAUTHBEARER",
        "sasl_oauthbearer_token_endpoint_url": tokens.token_url,
        "sasl_oauthbearer_client_id": CLIENT,
        "sasl_oauthbearer_client_secret": secret,
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
    """Five lives of a token long there is load; no gap, no duplicate, and the link is never said to be away.

    No connection lives to be cut by the broker: each is replaced in time (KIP-368).
    """
    keyed_worker, keyed_rest = keyed
    create_topic(oauth_source, topic, 2)
    allow(oauth_source, CLIENT, "READ DESCRIBE_CONFIGS", topic)
    checked(keyed_rest.create_link("oauth", oauth_source, **by_token(tokens)))
    checked(keyed_rest.create_mirror("oauth", topic))
    keyed_rest.wait_for_status("oauth", topic)
    seen = set()
    enough = len(tokens.granted) + 5

    def renewed() -> bool:
        seen.add(state(keyed_rest, "oauth"))
        return len(tokens.granted) >= enough

    with Load(oauth_source, topic, 2):
        wait_until(renewed, "five more tokens were asked for", within_s=120, poll_s=0.25)
    wait_for_ends(oauth_source, destination, topic, 2)
    assert seen == {("ACTIVE", "NO_ERROR")}
    assert "Link oauth: the source does not answer" not in keyed_worker.log()
    assert_equal(oauth_source, destination, topic, partitions=2)
    ours = {name.replace("_", "."): value for name, value in by_token(tokens).items()}
    theirs = {"bootstrap.servers": destination.bootstrap_servers}
    report = asyncio.run(verify({"bootstrap.servers": oauth_source.bootstrap_servers} | ours, theirs, topic, topic))
    assert report.is_equal, "the verification logs in by token too"


def test_a_wrong_secret_is_refused_and_an_endpoint_that_is_away_passes(
    oauth_source: LocalCluster, destination: LocalCluster, keyed_rest: Rest, tokens: TokenServer, topic: str
) -> None:
    """STATE-11; while the endpoint is away longer than a token lives the link is, and it comes back by itself."""
    answer = keyed_rest.create_link("oauth-wrong", oauth_source, **by_token(tokens, "planted-wrong"))
    assert refusal(answer) == (400, 40002)
    assert "AUTHENTICATION_ERROR" in answer.text and "planted" not in answer.text
    assert tokens.token_url in answer.text, answer.text
    create_topic(oauth_source, topic)
    allow(oauth_source, CLIENT, "READ DESCRIBE_CONFIGS", topic)
    checked(keyed_rest.create_link("oauth-away", oauth_source, **by_token(tokens)))
    checked(keyed_rest.create_mirror("oauth-away", topic))
    keyed_rest.wait_for_status("oauth-away", topic)
    tokens.is_down = True
    try:
        wait_until(lambda: state(keyed_rest, "oauth-away")[0] == "UNAVAILABLE", "the link is away", within_s=60)
    finally:
        tokens.is_down = False
    wait_until(lambda: state(keyed_rest, "oauth-away") == ("ACTIVE", "NO_ERROR"), "the link is back", within_s=60)
    with Load(oauth_source, topic, 1):
        pass
    wait_for_ends(oauth_source, destination, topic)
    assert_equal(oauth_source, destination, topic)
