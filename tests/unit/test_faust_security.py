"""Faust gets the own cluster's credentials by the same properties as every other client (LINK-70..90)."""

from __future__ import annotations

from typing import Any

import faust
import pytest

from pipeline.faust_security import broker_credentials
from pipeline.settings import SettingsError

JAAS = "org.apache.kafka.common.security.{} required username='alice' password='planted-password';"


def made(configs: dict[str, str]) -> Any:
    """The object that `pipeline.app` makes of it."""
    found = broker_credentials({"bootstrap.servers": "a:1", **configs})
    return None if found is None else getattr(faust, found[0])(**found[1])


def test_no_credentials_for_plaintext() -> None:
    assert made({}) is None


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_passwords(mechanism: str, protocol: str) -> None:
    module = "plain.PlainLoginModule" if mechanism == "PLAIN" else "scram.ScramLoginModule"
    given = {"security.protocol": protocol, "sasl.mechanism": mechanism, "sasl.jaas.config": JAAS.format(module)}
    login = made(given)
    assert (login.protocol.value, login.mechanism.value) == (protocol, mechanism)
    assert (login.username, login.password) == ("alice", "planted-password")
    assert "planted-password" not in repr(login)
    assert (login.ssl_context is not None) == (protocol == "SASL_SSL")


def test_tls() -> None:
    login = made({"security.protocol": "SSL"})
    assert (login.protocol.value, login.context is not None) == ("SSL", True)


def test_tokens() -> None:
    login = made(
        {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "OAUTHBEARER",
            "sasl.oauthbearer.token.endpoint.url": "https://idp.example.com/token",
            "sasl.oauthbearer.client.id": "alice",
            "sasl.oauthbearer.client.secret": "planted-password",
        }
    )
    assert (login.protocol.value, login.mechanism.value) == ("SASL_SSL", "OAUTHBEARER")
    assert "planted-password" not in repr(login) + repr(login.oauth_cb)


def test_what_cannot_be_used_is_named() -> None:
    with pytest.raises(SettingsError, match=r"CLUSTERLINK_COMMAND_CONFIG: sasl\.jaas\.config"):
        made({"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"})
