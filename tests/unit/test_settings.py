"""Settings of a worker: every problem at once, nothing secret shown, and the page in docs/ is the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.cli.settings_reference import page
from pipeline.setting_table import SETTINGS
from pipeline.settings import SettingsError, load

LEAST = {"CLUSTERLINK_BOOTSTRAP_SERVERS": "a:9092"}
PLANTED = "planted-secret-value"


def problems(**given: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load({**LEAST, **{f"CLUSTERLINK_{name.upper()}": value for name, value in given.items()}})
    return caught.value.problems


def test_the_address_of_the_own_cluster_is_enough() -> None:
    found = load(LEAST)
    assert (found.bootstrap_servers, found.web_port, found.allow_clear_secrets) == ("a:9092", 8090, False)
    assert [key.current() for key in found.encoder_keys()] == ["", ""]


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load({"CLUSTERLINK_WEB_PORT": "http", "CLUSTERLINK_PARTITIONS": "0"})
    assert [line.partition(":")[0] for line in caught.value.problems] == [
        "CLUSTERLINK_BOOTSTRAP_SERVERS",
        "CLUSTERLINK_WEB_PORT",
        "CLUSTERLINK_PARTITIONS",
    ]


def test_secrets_do_not_show() -> None:
    """SEC-34."""
    found = load({**LEAST, "CLUSTERLINK_PASSWORD_ENCODER_SECRET": PLANTED})
    assert PLANTED not in f"{found} {found!r} {found.values} {found.password_encoder_secret}"
    assert found.encoder_keys()[0].current() == PLANTED
    assert PLANTED not in repr(found.encoder_keys())
    assert "hunter2" not in str(problems(password_encoder_secret="hunter2"))


def test_keys_may_come_from_files(tmp_path: Path) -> None:
    """SEC-30, SEC-32."""
    (tmp_path / "new").write_text("the new key\n")
    (tmp_path / "old").write_text("the old key\n")
    names = {"PASSWORD_ENCODER_SECRET_FILE": "new", "PASSWORD_ENCODER_OLD_SECRET_FILE": "old"}
    found = load({**LEAST, **{f"CLUSTERLINK_{name}": str(tmp_path / file) for name, file in names.items()}})
    assert [key.current() for key in found.encoder_keys()] == ["the new key", "the old key"]


def test_unusable_keys_are_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    found = load({**LEAST, "CLUSTERLINK_PASSWORD_ENCODER_SECRET_FILE": missing})
    with pytest.raises(SettingsError, match="CLUSTERLINK_PASSWORD_ENCODER_SECRET: cannot be read from"):
        found.encoder_keys()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"web_certificate_file": "c.pem"}, "WEB_CERTIFICATE_FILE: goes together"),
        ({"web_key_file": "k.pem"}, "WEB_CERTIFICATE_FILE: goes together"),
        ({"web_client_authority_file": "a.pem"}, "WEB_CLIENT_AUTHORITY_FILE: needs"),
        ({"rest_authentication": "mtls"}, "REST_AUTHENTICATION: mtls needs"),
        ({"rest_rate_limit": "nan"}, "REST_RATE_LIMIT"),
        ({"rest_rate_limit": "-1"}, "REST_RATE_LIMIT"),
    ],
)
def test_settings_that_do_not_fit_are_refused(given: dict[str, str], named: str) -> None:
    assert any(named in problem for problem in problems(**given))


def test_secrets_are_those_that_must_not_show() -> None:
    assert {row.field for row in SETTINGS if row.is_secret} == {
        "password_encoder_secret",
        "password_encoder_old_secret",
    }


def test_the_page_is_printed_from_the_table() -> None:
    kept = (Path(__file__).resolve().parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert kept == page(), "run: python -m pipeline.cli.settings_reference"
    assert all(f"`{row.env}`" in kept and f"`{row.property_name}`" in kept for row in SETTINGS)
