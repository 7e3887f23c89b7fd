"""A cluster whose older segments lie elsewhere (KIP-405), in the storage of files that Kafka's own tests use."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from pipeline.local import tools
from pipeline.local.kafka_home import VERSION, cache_folder, locked
from pipeline.local.options import ClusterOptions
from pipeline.local.properties import INTERNAL

PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
ARTIFACT = "org.apache.kafka:kafka-storage:{version}:jar:test"
MANAGER = "org.apache.kafka.server.log.remote.storage.LocalTieredStorage"


def tiered(folder: Path) -> ClusterOptions:
    """One broker that takes topics with `remote.storage.enable`; `folder` is where their older segments go."""
    return ClusterOptions(
        heap_mb=384,
        properties={
            "remote.log.storage.system.enable": "true",
            "remote.log.storage.manager.class.name": MANAGER,
            "remote.log.storage.manager.class.path": str(storage_jar()),
            "remote.log.metadata.manager.listener.name": INTERNAL,
            "rlmm.config.remote.log.metadata.topic.replication.factor": "1",
            "rlmm.config.remote.log.metadata.topic.num.partitions": "1",
            "rsm.config.dir": str(folder),
            "remote.log.manager.task.interval.ms": "500",
            "log.retention.check.interval.ms": "500",
            "log.initial.task.delay.ms": "500",
        },
    )


def storage_jar(version: str = VERSION) -> Path:
    """The jar with that storage, by Maven, kept beside Kafka's own. Raises RuntimeError where Maven cannot bring it."""
    jar = cache_folder() / f"{version}-tiered" / f"kafka-storage-{version}-test.jar"
    with locked(f"{version}-tiered"):
        if not jar.exists():
            with tempfile.TemporaryDirectory(dir=cache_folder(), prefix=".download-") as made:
                artifact = ARTIFACT.format(version=version)
                _maven(PLUGIN, f"-Dartifact={artifact}", "-Dtransitive=false")
                _maven(COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={made}/jar")
                (Path(made) / "jar").rename(jar.parent)
    return jar


def _maven(*words: str) -> None:
    done = subprocess.run([str(tools.maven()), "-B", "-q", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(
            f"Maven could not bring Kafka's storage for tests:\n{done.stdout[-2000:]}{done.stderr[-500:]}"
        )
