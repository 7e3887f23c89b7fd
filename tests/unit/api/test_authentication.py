"""REST-95, REST-73, REST-74: who gets in, and what they may do."""

from __future__ import annotations

import base64

import pytest

from pipeline.api.authentication import Authentication, Credential, Method, Principal, Role, read_authentication
from tests.unit.api.calls import BASE, LINKS, error_of
from tests.unit.api.conftest import Serve
from tests.unit.api.fake_plane import FakePlane

ALICE = Credential.of(Method.BASIC, "alice", Role.OPERATOR, "wonder:land")
BOB = Credential.of(Method.BEARER, "bob", Role.READER, "t0ken")
OPS = Credential.of(Method.CERTIFICATE, "CN=ops", Role.OPERATOR)
EVERY_METHOD = Authentication((ALICE, BOB, OPS))
SUBJECT = ((("countryName", "DE"),), (("organizationName", "Example"),), (("commonName", "ops"),))


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Basic /w==",
        _basic("alice"),
        _basic("alice:wrong"),
        _basic("alice:"),
        _basic("mallory:wonder:land"),
        _basic(":"),
        "Bearer",
        "Bearer wrong",
        "Bearer t0ken2",
        "Bearer wonder:land",
        "Digest alice",
        "t0ken",
        "Basic " + "A" * 5000,
        "Bearer \u00e4",
    ],
)
def test_wrong_proofs_are_nobody(header: str | None) -> None:
    assert EVERY_METHOD.recognise(header, None) is None


@pytest.mark.parametrize(
    "header, principal",
    [
        (_basic("alice:wonder:land"), Principal("User:alice", Role.OPERATOR)),
        (_basic("alice:wonder:land").replace("Basic", "basic"), Principal("User:alice", Role.OPERATOR)),
        ("Bearer t0ken", Principal("User:bob", Role.READER)),
        ("bearer  t0ken ", Principal("User:bob", Role.READER)),
    ],
)
def test_right_proofs(header: str, principal: Principal) -> None:
    assert EVERY_METHOD.recognise(header, None) == principal


def test_certificates_by_name_or_whole_subject() -> None:
    whole = Authentication((Credential.of(Method.CERTIFICATE, "CN=ops,O=Example,C=DE", Role.READER),))
    for authentication, role in ((EVERY_METHOD, Role.OPERATOR), (whole, Role.READER)):
        assert authentication.recognise(None, {"subject": SUBJECT}) == Principal("User:CN=ops,O=Example,C=DE", role)
    assert EVERY_METHOD.recognise(None, {"subject": ((("commonName", "ops2"),),)}) is None
    assert EVERY_METHOD.recognise(None, {}) is None
    assert EVERY_METHOD.recognise("Bearer wrong", {"subject": SUBJECT}) is None


def test_a_common_name_cannot_be_smuggled_into_another_part() -> None:
    subject = ((("organizationName", "x,CN=ops"),), (("commonName", "mallory"),))
    assert EVERY_METHOD.recognise(None, {"subject": subject}) is None
    forged = ((("commonName", "mallory,CN=ops"),),)
    assert EVERY_METHOD.recognise(None, {"subject": forged}) is None
    whole = Authentication((Credential.of(Method.CERTIFICATE, "CN=ops,O=Example,C=DE", Role.READER),))
    assert whole.recognise(None, {"subject": ((("commonName", "ops,O=Example,C=DE"),),)}) is None


def test_secrets_stay_out_of_reprs() -> None:
    for secret in ("wonder", "t0ken"):
        assert secret not in repr(EVERY_METHOD)


async def test_nobody_sees_anything(serve: Serve, plane: FakePlane) -> None:
    """Unknown paths included: 401 comes before 404."""
    client = await serve(EVERY_METHOD)
    for method, path in (("GET", LINKS), ("POST", LINKS), ("GET", "/kafka/v3/nothing"), ("PATCH", BASE)):
        response = await client.request(method, path)
        assert await error_of(response) == (401, 40101, "Authentication failed")
        assert response.headers["WWW-Authenticate"].startswith("Basic realm=")


async def test_readers_read_and_operators_change(serve: Serve, plane: FakePlane) -> None:
    client = await serve(EVERY_METHOD)
    reader = {"Authorization": "Bearer t0ken"}
    assert (await client.get(LINKS, headers=reader)).status == 200
    for method, path in (
        ("POST", f"{LINKS}?link_name=e"),
        ("DELETE", f"{LINKS}/e"),
        ("PUT", f"{LINKS}/e/configs:alter"),
    ):
        answer = await error_of(await client.request(method, path, json={}, headers=reader))
        assert answer == (403, 40301, "Request is not authorized")
    assert not plane.commands
    alice = {"Authorization": _basic("alice:wonder:land")}
    assert (await client.post(f"{LINKS}?link_name=e", json={}, headers=alice)).status == 204
    assert plane.commands[0].principal == "User:alice"


async def test_no_authentication_by_choice(serve: Serve, plane: FakePlane) -> None:
    client = await serve(Authentication.off())
    assert (await client.post(f"{LINKS}?link_name=e", json={}, headers={"Authorization": "Bearer x"})).status == 204
    assert plane.commands[0].principal == "User:ANONYMOUS"


async def test_authentication_without_credentials_lets_nobody_in(serve: Serve) -> None:
    client = await serve(Authentication())
    assert (await client.get(LINKS)).status == 401


def test_credentials_file() -> None:
    lines = ["# who may what", "", "operator:alice:wonder:land", " reader:bob:x "]
    basic = read_authentication("basic", lines)
    assert basic.recognise(_basic("alice:wonder:land"), None) == Principal("User:alice", Role.OPERATOR)
    assert basic.recognise(_basic("bob:x"), None) == Principal("User:bob", Role.READER)
    bearer = read_authentication("bearer", lines)
    assert bearer.recognise("Bearer x", None) == Principal("User:bob", Role.READER)
    mtls = read_authentication("mtls", ["operator:CN=ops"])
    found = mtls.recognise(None, {"subject": SUBJECT})
    assert found is not None
    assert found.role is Role.OPERATOR
    assert not read_authentication("none", []).required


@pytest.mark.parametrize(
    "line, complaint",
    [("alice:secret", "must begin"), ("reader:bob", "role:name:secret"), ("reader::x", "empty"), ("x", "begin")],
)
def test_a_bad_credentials_file_is_told_by_line_not_by_content(line: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        read_authentication("basic", ["operator:ok:ok", line])
    assert "line 2" in str(caught.value)
    assert "secret" not in str(caught.value).replace("role:name:secret", "")


def test_an_empty_credentials_file_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody"):
        read_authentication("basic", ["# nobody yet"])
