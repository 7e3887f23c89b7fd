"""Apache Kafka's jars, by Maven, in a cache of ours: once downloaded, nothing here needs a network.

The cache is $CLUSTERLINK_KAFKA_CACHE, else .kafka in the checkout, else the user's cache folder. A version's jars
come as one of two sets, because MirrorMaker 2 and a broker have libraries in different versions: never mix their
class paths.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from xml.sax.saxutils import escape

from pipeline.local import tools
from pipeline.local.errors import DownloadFailed

CACHE_VARIABLE = "CLUSTERLINK_KAFKA_CACHE"
VERSION = "4.3.1"
"""The version that brokers have unless told otherwise."""
OLD_VERSION = "3.9.1"
"""The last line before 4.0: sources in the field still run it."""

_LOG4J = "2.25.1"
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


class Jars(Enum):
    """What a set of jars can run, and the artifacts of org.apache.kafka that it takes."""

    BROKER = ("kafka_2.13",)
    MIRROR_MAKER = ("connect-mirror", "connect-runtime")


@dataclass(frozen=True)
class KafkaHome:
    """One set of jars of one version, complete on disk."""

    version: str
    folder: Path

    @property
    def class_path(self) -> str:
        """Every jar by name: Java's class data archives need a class path without wildcards, in a fixed order."""
        return ":".join(str(jar) for jar in sorted((self.folder / "lib").glob("*.jar")))


def kafka_home(version: str = VERSION, jars: Jars = Jars.BROKER) -> KafkaHome:
    """The jars of a version, downloaded first where they are not here yet (some 45 MB, ten seconds).

    Raises `ToolMissing` (no Maven) and `DownloadFailed` (it could not).
    """
    name = f"{version}-{jars.name.lower().replace('_', '-')}"
    home = KafkaHome(version, cache_folder() / name)
    if not home.folder.is_dir():
        with locked(name):
            if not home.folder.is_dir():
                _download(version, jars, home.folder)
    return home


def cache_folder() -> Path:
    """Where jars are kept; made when it is not there."""
    told = os.environ.get(CACHE_VARIABLE)
    checkout = Path(__file__).resolve().parents[2]
    if told:
        folder = Path(told)
    elif (checkout / "pyproject.toml").exists():
        folder = checkout / ".kafka"
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "clusterlink" / "kafka"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Only one process of this machine at a time makes the part of the cache that has this name."""
    with (cache_folder() / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(version: str, jars: Jars, folder: Path) -> None:
    mvn = tools.maven()
    tools.java()
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".download-") as made:
        pom = Path(made) / "pom.xml"
        pom.write_text(_pom(version, jars))
        lib = Path(made) / "home" / "lib"
        command = [str(mvn), "-B", "-q", "-f", str(pom), _PLUGIN, f"-DoutputDirectory={lib}", "-DincludeScope=runtime"]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        if told.returncode != 0:
            errors = [line for line in (told.stdout + told.stderr).splitlines() if "ERROR" in line]
            raise DownloadFailed(f"Maven could not bring Apache Kafka {version}:\n" + "\n".join(errors[:12]))
        # Complete or not there at all: a folder is moved into place as its last step.
        lib.parent.rename(folder)


def _pom(version: str, jars: Jars) -> str:
    """A project that depends on what we want to have, its log going through log4j 2 in every version."""
    wanted = [("org.apache.kafka", artifact, version) for artifact in jars.value]
    wanted += [("org.apache.logging.log4j", artifact, _LOG4J) for artifact in ("log4j-slf4j-impl", "log4j-core")]
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
        f"<version>{escape(number)}</version></dependency>"
        for group, artifact, number in wanted
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>clusterlink</groupId><artifactId>kafka-home</artifactId><version>1</version>"
        f"<dependencies>{dependencies}</dependencies></project>\n"
    )
