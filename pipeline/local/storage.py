"""The data folder that a broker finds at its first start: formatted once, then copied.

Formatting takes a Java start of a second or two and writes two files: `bootstrap.checkpoint`, which holds the
version's features and the SCRAM users (KIP-900), and `meta.properties`, which names cluster, node and folder. Only
the second one differs from one broker to the next. What was formatted is kept beside the jars, one folder for each
set of users, so that later clusters start without formatting. Passwords are in it as SCRAM keeps them, salted.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path

from pipeline.local.errors import LocalError
from pipeline.local.jvm import java_command
from pipeline.local.kafka_home import KafkaHome, locked
from pipeline.local.options import Mechanism
from pipeline.local.process import scratch_folder


def random_id() -> str:
    """An id as Kafka writes them: 16 random bytes in URL-safe base 64, never with a dash in front."""
    while True:
        made = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not made.startswith("-"):
            return made


def formatted_folder(home: KafkaHome, users: Mapping[str, str]) -> Path:
    """A formatted folder to copy from, made where no earlier cluster of the version had just these users."""
    kept = home.folder / f"formatted-{_digest(users)}"
    if not kept.is_dir():
        with locked(f"{home.folder.name}-formatted"):
            if not kept.is_dir():
                with tempfile.TemporaryDirectory(dir=home.folder, prefix=".formatted-") as folder:
                    _format(home, Path(folder) / "data", users)
                    (Path(folder) / "data").rename(kept)
    return kept


def place(formatted: Path, data_folder: Path, cluster_id: str, node_id: int) -> None:
    """Copy a formatted folder to where a broker of this cluster will find it."""
    shutil.copytree(formatted, data_folder)
    (data_folder / "meta.properties").write_text(
        f"version=1\ncluster.id={cluster_id}\nnode.id={node_id}\ndirectory.id={random_id()}\n"
    )


def scram_arguments(users: Mapping[str, str]) -> list[str]:
    """How the format tool is told of users: each may use every SCRAM mechanism."""
    scram = [mechanism for mechanism in Mechanism if mechanism is not Mechanism.PLAIN]
    return [
        argument
        for user, password in users.items()
        for mechanism in scram
        for argument in ("--add-scram", f"{mechanism.value}=[name={user},password={password}]")
    ]


def _digest(users: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(users.items())).encode()).hexdigest()[:16]


def _format(home: KafkaHome, folder: Path, users: Mapping[str, str]) -> None:
    with scratch_folder("clusterlink-format-") as scratch:
        properties = scratch / "server.properties"
        properties.write_text(
            "process.roles=broker,controller\nnode.id=1\ncontroller.listener.names=CONTROLLER\n"
            "listeners=PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2\ncontroller.quorum.voters=1@127.0.0.1:2\n"
            f"log.dirs={folder}\n"
        )
        main = ["kafka.tools.StorageTool", "format", "-t", random_id(), "-c", str(properties)]
        told = subprocess.run(
            java_command(home, [*main, *scram_arguments(users)]), capture_output=True, text=True, check=False
        )
        if told.returncode != 0:
            raise LocalError(f"Kafka {home.version} could not format a data folder:\n{told.stdout}{told.stderr}")
