"""Kafka's client properties (LINK-50..58, LINK-70..90), turned into arguments for the client libraries.

This is the one place that knows how a property name becomes a keyword of aiokafka or of kafka-python, so that the
data path, administration, verification and the command line all mean the same by the same properties (SEC-20).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.cluster import jaas
from pipeline.cluster.errors import SecurityError

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI")


@dataclass(frozen=True)
class ClientSecurity:
    """How to reach a cluster and who to be there. Secrets stay out of its ``repr`` (SEC-34)."""

    bootstrap: tuple[str, ...]
    """``host:port`` of the bootstrap servers (LINK-50)."""
    protocol: str = "PLAINTEXT"
    mechanism: str = "GSSAPI"
    username: str = ""
    password: str = field(default="", repr=False)
    request_timeout_ms: int = 30_000
    api_timeout_ms: int = 60_000
    retry_backoff_ms: int = 100
    reconnect_backoff_ms: int = 50
    reconnect_backoff_max_ms: int = 1_000
    connect_timeout_ms: int = 10_000
    connect_timeout_max_ms: int = 30_000
    idle_ms: int = 600_000
    metadata_max_age_ms: int = 300_000
    dns_lookup: str = "use_all_dns_ips"

    @property
    def ssl_context(self) -> ssl.SSLContext | None:
        return None

    def connection(self) -> dict[str, Any]:
        """Arguments of one aiokafka connection: protocol, TLS and SASL."""
        arguments: dict[str, Any] = {"security_protocol": self.protocol, "ssl_context": self.ssl_context}
        if self.protocol.startswith("SASL_"):
            arguments |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return arguments

    def aiokafka(self) -> dict[str, Any]:
        """Keyword arguments for AIOKafkaClient, AIOKafkaConsumer and AIOKafkaProducer."""
        return self.connection() | {
            "bootstrap_servers": list(self.bootstrap),
            "request_timeout_ms": self.request_timeout_ms,
            "retry_backoff_ms": self.retry_backoff_ms,
            "metadata_max_age_ms": self.metadata_max_age_ms,
            "connections_max_idle_ms": self.idle_ms,
        }

    def kafka_python(self) -> dict[str, Any]:
        """Keyword arguments for kafka-python's KafkaAdminClient, KafkaConsumer and KafkaProducer."""
        return self.aiokafka() | {
            "reconnect_backoff_ms": self.reconnect_backoff_ms,
            "reconnect_backoff_max_ms": self.reconnect_backoff_max_ms,
        }


def client_arguments(configs: Mapping[str, str], head: str = "") -> ClientSecurity:
    """Read the properties, each with ``head`` (``local.`` or nothing) before its name. Raises SecurityError."""

    def get(name: str) -> str | None:
        return configs.get(head + name)

    bootstrap = tuple(
        part.strip().rsplit("://", 1)[-1] for part in (get("bootstrap.servers") or "").split(",") if part.strip()
    )
    if not bootstrap:
        raise SecurityError(head + "bootstrap.servers", "is required")
    protocol = (get("security.protocol") or "PLAINTEXT").upper()
    if protocol not in PROTOCOLS:
        raise SecurityError(head + "security.protocol", f"must be one of {', '.join(PROTOCOLS)}")
    if not protocol.startswith("SASL_"):
        return ClientSecurity(bootstrap, protocol)
    mechanism = (get("sasl.mechanism") or "GSSAPI").upper()
    if mechanism not in MECHANISMS:
        raise SecurityError(head + "sasl.mechanism", f"must be one of {', '.join(MECHANISMS)}")
    login = jaas.parse(get("sasl.jaas.config") or "", head + "sasl.jaas.config")
    return ClientSecurity(
        bootstrap, protocol, mechanism, login.options.get("username", ""), login.options.get("password", "")
    )
