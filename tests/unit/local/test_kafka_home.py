"""The cache of jars: where it is, what Maven is asked for, and that a half-made one is never taken for a whole one."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.local import kafka_home as subject
from pipeline.local.kafka_home import CACHE_VARIABLE, Jars, KafkaHome, cache_folder, kafka_home
from pipeline.local.storage import random_id

# Answers like Maven: makes the folder it was told, with two jars, and keeps the project file it was given.
MAVEN = """#!/bin/sh
for argument in "$@"; do case "$argument" in
  -DoutputDirectory=*) mkdir -p "${argument#*=}"; touch "${argument#*=}/b.jar" "${argument#*=}/a.jar" ;;
  */pom.xml) cat "$argument" >> "$0.projects" ;;
esac; done
"""


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    command = tmp_path / "mvn"
    command.write_text(MAVEN)
    command.chmod(0o755)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(subject.tools, "maven", lambda: command)
    monkeypatch.setattr(subject.tools, "java", lambda: Path("java"))
    return command


def test_jars_are_downloaded_once(maven: Path) -> None:
    first = kafka_home("4.3.1")
    assert kafka_home("4.3.1") == first
    projects = maven.with_name("mvn.projects").read_text()
    assert projects.count("<artifactId>kafka_2.13</artifactId><version>4.3.1</version>") == 1


def test_versions_and_sets_are_kept_apart(maven: Path) -> None:
    homes = {kafka_home("4.3.1"), kafka_home("3.9.1"), kafka_home("4.3.1", Jars.MIRROR_MAKER)}
    assert sorted(home.folder.name for home in homes) == ["3.9.1-broker", "4.3.1-broker", "4.3.1-mirror-maker"]
    assert "connect-mirror" in maven.with_name("mvn.projects").read_text()


def test_the_class_path_names_every_jar_in_order(maven: Path) -> None:
    home = kafka_home()
    assert [Path(jar).name for jar in home.class_path.split(":")] == ["a.jar", "b.jar"]


def test_the_cache_lies_in_the_checkout_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    assert cache_folder().name == ".kafka"
    assert (cache_folder().parent / "pyproject.toml").exists()


def test_ids_look_like_kafkas() -> None:
    made = {random_id() for _ in range(200)}
    assert len(made) == 200
    assert {len(one) for one in made} == {22}
    assert not any(one.startswith("-") for one in made)


def test_a_home_is_a_value() -> None:
    assert KafkaHome("1", Path("/x")) == KafkaHome("1", Path("/x"))
