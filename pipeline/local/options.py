"""What a cluster can be asked to be. Everything not named here stays as Kafka ships it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from pipeline.local.kafka_home import VERSION

BROKER_USER = "broker"
"""Who the brokers are to each other where a cluster has users; always a super user."""


QUICK_FENCING = {"broker.session.timeout.ms": "3000", "broker.heartbeat.interval.ms": "500"}
"""For tests that kill brokers: 3 s instead of 9 s until the others see it, and until the controller lets it come back
(it refuses a second life while the first has a session)."""


class Protocol(Enum):
    """How clients may connect; the value is Kafka's security.protocol. Each has a listener of its own."""

    PLAINTEXT = "PLAINTEXT"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SSL = "SSL"
    SASL_SSL = "SASL_SSL"

    @property
    def is_sasl(self) -> bool:
        return self.value.startswith("SASL")

    @property
    def is_tls(self) -> bool:
        return self.value.endswith("SSL")


class Mechanism(Enum):
    """How a user proves who it is; every user of a cluster may use each."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class Jit(Enum):
    """What the Java compiler is to be good at."""

    START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData")
    """Ready soon, with little CPU: tests and the demo."""
    SPEED = ("-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35")
    """Fast once warm, as Kafka's own scripts set it: benchmarks."""


@dataclass(frozen=True)
class ClusterOptions:
    """A cluster to be. `ValueError` where the parts do not fit each other."""

    version: str = VERSION
    brokers: int = 1
    properties: Mapping[str, str] = field(default_factory=dict)
    """Further server properties, the same for each broker; they win over ours."""
    protocols: tuple[Protocol, ...] = (Protocol.PLAINTEXT,)
    """One listener each; the first one is what `bootstrap_servers` means."""
    users: Mapping[str, str] = field(default_factory=dict)
    """Password by name, for PLAIN and SCRAM alike."""
    super_users: tuple[str, ...] = ()
    """Users that no ACL binds. Naming one, or setting `has_authorizer`, turns StandardAuthorizer on."""
    has_authorizer: bool = False
    client_certificates: str = "none"
    """Kafka's ssl.client.auth: none, requested or required."""
    heap_mb: int = 512
    jit: Jit = Jit.START
    java_properties: Mapping[str, str] = field(default_factory=dict)
    """Java's system properties of the brokers; what some security settings of Kafka can be told by only."""

    def __post_init__(self) -> None:
        if self.brokers < 1:
            raise ValueError(f"a cluster has at least one broker, not {self.brokers}")
        if not self.protocols:
            raise ValueError("a cluster without a listener cannot be reached")
        if any(p.is_sasl for p in self.protocols) != bool(self.users):
            raise ValueError("users and a SASL listener go together")
        if BROKER_USER in self.users:
            raise ValueError(f"the user {BROKER_USER} is the brokers' own")
        if unknown := set(self.super_users) - set(self.users):
            raise ValueError(f"super users that are no users: {', '.join(sorted(unknown))}")

    @property
    def java_definitions(self) -> tuple[str, ...]:
        """The system properties as Java takes them."""
        return tuple(f"-D{name}={value}" for name, value in self.java_properties.items())

    @property
    def is_authorized(self) -> bool:
        """Whether ACLs are in force."""
        return self.has_authorizer or bool(self.super_users)

    @property
    def is_tls(self) -> bool:
        return any(p.is_tls for p in self.protocols)
