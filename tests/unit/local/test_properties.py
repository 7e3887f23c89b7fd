"""Server and client properties follow from the options alone."""

from __future__ import annotations

import pytest

from pipeline.local.certificates import Authority
from pipeline.local.options import ClusterOptions, Mechanism, Protocol
from pipeline.local.properties import (
    CONTROLLER,
    Place,
    Secrets,
    client_properties,
    controllers,
    listener_names,
    server_properties,
    to_text,
)

NO_SECRETS = Secrets("own-password", None)
USERS = {"admin": "admin-secret", "alice": "alice-secret"}


def properties_of(options: ClusterOptions, secrets: Secrets = NO_SECRETS, node_id: int = 1) -> dict[str, str]:
    places = [
        Place(n, "0.0.0.0", f"peer-{n}", "127.0.0.1", dict(_ports(options, n)), f"/data-{n}")
        for n in range(1, 1 + options.brokers)
    ]
    return server_properties(options, places[node_id - 1], places, secrets)


def _ports(options: ClusterOptions, node_id: int) -> list[tuple[str, int]]:
    return [(name, 1000 * node_id + position) for position, name in enumerate(listener_names(options, node_id))]


def test_one_broker_is_its_own_controller() -> None:
    properties = properties_of(ClusterOptions())
    assert properties["process.roles"] == "broker,controller"
    assert properties["controller.quorum.voters"] == "1@peer-1:1000"
    assert properties["advertised.listeners"] == "INTERNAL://peer-1:1001,PLAINTEXT://127.0.0.1:1002"
    assert properties["offsets.topic.replication.factor"] == "1"


@pytest.mark.parametrize(("brokers", "voters"), [(1, 1), (2, 1), (3, 3), (5, 3)])
def test_an_odd_number_of_brokers_votes(brokers: int, voters: int) -> None:
    assert len(controllers(ClusterOptions(brokers=brokers))) == voters


def test_a_broker_that_does_not_vote_has_no_controller_listener() -> None:
    properties = properties_of(ClusterOptions(brokers=4), node_id=4)
    assert properties["process.roles"] == "broker"
    assert f"{CONTROLLER}:" not in properties["listeners"]
    assert properties["controller.quorum.voters"].count("@") == 3


def test_properties_of_the_options_win() -> None:
    assert properties_of(ClusterOptions(properties={"log.dirs": "/mine"}))["log.dirs"] == "/mine"


def test_anonymous_clients_get_no_rights_from_the_brokers_own_traffic() -> None:
    options = ClusterOptions(
        protocols=(Protocol.SASL_PLAINTEXT, Protocol.PLAINTEXT), users=USERS, super_users=("admin",)
    )
    properties = properties_of(options)
    assert properties["super.users"] == "User:broker;User:admin"
    assert "INTERNAL:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT" in properties["listener.security.protocol.map"]
    jaas = properties["listener.name.sasl_plaintext.plain.sasl.jaas.config"]
    assert 'user_alice="alice-secret"' in jaas
    assert "own-password" not in jaas


def test_tls_is_in_line_and_on_one_line_of_the_file() -> None:
    keys = Authority().issue("broker", ("localhost", "127.0.0.1"))
    properties = properties_of(ClusterOptions(protocols=(Protocol.SSL,)), Secrets("", keys))
    written = next(line for line in to_text(properties).splitlines() if line.startswith("ssl.keystore.key="))
    assert written.startswith("ssl.keystore.key=-----BEGIN PRIVATE KEY-----\\n")
    assert written.endswith("-----END PRIVATE KEY-----\\n")


def test_clients_are_told_what_they_need_under_kafkas_names() -> None:
    told = client_properties(
        "h:1", Protocol.SASL_SSL, ("alice", "alice-secret"), Mechanism.SCRAM_SHA_512, trusted="PEM"
    )
    assert told == {
        "bootstrap.servers": "h:1",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required "
        'username="alice" password="alice-secret";',
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": "PEM",
    }


def test_a_sasl_client_without_a_user_is_an_error() -> None:
    with pytest.raises(ValueError, match="needs a user"):
        client_properties("h:1", Protocol.SASL_PLAINTEXT)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"brokers": 0}, "at least one broker"),
        ({"protocols": ()}, "without a listener"),
        ({"protocols": (Protocol.SASL_PLAINTEXT,)}, "go together"),
        ({"users": USERS}, "go together"),
        ({"protocols": (Protocol.SASL_SSL,), "users": {"broker": "x"}}, "brokers' own"),
        ({"protocols": (Protocol.SASL_SSL,), "users": USERS, "super_users": ("bob",)}, "bob"),
    ],
)
def test_options_that_do_not_fit_are_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ClusterOptions(**wrong)  # type: ignore[arg-type]
