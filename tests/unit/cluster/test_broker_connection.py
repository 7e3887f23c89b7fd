"""What we mend in aiokafka's connection: logs, and the Kerberos exchange with credentials of the link's own."""

from __future__ import annotations

import logging
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import errors
from aiokafka.conn import AIOKafkaConnection, SaslGSSAPIAuthenticator
from kafka.protocol.sasl import SaslAuthenticateResponse, SaslHandshakeResponse

from pipeline.cluster.broker_connection import BrokerConnection
from pipeline.cluster.errors import NotAuthenticated
from pipeline.cluster.kerberos import Kerberos
from pipeline.cluster.tickets import Service
from tests.unit.cluster.fake_broker import SASL_HANDSHAKE, FakeBroker

SASL_AUTHENTICATE = 36
PASSWORD = "hush-hush-hush"


def accepting(mechanism: str, *answers: bytes) -> FakeBroker:
    """A broker that takes any credential, answering each step of the exchange with the next of these."""
    broker = FakeBroker()
    broker.versions |= {SASL_HANDSHAKE: (0, 1), SASL_AUTHENTICATE: (0, 1)}
    broker.answers[SASL_HANDSHAKE] = lambda *_: SaslHandshakeResponse(error_code=0, mechanisms=[mechanism])
    left = list(answers)
    broker.answers[SASL_AUTHENTICATE] = lambda *_: SaslAuthenticateResponse(
        error_code=0, error_message=None, auth_bytes=left.pop(0), session_lifetime_ms=0
    )
    return broker


async def test_the_debug_log_has_no_password(caplog: pytest.LogCaptureFixture) -> None:
    """SEC-34: aiokafka logs every request as it sends it, the login too."""
    caplog.set_level(logging.DEBUG, logger="aiokafka.conn")
    async with accepting("PLAIN", b"") as broker:
        connection = BrokerConnection(
            "127.0.0.1",
            broker.port,
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="PLAIN",
            sasl_plain_username="alice",
            sasl_plain_password=PASSWORD,
        )
        await connection.connect()
        await connection.close()
    assert broker.requests.count(SASL_AUTHENTICATE) == 1
    assert "Authenticated as alice" in caplog.text, "what is above that level is logged as ever"
    assert PASSWORD not in caplog.text


class FakeContext:
    """Two tokens from us, one between them and one after them from the broker."""

    def __init__(self, name: Any, creds: Any, usage: str) -> None:
        assert usage == "initiate"
        self.creds = creds
        self.complete = False

    def step(self, answer: bytes | None) -> bytes | None:
        self.complete = answer is not None
        return b"second" if self.complete else b"first"

    def unwrap(self, answer: bytes) -> Any:
        assert answer == b"offer"
        return SimpleNamespace(message=b"\x07\x00\x10\x00")

    def wrap(self, message: bytes, encrypt: bool) -> Any:
        assert not encrypt
        return SimpleNamespace(message=b"wrapped:" + message)


class GSSError(Exception):
    """As gssapi's."""


@pytest.fixture
def asked_for(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The credentials that were asked for, of a library that is not there."""
    asked: list[dict[str, Any]] = []

    class Name(str):
        def __new__(cls, text: str, name_type: object = None) -> Name:
            return super().__new__(cls, text)

        def canonicalize(self, _: object) -> Name:
            return self

    def credentials(**arguments: Any) -> object:
        asked.append(arguments)
        if arguments.get("store", {}).get("client_keytab") == "FILE:/bad":
            raise GSSError("no key for it in the keytab")
        return object()

    library = SimpleNamespace(
        Name=Name,
        NameType=SimpleNamespace(hostbased_service=1, kerberos_principal=2),
        MechType=SimpleNamespace(kerberos=1),
        Credentials=credentials,
        SecurityContext=FakeContext,
        exceptions=SimpleNamespace(GSSError=GSSError),
    )
    monkeypatch.setitem(sys.modules, "gssapi", library)
    return asked


def test_the_kerberos_exchange(asked_for: list[dict[str, Any]]) -> None:
    """RFC 4752: tokens until the context stands, then the choice of no further protection, and who we are."""
    steps = Kerberos("kafka", "link@R", "/keys").exchange("broker.example")
    assert next(steps) == (b"first", True)
    assert steps.send(b"between") == (b"second", True)
    assert steps.send(b"offer") == (b"wrapped:\x01\x00\x10\x00kafka@broker.example", True)
    with pytest.raises(StopIteration):
        steps.send(b"")
    assert asked_for == [
        {
            "name": "link@R",
            "usage": "initiate",
            "store": {"client_keytab": "FILE:/keys", "ccache": "MEMORY:clusterlink-link@R"},
        }
    ]


def test_tickets_from_a_cache_or_from_the_default(asked_for: list[dict[str, Any]]) -> None:
    next(Kerberos(ticket_cache="/tickets").exchange("b"))
    next(Kerberos().exchange("b"))
    assert asked_for == [
        {"name": None, "usage": "initiate", "store": {"ccache": "FILE:/tickets"}},
        {"name": None, "usage": "initiate"},
    ]


def test_what_kerberos_refuses_is_an_authentication_error(asked_for: list[dict[str, Any]]) -> None:
    with pytest.raises(NotAuthenticated, match="link@R: no key"):
        next(Kerberos("kafka", "link@R", "/bad").exchange("b"))


async def test_every_connection_of_aiokafkas_asks_with_the_links_credentials(
    asked_for: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Consumers, producers and Faust dial by themselves, and take errors of aiokafka's only (LINK-76)."""
    monkeypatch.setattr("aiokafka.conn.gssapi", sys.modules["gssapi"])

    def login(service: str) -> Any:
        given: dict[str, Any] = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "GSSAPI"}
        return AIOKafkaConnection("b", 1, sasl_kerberos_service_name=service, **given).authenticator_gssapi()

    assert await login(Service(Kerberos("kafka", "link@R", "/keys"))).step(None) == (b"first", True)
    assert [each["name"] for each in asked_for] == ["link@R"]
    with pytest.raises(errors.AuthenticationFailedError, match="link@R: no key"):
        await login(Service(Kerberos("kafka", "link@R", "/bad"))).step(None)
    assert isinstance(login("kafka"), SaslGSSAPIAuthenticator), "whoever gives no credentials has the process's"
