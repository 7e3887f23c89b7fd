"""Where brokers run: as Java processes on this machine, or in containers.

Java is taken where it is fit and the jars are here or Maven can bring them: it starts sooner, and it is the path that
every run of the tests takes. Docker is taken where it is all there is, or where $CLUSTERLINK_LOCAL_BROKERS says
"docker" ("java" is the other word). On a machine without Docker that second path cannot run; there only its parts are
tested.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from pipeline.local import storage, tools
from pipeline.local.archive import ensure_archive
from pipeline.local.broker import Broker
from pipeline.local.errors import LocalError, ToolMissing
from pipeline.local.java_broker import JavaBroker
from pipeline.local.kafka_home import kafka_home
from pipeline.local.options import ClusterOptions
from pipeline.local.ports import HOST
from pipeline.local.properties import Place

CHOICE_VARIABLE = "CLUSTERLINK_LOCAL_BROKERS"


class Backend(Protocol):
    """Makes the brokers of one cluster."""

    def prepare(self, version: str) -> str:
        """Bring everything that brokers of a version need, so that they start soon; returns where it is."""

    def place(self, node_id: int, ports: Mapping[str, int], folder: Path) -> Place:
        """Where a broker with these ports will be."""

    def broker(
        self, options: ClusterOptions, place: Place, properties: Mapping[str, str], cluster_id: str, folder: Path
    ) -> Broker:
        """A broker that is ready to be launched, its data folder formatted."""

    def close(self) -> None:
        """Remove what the brokers shared; they have been stopped."""


class JavaBackend:
    """Java processes; see java_broker.py."""

    def prepare(self, version: str) -> str:
        home = kafka_home(version)
        storage.formatted_folder(home, {})
        ensure_archive(home)
        return str(home.folder)

    def place(self, node_id: int, ports: Mapping[str, int], folder: Path) -> Place:
        return Place(node_id, HOST, HOST, HOST, ports, str(folder / f"data-{node_id}"))

    def broker(
        self, options: ClusterOptions, place: Place, properties: Mapping[str, str], cluster_id: str, folder: Path
    ) -> Broker:
        home = kafka_home(options.version)
        ensure_archive(home)
        formatted = storage.formatted_folder(home, options.users)
        storage.place(formatted, Path(place.data_folder), cluster_id, place.node_id)
        return JavaBroker(
            home,
            properties,
            folder / f"broker-{place.node_id}",
            heap_mb=options.heap_mb,
            jit=options.jit,
            definitions=options.java_definitions,
        )

    def close(self) -> None:
        """Nothing is shared but the cluster's folder, which is not ours."""


def choose() -> Backend:
    """The backend for this machine; raises `ToolMissing`, naming everything that would help."""
    from pipeline.local.docker_broker import DockerBackend  # noqa: PLC0415 - Docker's library only where it is used

    match os.environ.get(CHOICE_VARIABLE, ""):
        case "java":
            return JavaBackend()
        case "docker":
            return DockerBackend()
        case "":
            pass
        case other:
            raise LocalError(f"{CHOICE_VARIABLE} is {other!r}; it can be java or docker")
    try:
        tools.java()
        kafka_home()
    except ToolMissing:
        if tools.docker_answers():
            return DockerBackend()
        raise
    return JavaBackend()
