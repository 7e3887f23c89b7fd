"""Settings of a worker: every problem at once, nothing secret shown, and the page in docs/ is the table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pipeline.cli.main import cli
from pipeline.cli.settings_reference import page
from pipeline.setting_table import SETTINGS, Hidden
from pipeline.settings import KINDS, SettingsError, load, mistyped

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


def test_a_kind_that_does_not_fit_is_told_in_words() -> None:
    (number, flag) = problems(partitions="eight", use_uvloop="maybe")
    assert number.startswith("CLUSTERLINK_PARTITIONS: 'eight' is not a whole number. ")
    assert flag.startswith("CLUSTERLINK_USE_UVLOOP: 'maybe' is not true or false. ")
    kinds = {s.parse.__name__ for s in SETTINGS if s.parse not in (str, Hidden)}
    assert kinds <= KINDS.keys()


def test_a_mistyped_name_in_the_environment_is_not_left_unsaid() -> None:
    """A worker that was to ask for passwords must not start without, for one letter too many."""
    assert problems(rest_authentification="basic") == [
        "CLUSTERLINK_REST_AUTHENTIFICATION: unknown setting; did you mean CLUSTERLINK_REST_AUTHENTICATION?"
    ]
    assert problems(propertie="worker.properties")


def test_what_others_call_like_a_setting_is_left_alone() -> None:
    """The command line's own variables, and those that Kubernetes makes of a Service named clusterlink."""
    ours = [p.envvar for p in _options(cli) if p.envvar]
    of_kubernetes = {
        "CLUSTERLINK_PORT": "tcp://10.0.0.1:8090",
        "CLUSTERLINK_SERVICE_PORT": "8090",
        "CLUSTERLINK_SERVICE_HOST": "10.0.0.1",
        "CLUSTERLINK_PORT_8090_TCP_PROTO": "tcp",
        "CLUSTERLINK_PORT_8090_TCP_ADDR": "10.0.0.1",
    }
    assert len(ours) > 20
    assert mistyped({str(name): "x" for name in ours} | of_kubernetes) == {}


def _options(command: click.Command) -> Iterator[click.Parameter]:
    yield from command.params
    for below in getattr(command, "commands", {}).values():
        yield from _options(below)


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
