"""What is said on a machine that lacks something names all that would help."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.local import backends, kafka_home, tools
from pipeline.local.docker_broker import DockerBackend
from pipeline.local.errors import DownloadFailed, LocalError, ToolMissing


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine with an empty PATH and an empty cache; returns the folder that is its PATH."""
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv(backends.CHOICE_VARIABLE, raising=False)
    monkeypatch.setenv(kafka_home.CACHE_VARIABLE, str(tmp_path / "cache"))
    caches = (tools.java, tools.java_version, tools.docker_answers)
    for cached in caches:
        cached.cache_clear()
    yield path
    for cached in caches:
        cached.cache_clear()


def install(path: Path, name: str, script: str) -> None:
    (path / name).write_text(f"#!/bin/sh\n{script}\n")
    (path / name).chmod(0o755)


def test_nothing_there(machine: Path) -> None:
    with pytest.raises(ToolMissing, match=r"Java 17 or newer.*Maven.*Docker that answers: there is no java"):
        backends.choose()


def test_java_too_old(machine: Path) -> None:
    install(machine, "java", "echo 'openjdk version \"11.0.2\" 2019' >&2")
    with pytest.raises(ToolMissing, match=r"is Java 11\.0\.2"):
        backends.choose()


def test_java_that_reports_nothing(machine: Path) -> None:
    install(machine, "java", "echo nonsense >&2")
    with pytest.raises(ToolMissing, match="nonsense"):
        backends.choose()


def test_no_maven_and_no_jars(machine: Path) -> None:
    install(machine, "java", "echo 'openjdk version \"21\" 2023' >&2")
    with pytest.raises(ToolMissing, match="there is no mvn"):
        backends.choose()


def test_maven_that_cannot_download_is_quoted_and_leaves_nothing(machine: Path, tmp_path: Path) -> None:
    install(machine, "java", "echo 'openjdk version \"17.0.15\" 2025' >&2")
    install(machine, "mvn", "echo 'INFO x'; echo '[ERROR] no route to the repository'; exit 1")
    with pytest.raises(DownloadFailed, match=r"Apache Kafka 4\.3\.1:\n\[ERROR\] no route"):
        backends.choose()
    assert [f.name for f in (tmp_path / "cache").iterdir()] == [".4.3.1-broker.lock"]


def test_docker_is_taken_where_it_is_all_there_is(machine: Path) -> None:
    install(machine, "docker", "exit 0")
    assert isinstance(backends.choose(), DockerBackend)


def test_a_docker_command_without_a_daemon_is_no_docker(machine: Path) -> None:
    install(machine, "docker", "echo 'Cannot connect to the Docker daemon'; exit 1")
    with pytest.raises(ToolMissing):
        backends.choose()


def test_the_choice_can_be_told(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(backends.CHOICE_VARIABLE, "docker")
    assert isinstance(backends.choose(), DockerBackend)
    monkeypatch.setenv(backends.CHOICE_VARIABLE, "podman")
    with pytest.raises(LocalError, match="podman"):
        backends.choose()
