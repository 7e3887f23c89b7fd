"""The settings of a worker: one table that reads, checks and documents (`pipeline/settings.py`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.setting_table import SETTINGS
from pipeline.settings import SettingsError, load, reference

LEAST = {"CLUSTERLINK_BOOTSTRAP_SERVERS": "a:9092"}


def problems(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(environment)
    return caught.value.problems


def test_the_environment_is_enough() -> None:
    settings = load(LEAST | {"CLUSTERLINK_WEB_PORT": "9000", "CLUSTERLINK_USE_UVLOOP": "no"})
    assert (settings.bootstrap_servers, settings.web_port, settings.use_uvloop) == ("a:9092", 9000, False)
    assert settings.app_id == "clusterlink"
    assert settings.worker.endswith(":9000")


def test_every_default_is_in_range_and_as_documented() -> None:
    settings, text = load(LEAST), reference()
    for row in SETTINGS:
        assert row.accepts(getattr(settings, row.field)), row.field
        assert f"`{row.env}` | `{row.property_name}` | {row.default_text} |" in text
        assert row.doc.endswith("."), row.field


def test_names_are_unique() -> None:
    assert len({row.env for row in SETTINGS} | {row.property_name for row in SETTINGS}) == 2 * len(SETTINGS)


def test_a_properties_file_and_the_environment_over_it(tmp_path: Path) -> None:
    file = tmp_path / "worker.properties"
    file.write_text("# ours\n\nbootstrap.servers = b:1,\\\nc:2\nweb.port=9001\napp.id=mine\n")
    settings = load({"CLUSTERLINK_PROPERTIES": str(file), "CLUSTERLINK_WEB_PORT": "9002"})
    assert (settings.bootstrap_servers, settings.web_port, settings.app_id) == ("b:1,c:2", 9002, "mine")


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "worker.properties"
    file.write_text("web.prt=9001\n")
    found = problems(
        {
            "CLUSTERLINK_PROPERTIES": str(file),
            "CLUSTERLINK_PARTITIONS": "many",
            "CLUSTERLINK_WEB_PORT": "70000",
            "CLUSTERLINK_SESSION_TIMEOUT_MS": "10",
        }
    )
    for text in ("web.prt", "BOOTSTRAP_SERVERS", "PARTITIONS", "WEB_PORT", "SESSION_TIMEOUT_MS"):
        assert sum(text in problem for problem in found) == 1, (text, found)


@pytest.mark.parametrize("servers", ["", None])
def test_the_own_cluster_has_to_be_named(servers: str | None) -> None:
    given = {} if servers is None else {"CLUSTERLINK_BOOTSTRAP_SERVERS": servers}
    assert any("CLUSTERLINK_BOOTSTRAP_SERVERS" in problem for problem in problems(given))


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    assert "no-such-file" in problems({"CLUSTERLINK_PROPERTIES": str(tmp_path / "no-such-file")})[0]
    file = tmp_path / "worker.properties"
    file.write_text("password secret\n")
    found = problems({"CLUSTERLINK_PROPERTIES": str(file)})[0]
    assert "password" in found and "secret" not in found


def test_client_properties_come_from_their_file(tmp_path: Path) -> None:
    file = tmp_path / "client.properties"
    file.write_text("security.protocol=SSL\nbootstrap.servers=elsewhere:1\n")
    settings = load(LEAST | {"CLUSTERLINK_COMMAND_CONFIG": str(file)})
    assert settings.client_configs() == {"security.protocol": "SSL", "bootstrap.servers": "a:9092"}
    missing = load(LEAST | {"CLUSTERLINK_COMMAND_CONFIG": str(tmp_path / "none")})
    with pytest.raises(SettingsError, match="CLUSTERLINK_COMMAND_CONFIG"):
        missing.client_configs()


def test_settings_do_not_change_after_they_are_read() -> None:
    settings = load(LEAST)
    with pytest.raises(AttributeError):
        settings.web_port = 1
    with pytest.raises(AttributeError):
        _ = settings.web_prt
