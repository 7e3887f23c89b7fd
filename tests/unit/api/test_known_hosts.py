"""Without authentication nothing is answered under a name that may be somebody else's (REST-95)."""

from __future__ import annotations

import pytest

from pipeline.api.authentication import Authentication, Credential, Method, Role
from pipeline.api.endpoint import authentication
from pipeline.api.known_hosts import is_known, read_hosts
from pipeline.settings import load
from tests.unit.api.calls import LINKS, error_of
from tests.unit.api.serving import Client, Serve

OURS = (
    "127.0.0.1:8090",
    "10.1.2.3",
    "[::1]:8090",
    "[fd00::1]",
    "localhost:8090",
    "worker-1",
    "a.localhost",
    "nas.local:8090",
    "vm.zone.c.project.internal",
    "clusterlink.kafka.svc:8090",
    "clusterlink-0.clusterlink.kafka.svc.cluster.local",
)
STRANGE = (
    "evil.example:8090",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "xlocal.com",
    "svc.com",
    "",
    ":8090",
)


@pytest.mark.parametrize("host", OURS)
def test_addresses_and_private_names_are_ours(host: str) -> None:
    assert is_known(host, ())


@pytest.mark.parametrize("host", STRANGE)
def test_others_may_be_somebody_elses(host: str) -> None:
    assert not is_known(host, ())


def test_names_can_be_made_known() -> None:
    known = read_hosts("Links.example.org , .kafka.example.org")
    assert is_known("links.example.org:443", known) and is_known("LINKS.example.org.", known)
    assert is_known("b1.kafka.example.org:8090", known)
    assert not is_known("example.org", known) and not is_known("kafka.example.org", known)
    assert not is_known("evilkafka.example.org", known)
    assert is_known("evil.example", read_hosts("*"))


@pytest.mark.parametrize("path", [LINKS, f"{LINKS}/east", "/kafka/v3/clusters", "/kafka/v3/nowhere"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_rebound_name_gets_nothing(client: Client, method: str, path: str) -> None:
    headers = {"Host": "evil.example:8090", "Origin": "http://evil.example:8090", "X-Forwarded-Host": "localhost"}
    status, code, message = await error_of(await client.request(method, path, headers=headers))
    assert (status, code) == (403, 40301)
    assert "evil.example:8090" in message and "CLUSTERLINK_REST_ALLOWED_HOSTS" in message


async def test_names_of_the_setting_are_answered(serve: Serve) -> None:
    settings = load({"CLUSTERLINK_BOOTSTRAP_SERVERS": "a:1", "CLUSTERLINK_REST_ALLOWED_HOSTS": "links.example.org"})
    client = await serve(authentication(settings))
    for host, status in (("links.example.org", 200), ("evil.example", 403)):
        assert (await client.get(LINKS, headers={"Host": host})).status == status


async def test_who_has_to_prove_a_name_may_call_by_any(serve: Serve) -> None:
    client = await serve(Authentication((Credential.of(Method.BEARER, "ops", Role.OPERATOR, "t0ken"),)))
    headers = {"Host": "links.example.org", "Authorization": "Bearer t0ken"}
    assert (await client.get(LINKS, headers=headers)).status == 200
