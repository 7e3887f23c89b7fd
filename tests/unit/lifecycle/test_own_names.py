"""Who dials tries out by which name the other cluster knows him (MODE-43)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.cluster.admin import Admin
from pipeline.cluster.errors import SECURITY_DISABLED, ClusterError, KafkaFailure
from pipeline.cluster.security import ClientSecurity, client_arguments
from pipeline.lifecycle.own_names import OwnNames, likely
from pipeline.local.certificates import Authority
from tests.unit.lifecycle.test_guarding import ALICE, Own

LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
TOKEN = {
    "sasl.mechanism": "OAUTHBEARER",
    "sasl.oauthbearer.token.endpoint.url": "http://issuer/token",
    "sasl.oauthbearer.client.id": "worker",
    "sasl.oauthbearer.client.secret": "s",
}
PASSWORD = {"sasl.mechanism": "PLAIN", "sasl.jaas.config": f"{LOGIN} username='worker' password='p';"}


def security(**configs: str) -> ClientSecurity:
    protocol = "SASL_PLAINTEXT" if "sasl.mechanism" in configs else "PLAINTEXT"
    return client_arguments({"bootstrap.servers": "b:1", "security.protocol": protocol} | configs)


def certified(name: str) -> ClientSecurity:
    keys = Authority().issue(name, organization="Example")
    given = {
        "bootstrap.servers": "b:1",
        "security.protocol": "SSL",
        "ssl.truststore.certificates": keys.authority,
        "ssl.keystore.certificate.chain": keys.certificate,
        "ssl.keystore.key": keys.key,
    }
    return client_arguments(given)


async def known_as(own: Own, how: ClientSecurity, names: OwnNames | None = None) -> tuple[tuple[str, ...], bool]:
    cast(Any, own).client = SimpleNamespace(security=how)
    return await (names or OwnNames("l")).known_as(cast(Admin, own), "app")


@pytest.mark.parametrize("how", [security(**TOKEN), security(**PASSWORD), certified("worker")])
async def test_the_name_whose_denial_hits_is_ours(how: ClientSecurity) -> None:
    """The broker knows him as User:worker, whatever he logs in by."""
    own = Own(ALICE)
    assert await known_as(own, how) == (("User:worker",), True)
    assert not own.guards() and not [acl for acl in own.acls if acl.permission == "DENY"], "nothing is left of the try"


async def test_a_super_user_is_hit_by_none_so_any_will_do() -> None:
    assert await known_as(Own(is_super=True), security(**TOKEN)) == (("User:worker",), True)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        (security(**TOKEN | {"sasl.oauthbearer.client.id": "someone"}), ()),
        (certified("someone"), ("User:CN=someone,O=Example",)),
        (security(), ("User:ANONYMOUS",)),
    ],
)
async def test_where_none_hits_there_is_only_what_the_credential_tells(
    how: ClientSecurity, told: tuple[str, ...]
) -> None:
    assert await known_as(Own(), how) == (told, False)


async def test_where_it_may_not_be_tried_it_is_not_tried_all_the_time() -> None:
    refusal: ClusterError = KafkaFailure(SECURITY_DISABLED, "")
    own, names = Own(refusal=refusal), OwnNames("l")
    assert await known_as(own, security(**PASSWORD), names) == (("User:worker",), False)
    own.refusal = None
    assert await known_as(own, security(**PASSWORD), names) == (("User:worker",), False)
    names._again_at = 0.0
    assert await known_as(own, security(**PASSWORD), names) == (("User:worker",), True)


def test_likely_names() -> None:
    assert likely(certified("worker")) == {"User:CN=worker,O=Example", "User:worker"}
    sasl = SimpleNamespace(username="", tokens=None, kerberos=SimpleNamespace(principal="svc/host@REALM"))
    ticket = cast(ClientSecurity, SimpleNamespace(sasl=sasl, tls=None))
    assert likely(ticket) == {"User:svc/host@REALM", "User:svc/host", "User:svc"}
