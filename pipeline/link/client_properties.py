"""Rows of the property table: connection, fetching (spec 2.3, LINK-50..66) and security (LINK-70..90).

The security rows exist twice: for the remote cluster, and with the head `local.` for the own one (MODE-40).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pipeline.link.property_rows import DIALLING_BACK, Property, Type
from pipeline.link.value_checks import (
    check_addresses,
    check_jaas,
    check_oauth_callback,
    check_pem,
    check_positive_or_default,
)

LOCAL = "local."


def _int(name: str, default: int, sentence: str, spec_id: str, minimum: float | None = 0) -> Property:
    return Property(name, Type.INT, str(default), sentence, spec_id, minimum=minimum)


def _double(name: str, default: float, sentence: str, spec_id: str, between: tuple[float, float]) -> Property:
    low, high = between
    return Property(name, Type.DOUBLE, str(default), sentence, spec_id, minimum=low, maximum=high)


def _text(name: str, default: str | None, sentence: str, spec_id: str) -> Property:
    return Property(name, Type.STRING, default, sentence, spec_id)


def _secret(name: str, sentence: str, spec_id: str, check: Callable[[Any], None] | None = None) -> Property:
    return Property(name, Type.STRING, None, sentence, spec_id, secret=True, check=check)


def _word(name: str, default: str, sentence: str, spec_id: str, choices: tuple[str, ...]) -> Property:
    return Property(name, Type.WORD, default, sentence, spec_id, choices=choices)


def _ignored(name: str, default: str | None) -> Property:
    why = "names a part of the Java runtime and has no effect here"
    return Property(name, Type.STRING, default, "Accepted and ignored.", "LINK-90", ignored=why)


def _refused(name: str, spec_id: str) -> Property:
    why = "names a Java class, which cannot be loaded here"
    return Property(name, Type.STRING, None, "Refused: a Java class.", spec_id, refused=why)


CONNECTION = (
    Property(
        "bootstrap.servers",
        Type.LIST,
        None,
        "Addresses of the remote cluster; required when OUTBOUND. A PROTOCOL:// head is stripped.",
        "LINK-50",
        check=check_addresses,
    ),
    _word(
        "client.dns.lookup",
        "use_all_dns_ips",
        "How bootstrap names are resolved.",
        "LINK-51",
        ("use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"),
    ),
    _int(
        "metadata.max.age.ms",
        300000,
        "Refresh of remote metadata: new partitions, topics for auto-create, leader moves.",
        "LINK-52",
        100,
    ),
    replace(
        _int("connections.max.idle.ms", 600000, "When an idle connection is closed; -1: never.", "LINK-53", None),
        check=check_positive_or_default,
    ),
    _int("request.timeout.ms", 30000, "How long one request may take.", "LINK-54", 1),
    _int("default.api.timeout.ms", 60000, "How long one admin operation may take.", "LINK-55", 1),
    _int("retry.backoff.ms", 100, "Pause between retries.", "LINK-56"),
    _int("reconnect.backoff.ms", 50, "Pause before the first reconnect.", "LINK-57"),
    _int("reconnect.backoff.max.ms", 1000, "Longest pause before a reconnect.", "LINK-57"),
    _int("socket.connection.setup.timeout.ms", 10000, "How long a connection may take to set up.", "LINK-58", 1),
    _int("socket.connection.setup.timeout.max.ms", 30000, "The same after repeated failures.", "LINK-59", 1),
    _int(
        "replica.fetch.max.bytes",
        5242880,
        "Bytes per partition and fetch; raised automatically for a larger first batch.",
        "LINK-60",
        1,
    ),
    _int("replica.fetch.response.max.bytes", 10485760, "Bytes per fetch response.", "LINK-61", 1),
    _int("replica.fetch.min.bytes", 1, "Bytes that a fetch waits for.", "LINK-62"),
    _int("replica.fetch.wait.max.ms", 500, "How long a fetch waits for them.", "LINK-63"),
    _int("replica.fetch.backoff.ms", 1000, "Pause after a failed fetch.", "LINK-64"),
    _int("replica.socket.timeout.ms", 30000, "How long a fetch may take.", "LINK-65", 1),
    replace(
        _int("replica.socket.receive.buffer.bytes", -1, "TCP buffer; raise it for high latency.", "LINK-66", None),
        check=check_positive_or_default,
    ),
)

SECURITY = (
    _word(
        "security.protocol",
        "PLAINTEXT",
        "How the cluster is talked to.",
        "LINK-70",
        ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
    ),
    _word(
        "sasl.mechanism",
        "GSSAPI",
        "How the link authenticates.",
        "LINK-71",
        ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI"),
    ),
    _secret(
        "sasl.jaas.config",
        "Login module and credential, as in Kafka clients; one line, ends in ';'.",
        "LINK-72",
        check_jaas,
    ),
    replace(
        _text("sasl.client.callback.handler.class", None, "Only Kafka's own OAuth handlers.", "LINK-73"),
        check=check_oauth_callback,
    ),
    replace(
        _text("sasl.login.callback.handler.class", None, "Only Kafka's own OAuth handlers.", "LINK-74"),
        check=check_oauth_callback,
    ),
    _refused("sasl.login.class", "LINK-75"),
    _text("sasl.kerberos.service.name", None, "Service name of the brokers, with GSSAPI.", "LINK-76"),
    _text(
        "sasl.kerberos.kinit.cmd",
        "/usr/bin/kinit",
        "Not needed: tickets of a keytab are renewed without it.",
        "LINK-77",
    ),
    Property(
        "sasl.kerberos.min.time.before.relogin",
        Type.LONG,
        "60000",
        "Not needed, as the renewal times: a keytab's ticket is renewed when a connection finds it used up.",
        "LINK-78",
        minimum=0,
    ),
    _double("sasl.kerberos.ticket.renew.jitter", 0.05, "Not needed, as above.", "LINK-79", (0, 1)),
    _double("sasl.kerberos.ticket.renew.window.factor", 0.8, "Not needed, as above.", "LINK-79", (0, 1)),
    _int("sasl.login.refresh.buffer.seconds", 300, "Time kept before a token expires.", "LINK-80"),
    _int("sasl.login.refresh.min.period.seconds", 60, "Shortest time between two tokens.", "LINK-80"),
    _double(
        "sasl.login.refresh.window.factor",
        0.8,
        "Part of a token's life after which it is renewed.",
        "LINK-80",
        (0.5, 1),
    ),
    _double("sasl.login.refresh.window.jitter", 0.05, "Random part of that.", "LINK-80", (0, 0.25)),
    _text("sasl.oauthbearer.token.endpoint.url", None, "Where tokens come from, with OAUTHBEARER.", "LINK-81"),
    _text("sasl.oauthbearer.client.id", None, "Client that asks for tokens.", "LINK-81"),
    _secret("sasl.oauthbearer.client.secret", "Its secret.", "LINK-81"),
    _text("sasl.oauthbearer.scope", None, "Scope that it asks for.", "LINK-81"),
    _secret("ssl.truststore.certificates", "Trusted certificates, PEM in line; preferred.", "LINK-82", check_pem),
    _text("ssl.truststore.location", None, "File of trusted certificates.", "LINK-83"),
    _secret("ssl.truststore.password", "Its password.", "LINK-83"),
    _word(
        "ssl.truststore.type",
        "JKS",
        "Its format: PEM or PKCS12; JKS cannot be read.",
        "LINK-83",
        ("JKS", "PEM", "PKCS12"),
    ),
    _secret("ssl.keystore.certificate.chain", "Own certificates, PEM in line, for mutual TLS.", "LINK-84", check_pem),
    _secret("ssl.keystore.key", "Own private key, PEM in line.", "LINK-84", check_pem),
    _text("ssl.keystore.location", None, "File of the own certificate and key.", "LINK-85"),
    _secret("ssl.keystore.password", "Its password.", "LINK-85"),
    _word(
        "ssl.keystore.type",
        "JKS",
        "Its format: PEM or PKCS12; JKS cannot be read.",
        "LINK-85",
        ("JKS", "PEM", "PKCS12"),
    ),
    _secret("ssl.key.password", "Password of the private key.", "LINK-86"),
    _word(
        "ssl.endpoint.identification.algorithm",
        "https",
        "Whether the certificate must name the host; empty: it need not.",
        "LINK-87",
        ("https", ""),
    ),
    Property("ssl.enabled.protocols", Type.LIST, "TLSv1.2,TLSv1.3", "TLS versions that may be used.", "LINK-88"),
    _text("ssl.protocol", "TLSv1.3", "TLS version that is tried first.", "LINK-88"),
    Property("ssl.cipher.suites", Type.LIST, None, "Cipher suites that may be used.", "LINK-89"),
    _ignored("ssl.provider", None),
    _ignored("ssl.keymanager.algorithm", "SunX509"),
    _ignored("ssl.trustmanager.algorithm", "PKIX"),
    _refused("ssl.engine.factory.class", "LINK-90"),
)

LOCAL_SECURITY = tuple(replace(row, name=LOCAL + row.name, modes=DIALLING_BACK) for row in SECURITY)
"""The same for the own cluster (MODE-40..42); their sentences speak of it."""
