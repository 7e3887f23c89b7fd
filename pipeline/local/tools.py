"""What of Java, Maven and Docker this machine has, and what to say when it has too little."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from pipeline.local.errors import ToolMissing

JAVA_MAJOR = 17
"""Kafka 4 brokers need Java 17 (KIP-1013)."""

NEEDED = (
    f"Real Kafka brokers need Java {JAVA_MAJOR} or newer (on the PATH or in JAVA_HOME) and Maven (mvn on the PATH), "
    "or a Docker that answers"
)


@cache
def java() -> Path:
    """The java command of JAVA_HOME or of the PATH; raises `ToolMissing` when there is none of a fit version."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home) / "bin")) if home else None
    found = found or shutil.which("java")
    if found is None:
        raise ToolMissing(f"{NEEDED}: there is no java.")
    version = java_version(Path(found))
    if int(version.split(".")[0]) < JAVA_MAJOR:
        raise ToolMissing(f"{NEEDED}: {found} is Java {version}.")
    return Path(found)


@cache
def java_version(command: Path) -> str:
    """The full version that a java command reports, "17.0.15" for example."""
    told = subprocess.run([command, "-version"], capture_output=True, text=True, check=False).stderr
    match = re.search(r'version "(\d+[^"]*)"', told)
    if match is None:
        raise ToolMissing(f"{NEEDED}: {command} -version says {told.strip()!r}.")
    return match[1]


def maven() -> Path:
    """The mvn command; raises `ToolMissing`."""
    found = shutil.which("mvn")
    if found is None:
        raise ToolMissing(f"{NEEDED}: there is no mvn, and Apache Kafka's jars are not here yet.")
    return Path(found)


@cache
def docker_answers() -> bool:
    """Whether a Docker daemon answers; the docker command alone is not enough."""
    found = shutil.which("docker")
    if found is None:
        return False
    try:
        told = subprocess.run([found, "info"], capture_output=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return False
    return told.returncode == 0
