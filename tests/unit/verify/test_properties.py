"""Java client properties reach librdkafka under its names (LINK-50..58, LINK-70..90)."""

from __future__ import annotations

import datetime

import pytest
from confluent_kafka import Consumer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from pipeline.verify.aio_sides import needs_tickets
from pipeline.verify.errors import BadProperty
from pipeline.verify.properties import consumer_conf, jaas_options

SERVERS = {"bootstrap.servers": "SASL_SSL://a:9092, b:9093"}
PLAIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule required"


def test_servers_lose_their_protocol_heads_and_unknown_properties_are_left_out():
    conf = consumer_conf({**SERVERS, "request.timeout.ms": "1000", "mirror.start.offset.spec": "latest"})
    assert conf == {"bootstrap.servers": "a:9092,b:9093", "socket.timeout.ms": "1000"}


def test_servers_are_required():
    with pytest.raises(BadProperty, match=r"bootstrap\.servers"):
        consumer_conf({})


@pytest.mark.parametrize("quote", ['"', "'"])
def test_jaas_options_are_unquoted(quote):
    jaas = f"{PLAIN_MODULE} username={quote}me{quote} password={quote}a=b; c\\{quote}d{quote};"
    assert jaas_options(jaas) == {"username": "me", "password": f"a=b; c{quote}d"}


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_user_and_password_come_from_jaas(mechanism):
    conf = consumer_conf(
        {
            **SERVERS,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": mechanism,
            "sasl.jaas.config": f'{PLAIN_MODULE} username="u" password="p";',
        }
    )
    assert (conf["sasl.username"], conf["sasl.password"], conf["sasl.mechanism"]) == ("u", "p", mechanism)
    Consumer({**conf, "group.id": "none"}).close()


def test_a_missing_password_is_named():
    with pytest.raises(BadProperty, match=r"sasl\.jaas\.config"):
        consumer_conf({**SERVERS, "security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"})


def test_oauth_by_client_credentials():
    conf = consumer_conf(
        {
            **SERVERS,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "OAUTHBEARER",
            "sasl.oauthbearer.token.endpoint.url": "https://idp/token",
            "sasl.jaas.config": 'x required clientId="id" clientSecret="s" scope="kafka";',
        }
    )
    assert conf["sasl.oauthbearer.method"] == "oidc"
    assert conf["sasl.oauthbearer.client.id"] == "id"
    assert conf["sasl.oauthbearer.scope"] == "kafka"


def test_host_names_are_checked_unless_told_otherwise():
    tls = {**SERVERS, "security.protocol": "SSL"}
    assert consumer_conf(tls)["ssl.endpoint.identification.algorithm"] == "https"
    relaxed = consumer_conf({**tls, "ssl.endpoint.identification.algorithm": ""})
    assert relaxed["ssl.endpoint.identification.algorithm"] == "none"


def test_java_key_stores_are_refused_with_a_way_out(tmp_path):
    store = tmp_path / "x.jks"
    store.write_bytes(b"\xfe\xed\xfe\xed\x00\x00\x00\x02")
    given = {**SERVERS, "security.protocol": "SSL", "ssl.truststore.location": str(store)}
    with pytest.raises(BadProperty, match="keytool"):
        consumer_conf(given)
    with pytest.raises(BadProperty, match="BCFKS cannot be read here"):
        consumer_conf({**given, "ssl.truststore.type": "BCFKS"})
    with pytest.raises(BadProperty, match=r"ssl\.truststore\.location: .*: No such file"):
        consumer_conf({**given, "ssl.truststore.location": str(tmp_path / "not-there")})


@pytest.mark.parametrize("kind", [{}, {"ssl.truststore.type": "PEM"}])
def test_a_store_whose_type_is_not_said_is_judged_by_what_it_is(tmp_path, kind):
    store = tmp_path / "trust"
    store.write_text("-----BEGIN CERTIFICATE-----\n")
    conf = consumer_conf({**SERVERS, "security.protocol": "SSL", "ssl.truststore.location": str(store), **kind})
    assert conf["ssl.ca.location"] == str(store)


def test_a_pkcs12_truststore_becomes_pem(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ca")])
    day = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    certificate = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day + datetime.timedelta(9999)).sign(
        key, hashes.SHA256()
    )
    store = tmp_path / "trust.p12"
    store.write_bytes(
        pkcs12.serialize_key_and_certificates(b"ca", None, certificate, None, BestAvailableEncryption(b"pw"))
    )
    conf = consumer_conf(
        {
            **SERVERS,
            "security.protocol": "SSL",
            "ssl.truststore.type": "PKCS12",
            "ssl.truststore.location": str(store),
            "ssl.truststore.password": "pw",
        }
    )
    assert "BEGIN CERTIFICATE" in str(conf["ssl.ca.pem"])
    Consumer({**conf, "group.id": "none"}).close()


@pytest.mark.parametrize(
    ("given", "needed"),
    [
        ({"security.protocol": "SASL_SSL", "sasl.mechanism": "GSSAPI"}, True),
        ({"security.protocol": "SASL_PLAINTEXT"}, True),  # Kafka's default mechanism
        ({"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"}, False),
        ({"security.protocol": "SSL", "sasl.mechanism": "GSSAPI"}, False),
        ({}, False),
    ],
)
def test_kerberos_is_read_by_another_client(given, needed):
    assert needs_tickets({**SERVERS, **given}) is needed
