"""Kafka's client properties (LINK-50..58, LINK-70..90), turned into arguments for the client libraries.

This is the one place that knows how a property name becomes a keyword of aiokafka or of kafka-python, so that the
data path, administration, verification and the command line all mean the same by the same properties (SEC-20).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.cluster.kerberos import Kerberos
from pipeline.cluster.oauth import AioTokens, SyncTokens, TokenSource
from pipeline.cluster.properties import Properties
from pipeline.cluster.sasl import Sasl, read_sasl
from pipeline.cluster.tickets import Service
from pipeline.cluster.tls import TlsContext
from pipeline.cluster.tls_properties import read_tls

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
DNS_LOOKUPS = ("use_all_dns_ips", "resolve_canonical_bootstrap_servers_only")


@dataclass(frozen=True)
class ClientSecurity:
    """How to reach a cluster and who to be there. Secrets stay out of its ``repr`` (SEC-34)."""

    bootstrap: tuple[str, ...]
    """``host:port`` of the bootstrap servers (LINK-50)."""
    protocol: str = "PLAINTEXT"
    sasl: Sasl | None = None
    tls: TlsContext | None = field(default=None, repr=False)
    request_timeout_ms: int = 30_000
    api_timeout_ms: int = 60_000
    """For one administrative operation with its repetitions (``default.api.timeout.ms``)."""
    retry_backoff_ms: int = 100
    reconnect_backoff_ms: int = 50
    reconnect_backoff_max_ms: int = 1_000
    connect_timeout_ms: int = 10_000
    """For a connection to be made and ready: TCP, TLS, versions and login (LINK-58)."""
    connect_timeout_max_ms: int = 30_000
    idle_ms: int = 600_000
    """-1: an idle connection stays open (LINK-53)."""
    metadata_max_age_ms: int = 300_000
    dns_lookup: str = "use_all_dns_ips"
    receive_buffer_bytes: int = -1
    """Of each connection's socket; -1 leaves it to the system (LINK-66)."""

    @property
    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS context, built again when a file behind it has changed. Raises SecurityError, FileMissing."""
        return self.tls.current() if self.tls is not None else None

    @property
    def kerberos(self) -> Kerberos | None:
        return self.sasl.kerberos if self.sasl is not None else None

    def connection(self) -> dict[str, Any]:
        """Arguments of one aiokafka connection: protocol, TLS and SASL."""
        arguments = self._common()
        if self.sasl is not None and self.sasl.tokens is not None:
            arguments["sasl_oauth_token_provider"] = AioTokens(self.sasl.tokens)
        return arguments

    def aiokafka(self) -> dict[str, Any]:
        """Keyword arguments for AIOKafkaClient, AIOKafkaConsumer and AIOKafkaProducer."""
        timing = self._timing()
        if self.idle_ms < 1:
            timing["connections_max_idle_ms"] = None  # aiokafka would take -1 for a time that has passed
        return self.connection() | timing

    def kafka_python(self) -> dict[str, Any]:
        """Keyword arguments for kafka-python's KafkaAdminClient, KafkaConsumer and KafkaProducer."""
        arguments = self._common() | self._timing()
        if self.sasl is not None and self.sasl.tokens is not None:
            arguments["sasl_oauth_token_provider"] = SyncTokens(self.sasl.tokens)
        return arguments | {
            "reconnect_backoff_ms": self.reconnect_backoff_ms,
            "reconnect_backoff_max_ms": self.reconnect_backoff_max_ms,
            "client_dns_lookup": self.dns_lookup,
        }

    def _common(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {"security_protocol": self.protocol, "ssl_context": self.ssl_context}
        if self.sasl is not None:
            arguments["sasl_mechanism"] = self.sasl.mechanism
            if self.sasl.kerberos is not None:
                arguments["sasl_kerberos_service_name"] = Service(self.sasl.kerberos)
            elif self.sasl.tokens is None:
                arguments |= {"sasl_plain_username": self.sasl.username, "sasl_plain_password": self.sasl.password}
        return arguments

    def _timing(self) -> dict[str, Any]:
        return {
            "bootstrap_servers": list(self.bootstrap),
            "request_timeout_ms": self.request_timeout_ms,
            "retry_backoff_ms": self.retry_backoff_ms,
            "metadata_max_age_ms": self.metadata_max_age_ms,
            "connections_max_idle_ms": self.idle_ms,
        }


def client_arguments(configs: Mapping[str, str], head: str = "") -> ClientSecurity:
    """Read the properties; with ``head`` (``local.``) those of the own cluster (LINK-70, MODE-40).

    The timing properties have no ``local.`` form, so the link's own count for both sides. Raises SecurityError, which
    names the property at fault and never its value where that may be secret. Key and trust files are read.
    """
    own = Properties(configs, head)
    both = Properties(configs, "")
    protocol = own.one_of("security.protocol", PROTOCOLS, "PLAINTEXT")
    tls = TlsContext(read_tls(own)) if protocol.endswith("SSL") else None
    sasl = read_sasl(own, tls) if protocol.startswith("SASL_") else None
    security = ClientSecurity(
        bootstrap=_bootstrap(own),
        protocol=protocol,
        sasl=sasl,
        tls=tls,
        request_timeout_ms=both.number("request.timeout.ms", 30_000, least=1),
        api_timeout_ms=both.number("default.api.timeout.ms", 60_000, least=1),
        retry_backoff_ms=both.number("retry.backoff.ms", 100),
        reconnect_backoff_ms=both.number("reconnect.backoff.ms", 50),
        reconnect_backoff_max_ms=both.number("reconnect.backoff.max.ms", 1_000),
        connect_timeout_ms=both.number("socket.connection.setup.timeout.ms", 10_000, least=1),
        connect_timeout_max_ms=both.number("socket.connection.setup.timeout.max.ms", 30_000, least=1),
        idle_ms=both.number("connections.max.idle.ms", 600_000, least=-1),
        metadata_max_age_ms=both.number("metadata.max.age.ms", 300_000, least=1),
        dns_lookup=both.one_of("client.dns.lookup", DNS_LOOKUPS, DNS_LOOKUPS[0], upper=False),
        receive_buffer_bytes=both.number("replica.socket.receive.buffer.bytes", -1, least=-1),
    )
    _ = security.ssl_context  # what is wrong with keys and certificates is better said now
    return security


def _bootstrap(properties: Properties) -> tuple[str, ...]:
    """``bootstrap.servers`` without the ``PROTOCOL://`` heads that some put before each (LINK-50)."""
    parts = [part.strip() for part in (properties.get("bootstrap.servers") or "").split(",")]
    servers = tuple(part.rsplit("://", 1)[-1] for part in parts if part)
    if not servers:
        raise properties.refused("bootstrap.servers", "is required")
    return servers


__all__ = ["ClientSecurity", "TokenSource", "client_arguments"]
