"""The endpoint's settings: files that cannot be used are named before anything starts, their content never shown."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from pipeline.api.authentication import Role
from pipeline.api.endpoint import authentication, rate_limit, tls_context
from pipeline.settings import SettingsError, WorkerSettings, load
from tests.unit.cli.certificates import Authority


def settings(**given: str) -> WorkerSettings:
    rows = {"bootstrap_servers": "a:1", **given}
    return load({f"CLUSTERLINK_{name.upper()}": value for name, value in rows.items()})


def test_http_without_authentication_is_what_one_gets_for_nothing() -> None:
    plain = settings()
    assert tls_context(plain) is None
    everybody = authentication(plain).recognise(None, None)
    assert everybody is not None and everybody.role is Role.OPERATOR
    assert all(rate_limit(plain).wait("one") == 0 for _ in range(1000))


def test_https_with_certificates_of_callers(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("worker")
    given = {"web_certificate_file": own.certificate, "web_key_file": own.key}
    plain, mutual = (
        tls_context(settings(**given, **more)) for more in ({}, {"web_client_authority_file": authority.path})
    )
    assert plain is not None and plain.verify_mode is ssl.CERT_NONE
    assert mutual is not None and mutual.verify_mode is ssl.CERT_OPTIONAL


def test_unusable_files_are_named_and_not_shown(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own, other = authority.issue("worker"), authority.issue("other")
    no_pem = tmp_path / "no.pem"
    no_pem.write_text("planted-in-a-file")
    for certificate, key, wrong in (
        (str(tmp_path / "missing"), own.key, "WEB_CERTIFICATE_FILE: .*missing is not a file"),
        (own.certificate, str(tmp_path / "missing"), "WEB_KEY_FILE: .*missing is not a file"),
        (own.certificate, other.key, "WEB_CERTIFICATE_FILE: cannot be used: .*belong together"),
        (str(no_pem), own.key, "WEB_CERTIFICATE_FILE: cannot be used"),
    ):
        with pytest.raises(SettingsError, match=wrong) as caught:
            tls_context(settings(web_certificate_file=certificate, web_key_file=key))
        assert "planted" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"", b"planted-in-a-file"])
def test_unusable_credentials_are_named_and_not_shown(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "callers"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match="CLUSTERLINK_REST_CREDENTIALS_FILE") as caught:
        authentication(settings(rest_authentication="basic", rest_credentials_file=str(path)))
    assert "planted" not in str(caught.value)


def test_the_rate_is_limited_for_each_caller() -> None:
    """REST-81."""
    limit = rate_limit(settings(rest_rate_limit="2.5"))
    limit.clock = lambda: 0.0
    assert [limit.wait("one") == 0 for _ in range(11)] == [True] * 10 + [False]
    assert limit.wait("other") == 0
