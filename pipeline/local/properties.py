"""Server and client properties of a cluster: a pure function of what was asked for and where each broker is.

Every broker has a listener for its peers (INTERNAL), one for the controllers (CONTROLLER) where it is one, and one for
each protocol that clients may use. Where a cluster has users or ACLs, brokers are authenticated to each other too: if
they came as User:ANONYMOUS, that would have to be a super user, and with it every client without credentials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.local.certificates import KeyPair
from pipeline.local.options import BROKER_USER, ClusterOptions, Mechanism, Protocol

CONTROLLER = "CONTROLLER"
INTERNAL = "INTERNAL"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_MOST_CONTROLLERS = 3


@dataclass(frozen=True)
class Place:
    """Where one broker is. Ports are by listener name, the same inside and outside of a container."""

    node_id: int
    bind_host: str
    peer_host: str
    """How other brokers reach it."""
    client_host: str
    ports: Mapping[str, int]
    data_folder: str


@dataclass(frozen=True)
class Secrets:
    """What a cluster keeps to itself: the brokers' own password and, where it speaks TLS, their key and certificate."""

    broker_password: str
    tls: KeyPair | None


def controllers(options: ClusterOptions) -> range:
    """The node ids that vote: brokers 1 to 3, or 1 alone where there are fewer (two voters could lose neither)."""
    return range(1, 1 + (_MOST_CONTROLLERS if options.brokers >= _MOST_CONTROLLERS else 1))


def listener_names(options: ClusterOptions, node_id: int) -> list[str]:
    """The listeners of a broker; each needs a port."""
    names = [INTERNAL, *(protocol.value for protocol in options.protocols)]
    return [CONTROLLER, *names] if node_id in controllers(options) else names


def server_properties(
    options: ClusterOptions, place: Place, all_places: Sequence[Place], secrets: Secrets
) -> dict[str, str]:
    """The properties of one broker. Internal topics are small and replicated as far as there are brokers."""
    names = listener_names(options, place.node_id)
    replicas = min(3, options.brokers)
    is_guarded = bool(options.users) or options.is_authorized
    inside = Protocol.SASL_PLAINTEXT if is_guarded else Protocol.PLAINTEXT
    protocols = {INTERNAL: inside, CONTROLLER: inside} | {p.value: p for p in options.protocols}
    properties = {
        "process.roles": "broker,controller" if CONTROLLER in names else "broker",
        "node.id": str(place.node_id),
        "controller.quorum.voters": ",".join(
            f"{peer.node_id}@{peer.peer_host}:{peer.ports[CONTROLLER]}"
            for peer in all_places
            if CONTROLLER in peer.ports
        ),
        "controller.listener.names": CONTROLLER,
        "inter.broker.listener.name": INTERNAL,
        "listeners": ",".join(f"{name}://{place.bind_host}:{place.ports[name]}" for name in names),
        "advertised.listeners": ",".join(
            f"{name}://{place.peer_host if name == INTERNAL else place.client_host}:{place.ports[name]}"
            for name in names
            if name != CONTROLLER
        ),
        "listener.security.protocol.map": ",".join(f"{name}:{p.value}" for name, p in protocols.items()),
        "log.dirs": place.data_folder,
        "offsets.topic.replication.factor": str(replicas),
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": str(replicas),
        "transaction.state.log.min.isr": str(max(1, replicas - 1)),
        "transaction.state.log.num.partitions": "4",
        "group.initial.rebalance.delay.ms": "0",
    }
    if is_guarded:
        properties |= _sasl(options, secrets.broker_password)
    if options.is_authorized:
        properties["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
        properties["super.users"] = ";".join(f"User:{user}" for user in (BROKER_USER, *options.super_users))
    if secrets.tls is not None:
        properties |= _tls(options, secrets.tls)
    return properties | dict(options.properties)


def _sasl(options: ClusterOptions, broker_password: str) -> dict[str, str]:
    """PLAIN between brokers; every mechanism for clients. SCRAM users live in the metadata log (see storage.py)."""
    own = f'username="{BROKER_USER}" password="{broker_password}" user_{BROKER_USER}="{broker_password}"'
    known = " ".join(f'user_{user}="{password}"' for user, password in options.users.items())
    properties = {
        "sasl.mechanism.inter.broker.protocol": Mechanism.PLAIN.value,
        "sasl.mechanism.controller.protocol": Mechanism.PLAIN.value,
        "sasl.enabled.mechanisms": ",".join(mechanism.value for mechanism in Mechanism),
    }
    for listener in (INTERNAL, CONTROLLER):
        properties[f"listener.name.{listener.lower()}.sasl.enabled.mechanisms"] = Mechanism.PLAIN.value
        properties[f"listener.name.{listener.lower()}.plain.sasl.jaas.config"] = f"{_PLAIN} required {own};"
    for listener in (p.value for p in options.protocols if p.is_sasl):
        for mechanism in Mechanism:
            jaas = f"{_PLAIN} required {known};" if mechanism is Mechanism.PLAIN else f"{_SCRAM} required;"
            properties[f"listener.name.{listener.lower()}.{mechanism.value.lower()}.sasl.jaas.config"] = jaas
    return properties


def _tls(options: ClusterOptions, keys: KeyPair) -> dict[str, str]:
    """Keys and certificates in line, as PEM (KIP-651): no files, no keytool."""
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.key": keys.key,
        "ssl.keystore.certificate.chain": keys.certificate,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": keys.authority,
        "ssl.client.auth": options.client_certificates,
    }


def client_properties(
    bootstrap_servers: str,
    protocol: Protocol,
    credentials: tuple[str, str] | None = None,
    mechanism: Mechanism = Mechanism.PLAIN,
    trusted: str | None = None,
) -> dict[str, str]:
    """What a client needs, under Kafka's property names: `credentials` are user and password, `trusted` is PEM."""
    properties = {"bootstrap.servers": bootstrap_servers, "security.protocol": protocol.value}
    if protocol.is_sasl:
        if credentials is None:
            raise ValueError(f"a client needs a user to connect by {protocol.value}")
        module = _PLAIN if mechanism is Mechanism.PLAIN else _SCRAM
        user, password = credentials
        properties["sasl.mechanism"] = mechanism.value
        properties["sasl.jaas.config"] = f'{module} required username="{user}" password="{password}";'
    if protocol.is_tls and trusted is not None:
        properties["ssl.truststore.type"] = "PEM"
        properties["ssl.truststore.certificates"] = trusted
    return properties


def to_text(properties: Mapping[str, str]) -> str:
    """The properties as a Java properties file; values may have several lines."""
    escapes = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
    return "".join(f"{name}={value.translate(escapes)}\n" for name, value in properties.items())
