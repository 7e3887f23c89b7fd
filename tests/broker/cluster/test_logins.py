"""Every protocol and mechanism against listeners that demand them (SEC-21), and what a refusal looks like (SEC-33).

Two clients log in each time, by the same properties: the one of links, and the verification's, of another library.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import NoEncryption, load_pem_private_key, pkcs12
from cryptography.x509 import load_pem_x509_certificate

from pipeline.cluster.admin import Admin
from pipeline.cluster.errors import ClusterError, NotAuthenticated, Unreachable
from pipeline.cluster.probe import probe
from pipeline.cluster.security import client_arguments
from pipeline.link.states import LinkErrorCode
from pipeline.local.certificates import Authority, KeyPair
from pipeline.local.cluster import LocalCluster
from pipeline.local.options import ClusterOptions, Mechanism, Protocol
from pipeline.verify import VerifyError
from pipeline.verify.verifying import side
from tests.broker.cluster.eventually import eventually

_OAUTH = "org.apache.kafka.common.security.oauthbearer"
_TOKEN_LISTENER = {
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
    "oauthbearer.sasl.jaas.config": f'{_OAUTH}.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
    "oauthbearer.sasl.server.callback.handler.class": f"{_OAUTH}.internals.unsecured."
    "OAuthBearerUnsecuredValidatorCallbackHandler",
}
_SASL = (Protocol.SASL_PLAINTEXT, Protocol.SASL_SSL)
TOPIC = "seen"
OPTIONS = ClusterOptions(
    protocols=(Protocol.SASL_PLAINTEXT, Protocol.SSL, Protocol.SASL_SSL),
    users={"alice": "alice-secret"},
    client_certificates="required",
    properties={
        f"listener.name.{each.value.lower()}.{name}": value for each in _SASL for name, value in _TOKEN_LISTENER.items()
    },
)


@pytest.fixture(scope="module")
def guarded() -> Iterator[LocalCluster]:
    """One broker that lets nobody in without a password, a token or a certificate."""
    with LocalCluster(OPTIONS) as cluster:
        asyncio.run(make_topic(cluster))
        yield cluster


@pytest.fixture(scope="module")
def us(guarded: LocalCluster) -> KeyPair:
    assert guarded.authority is not None
    return guarded.authority.issue("us")


@pytest.fixture(autouse=True)
async def everybody_has_hung_up() -> AsyncIterator[None]:
    """A refused connection by TLS takes leave of the broker yet; the loop must not end before."""
    yield

    async def sockets() -> int:
        return len(asyncio.get_running_loop()._selector.get_map())  # type: ignore[attr-defined]

    await eventually(sockets, lambda found: found == 1)  # the loop's own


async def make_topic(cluster: LocalCluster) -> None:
    async with Admin(client_arguments(cluster.client_properties("alice"))) as admin:
        await admin.create_topic(TOPIC, 1, 1)


async def enter(properties: dict[str, str]) -> str:
    """Connect and ask something, as a link and as a verification; return the id of the cluster."""
    async with Admin(client_arguments(properties)) as admin:
        await admin.list_topics()
        cluster_id = await admin.cluster_id()
    await asyncio.to_thread(look_in, properties)
    return cluster_id


def look_in(properties: dict[str, str]) -> None:
    with closing(side("source", properties, TOPIC)) as verification:
        assert verification.partitions() == 1


async def refusal(properties: dict[str, str], within_ms: int = 60_000) -> ClusterError:
    with pytest.raises(ClusterError) as caught:
        await enter(properties | {"default.api.timeout.ms": str(within_ms)})
    return caught.value


@pytest.mark.parametrize("protocol", _SASL)
@pytest.mark.parametrize("mechanism", list(Mechanism))
async def test_passwords(guarded: LocalCluster, mechanism: Mechanism, protocol: Protocol) -> None:
    properties = guarded.client_properties("alice", mechanism, protocol)
    assert await enter(properties) == guarded.cluster_id
    wrong = properties | {"sasl.jaas.config": properties["sasl.jaas.config"].replace("alice-secret", "not-hers")}
    error = await refusal(wrong)
    assert isinstance(error, NotAuthenticated)
    assert not error.retriable
    assert "not-hers" not in f"{error!r} {error.__cause__!r}"
    with pytest.raises(VerifyError, match=r"[Aa]uthentication failed"):  # and soon, not as a cluster that is silent
        await asyncio.to_thread(look_in, wrong)
    found = await probe(wrong)
    assert found.link_error is LinkErrorCode.AUTHENTICATION_ERROR
    assert "key and secret" in found.message


async def test_no_password_where_one_is_demanded(guarded: LocalCluster) -> None:
    properties = {"bootstrap.servers": guarded.bootstrap(Protocol.SASL_PLAINTEXT)}
    assert isinstance(await refusal(properties, 1000), Unreachable), "the broker hangs up without a word"
    found = await probe(properties)
    assert found.link_error is LinkErrorCode.UNKNOWN
    assert "does security.protocol fit the listener?" in found.message


def mutual(guarded: LocalCluster, us: KeyPair) -> dict[str, str]:
    return guarded.client_properties(protocol=Protocol.SSL) | {
        "ssl.keystore.certificate.chain": us.certificate,
        "ssl.keystore.key": us.key,
    }


async def test_certificates_in_line_and_in_files(guarded: LocalCluster, us: KeyPair, tmp_path: Path) -> None:
    in_line = mutual(guarded, us)
    assert await enter(in_line) == guarded.cluster_id
    bare = {name: in_line[name] for name in ("bootstrap.servers", "security.protocol")}
    (tmp_path / "trust.pem").write_text(us.authority)
    (tmp_path / "keys.pem").write_text(us.key + us.certificate)
    (tmp_path / "keys.p12").write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"us",
            load_pem_private_key(us.key.encode(), None),  # type: ignore[arg-type]
            load_pem_x509_certificate(us.certificate.encode()),
            None,
            NoEncryption(),
        )
    )
    trust = {"ssl.truststore.location": str(tmp_path / "trust.pem"), "ssl.truststore.type": "PEM"}
    for keys in ("keys.pem", "keys.p12"):
        assert await enter(bare | trust | {"ssl.keystore.location": str(tmp_path / keys)}) == guarded.cluster_id


async def test_certificates_that_are_refused(guarded: LocalCluster, us: KeyPair) -> None:
    good = mutual(guarded, us)
    stranger = Authority()
    theirs = stranger.issue("us")
    elsewhere = good["bootstrap.servers"].replace("localhost", "127.0.0.1")
    cases = {
        "no certificate of ours": guarded.client_properties(protocol=Protocol.SSL),
        "a certificate of somebody else's authority": good
        | {"ssl.keystore.certificate.chain": theirs.certificate, "ssl.keystore.key": theirs.key},
        "a broker we do not trust": good | {"ssl.truststore.certificates": stranger.certificate},
    }
    for case, properties in cases.items():
        error = await refusal(properties)
        assert isinstance(error, NotAuthenticated), f"{case}: {error!r}"
        assert "TLS" in str(error)
        assert (await probe(properties)).link_error is LinkErrorCode.AUTHENTICATION_ERROR
    with pytest.raises(VerifyError, match="certificate verify failed"):
        await asyncio.to_thread(look_in, cases["a broker we do not trust"])
    assert await enter(good | {"bootstrap.servers": elsewhere}) == guarded.cluster_id


async def test_a_renewed_certificate_is_used_at_the_next_connection(
    guarded: LocalCluster, us: KeyPair, tmp_path: Path
) -> None:
    """SEC-35, and recovery by itself once mended."""
    file = tmp_path / "keys.pem"
    stale = Authority().issue("us")
    file.write_text(stale.key + stale.certificate)
    properties = guarded.client_properties(protocol=Protocol.SSL) | {"ssl.keystore.location": str(file)}
    admin = Admin(client_arguments(properties))
    with pytest.raises(NotAuthenticated):
        await admin.start()
    file.write_text(us.key + us.certificate)
    os.utime(file, ns=(1, 1))
    assert await admin.cluster_id() == guarded.cluster_id
    await admin.close()


class TokenEndpoint:
    """Gives unsecured tokens to the client `us`; `bad` makes them tokens that no broker takes."""

    def __init__(self) -> None:
        self.bad = False
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                known = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")) == b"us:hush-hush"
                said = json.dumps({"access_token": endpoint.token(), "expires_in": 300} if known else {}).encode()
                self.send_response(200 if known else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def token(self) -> str:
        now = time.time()
        parts = ({"alg": "none"}, {"sub": "us", "iat": now - 1, "exp": now + (-60 if self.bad else 300)})
        return (
            ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."
        )


@pytest.fixture
def endpoint() -> Iterator[TokenEndpoint]:
    made = TokenEndpoint()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.mark.parametrize("protocol", _SASL)
async def test_tokens(guarded: LocalCluster, endpoint: TokenEndpoint, protocol: Protocol) -> None:
    trusted = guarded.client_properties(protocol=Protocol.SSL)["ssl.truststore.certificates"]
    properties = {
        "bootstrap.servers": guarded.bootstrap(protocol),
        "security.protocol": protocol.value,
        "ssl.truststore.certificates": trusted,
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.token.endpoint.url": f"http://127.0.0.1:{endpoint.server.server_port}/",
        "sasl.oauthbearer.client.id": "us",
        "sasl.oauthbearer.client.secret": "hush-hush",
    }
    assert await enter(properties) == guarded.cluster_id
    error = await refusal(properties | {"sasl.oauthbearer.client.secret": "not-it"})
    assert isinstance(error, NotAuthenticated)
    assert "401" in str(error)
    endpoint.bad = True
    error = await refusal(properties)
    assert isinstance(error, NotAuthenticated), "aiokafka alone would see a lost connection"
    assert "invalid_token" in str(error)
    assert len(asyncio.all_tasks()) == 1
