"""From Kafka's property names to arguments of aiokafka and kafka-python (LINK-50 to LINK-58, LINK-70 to LINK-81)."""

from __future__ import annotations

from pathlib import Path

import aiokafka
import pytest
from kafka import KafkaAdminClient

from pipeline.cluster import kerberos
from pipeline.cluster.errors import FileMissing, SecurityError
from pipeline.cluster.kerberos import Kerberos
from pipeline.cluster.oauth import AioTokens, SyncTokens
from pipeline.cluster.security import ClientSecurity, client_arguments
from pipeline.local.certificates import Authority

AUTHORITY = Authority()
SERVERS = {"bootstrap.servers": "one:1,two:2"}
KAFKA = "org.apache.kafka.common.security"
PLAIN = f'{KAFKA}.plain.PlainLoginModule required username="alice" password="hush-hush";'
SCRAM = f'{KAFKA}.scram.ScramLoginModule required username="alice" password="hush-hush";'
SASL = SERVERS | {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.jaas.config": PLAIN}
TOKENS = SERVERS | {
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "OAUTHBEARER",
    "sasl.oauthbearer.token.endpoint.url": "https://tokens.invalid/",
}


def test_defaults_are_kafkas() -> None:
    security = client_arguments(SERVERS)
    assert security == ClientSecurity(("one:1", "two:2"))
    assert (security.request_timeout_ms, security.api_timeout_ms, security.idle_ms) == (30_000, 60_000, 600_000)
    assert security.aiokafka()["bootstrap_servers"] == ["one:1", "two:2"]


def test_protocol_heads_of_addresses_are_dropped() -> None:
    """LINK-50."""
    assert client_arguments({"bootstrap.servers": " SASL_SSL://one:1 , [::1]:2,"}).bootstrap == ("one:1", "[::1]:2")


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "scram-sha-512"])
def test_names_and_passwords(mechanism: str) -> None:
    security = client_arguments(SASL | {"sasl.mechanism": mechanism, "sasl.jaas.config": SCRAM})
    for arguments in (security.aiokafka(), security.kafka_python()):
        assert arguments["security_protocol"] == "SASL_PLAINTEXT"
        assert arguments["sasl_mechanism"] == mechanism.upper()
        assert (arguments["sasl_plain_username"], arguments["sasl_plain_password"]) == ("alice", "hush-hush")


async def test_the_libraries_take_the_arguments() -> None:
    tls = {"security.protocol": "SASL_SSL", "ssl.truststore.certificates": AUTHORITY.certificate}
    security = client_arguments(SASL | tls)
    client = aiokafka.AIOKafkaConsumer(**security.aiokafka())
    await client.stop()
    assert not set(security.kafka_python()) - set(KafkaAdminClient.DEFAULT_CONFIG)


def test_tls_gives_a_context_and_plaintext_none() -> None:
    security = client_arguments(
        SERVERS | {"security.protocol": "ssl", "ssl.truststore.certificates": AUTHORITY.certificate}
    )
    assert security.connection()["ssl_context"] is security.ssl_context is not None
    assert client_arguments(SERVERS).ssl_context is None


def test_the_own_cluster_has_properties_of_its_own() -> None:
    """``local.``: the head is part of the name, and of the name in a refusal."""
    values = SASL | {f"local.{name}": value for name, value in SERVERS.items()} | {"request.timeout.ms": "7"}
    assert client_arguments(values, "local.").protocol == "PLAINTEXT"
    assert client_arguments(values, "local.").request_timeout_ms == 7
    with pytest.raises(SecurityError) as caught:
        client_arguments(SASL, "local.")
    assert caught.value.property_name == "local.bootstrap.servers"


def test_tokens_by_property_or_by_jaas() -> None:
    by_property = TOKENS | {"sasl.oauthbearer.client.id": "us", "sasl.oauthbearer.client.secret": "hush-hush"}
    by_jaas = TOKENS | {
        "sasl.jaas.config": f'{KAFKA}.oauthbearer.OAuthBearerLoginModule required clientId="us" '
        'clientSecret="hush-hush" scope="kafka" extension_logicalCluster="lkc-1";',
        "sasl.login.callback.handler.class": f"{KAFKA}.oauthbearer.OAuthBearerLoginCallbackHandler",
    }
    for values, scope in ((by_property, ""), (by_jaas, "kafka")):
        security = client_arguments(values)
        assert security.sasl is not None
        assert security.sasl.tokens is not None
        endpoint = security.sasl.tokens.endpoint
        assert (endpoint.client_id, endpoint.client_secret, endpoint.scope) == ("us", "hush-hush", scope)
        assert isinstance(security.aiokafka()["sasl_oauth_token_provider"], AioTokens)
        assert isinstance(security.kafka_python()["sasl_oauth_token_provider"], SyncTokens)
    assert client_arguments(by_jaas).connection()["sasl_oauth_token_provider"].extensions() == {
        "logicalCluster": "lkc-1"
    }


def test_kerberos(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kerberos, "is_available", lambda: True)
    keytab = tmp_path / "link.keytab"
    entry = f'com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true keyTab="{keytab}" principal="l@R";'
    values = SERVERS | {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.jaas.config": entry,
        "sasl.kerberos.service.name": "broker",
    }
    with pytest.raises(FileMissing, match=r"link\.keytab"):
        client_arguments(values)
    keytab.write_bytes(b"")
    security = client_arguments(values)
    assert security.kerberos == Kerberos("broker", "l@R", str(keytab))
    assert security.aiokafka()["sasl_kerberos_service_name"] == "broker"
    monkeypatch.setattr(kerberos, "is_available", lambda: False)
    with pytest.raises(SecurityError, match="gssapi"):
        client_arguments(values)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "bootstrap.servers"),
        (SERVERS | {"security.protocol": "TLS"}, "security.protocol"),
        (SASL | {"sasl.mechanism": "MD5"}, "sasl.mechanism"),
        (SASL | {"sasl.jaas.config": ""}, "sasl.jaas.config"),
        (SASL | {"sasl.mechanism": "OAUTHBEARER"}, "sasl.jaas.config"),
        (SASL | {"sasl.jaas.config": f'{KAFKA}.plain.PlainLoginModule required username="a";'}, "sasl.jaas.config"),
        (SASL | {"sasl.jaas.config": SCRAM[:-1] + " tokenauth=true;"}, "sasl.jaas.config"),
        (SASL | {"sasl.login.class": "com.example.Login"}, "sasl.login.class"),
        (
            SASL | {"sasl.client.callback.handler.class": "com.example.Handler"},
            "sasl.client.callback.handler.class",
        ),
        (
            SASL | {"sasl.login.callback.handler.class": "com.example.OAuthBearerLoginCallbackHandler"},
            "sasl.login.callback.handler.class",
        ),
        ({k: v for k, v in TOKENS.items() if "url" not in k}, "sasl.oauthbearer.token.endpoint.url"),
        (TOKENS, "sasl.oauthbearer.client.id"),
        (TOKENS | {"sasl.oauthbearer.client.id": "us"}, "sasl.oauthbearer.client.secret"),
        (SERVERS | {"request.timeout.ms": "soon"}, "request.timeout.ms"),
        (SERVERS | {"request.timeout.ms": "0"}, "request.timeout.ms"),
        (SERVERS | {"client.dns.lookup": "guess"}, "client.dns.lookup"),
        (SERVERS | {"security.protocol": "SSL", "ssl.truststore.certificates": "x"}, "ssl.truststore.certificates"),
        (SERVERS | {"security.protocol": "SSL", "ssl.truststore.location": "/no/such"}, "ssl.truststore.location"),
    ],
)
def test_a_refusal_names_the_property_and_no_secret(values: dict[str, str], name: str) -> None:
    with pytest.raises(SecurityError) as caught:
        client_arguments(values)
    assert caught.value.property_name == name
    assert str(caught.value).startswith(f"{name}: ")
    assert "hush-hush" not in str(caught.value) + repr(caught.value)
    assert not caught.value.retriable


@pytest.mark.parametrize(
    "values",
    [
        SASL,
        SASL | {"security.protocol": "SASL_SSL", "ssl.truststore.certificates": AUTHORITY.certificate},
        TOKENS | {"sasl.oauthbearer.client.id": "us", "sasl.oauthbearer.client.secret": "hush-hush"},
    ],
)
def test_secrets_stay_out_of_repr(values: dict[str, str]) -> None:
    """SEC-34."""
    assert "hush-hush" not in repr(client_arguments(values))
    assert "CERTIFICATE" not in repr(client_arguments(values))
