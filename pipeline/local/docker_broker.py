"""A broker in a container of the apache/kafka image, through testcontainers.

Ports are the same inside and outside, published on the loopback address only; brokers of one cluster reach each other
by name in a network of their own. Data lives in the container, so it survives a stop and a start and goes with the
container. When this process ends without tidying up, testcontainers' own watchdog (Ryuk) removes containers and
network.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.local.broker import Broker
from pipeline.local.errors import DownloadFailed, ToolMissing
from pipeline.local.options import ClusterOptions
from pipeline.local.ports import HOST
from pipeline.local.properties import Place, to_text
from pipeline.local.storage import scram_arguments
from pipeline.local.tools import NEEDED

_DATA = "/tmp/clusterlink/data"
# Formats where nothing is formatted yet: a container that is started again finds its data.
_SCRIPT = """set -e
mkdir -p /tmp/clusterlink
printf %s "$CLUSTERLINK_PROPERTIES" > /tmp/clusterlink/server.properties
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted -c /tmp/clusterlink/server.properties "$@"
exec /opt/kafka/bin/kafka-server-start.sh /tmp/clusterlink/server.properties
"""


def run_arguments(
    options: ClusterOptions, place: Place, properties: Mapping[str, str], cluster_id: str
) -> tuple[str, dict[str, str], Sequence[str]]:
    """Image, environment and command of a broker's container."""
    environment = {
        "CLUSTERLINK_PROPERTIES": to_text(properties),
        "KAFKA_HEAP_OPTS": f"-Xmx{options.heap_mb}m",
        "KAFKA_JVM_PERFORMANCE_OPTS": " ".join(options.jit.value),
        "KAFKA_OPTS": " ".join(options.java_definitions),
    }
    command = ["-c", _SCRIPT, "broker", "-t", cluster_id, *scram_arguments(options.users)]
    return _image(options.version), environment, command


def _image(version: str) -> str:
    return f"apache/kafka:{version}"


def library() -> tuple[Callable[[str], Any], Callable[[], Any]]:
    """What testcontainers makes containers and networks with; raises `ToolMissing` where it is not installed."""
    try:
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - only where Docker is used
        from testcontainers.core.network import Network  # noqa: PLC0415
    except ImportError as error:
        raise ToolMissing("brokers in Docker need testcontainers: pip install 'clusterlink[docker]'") from error
    return DockerContainer, Network


class DockerBroker:
    """One container; made at the first launch, started again at later ones (see broker.Broker for the methods)."""

    def __init__(self, container: Any, name: str) -> None:
        """`container` is a testcontainers DockerContainer that was not started yet."""
        self._container = container
        self._name = name
        self._is_made = False
        self._launched_at_length = 0

    def launch(self) -> None:
        if self._is_made:
            self._launched_at_length = len(self._whole_log())
            self._container.get_wrapped_container().start()
        else:
            self._container.start()
            self._is_made = True

    def is_running(self) -> bool:
        if not self._is_made:
            return False
        container = self._container.get_wrapped_container()
        container.reload()
        return bool(container.status == "running")

    def log(self) -> str:
        return self._whole_log()[self._launched_at_length :] if self._is_made else ""

    def stop(self, hard: bool) -> None:
        if self.is_running():
            container = self._container.get_wrapped_container()
            if hard:
                container.kill("SIGKILL")
            else:
                container.stop(timeout=30)
            container.wait()

    def remove(self) -> None:
        """Remove the container with its data."""
        if self._is_made:
            self._container.stop()
            self._is_made = False

    def process_id(self) -> int | None:
        return None

    def describe(self) -> str:
        return f"container {self._name}"

    def release(self) -> None:
        """Containers live until Ryuk removes them: with TESTCONTAINERS_RYUK_DISABLED=true they stay."""

    def _whole_log(self) -> str:
        return bytes(self._container.get_wrapped_container().logs()).decode(errors="replace")


class DockerBackend:
    """Makes the containers of one cluster and the network between them."""

    def __init__(self) -> None:
        self._network: Any = None
        self._brokers: list[DockerBroker] = []

    def prepare(self, version: str) -> str:
        command = ["docker", "pull", "--quiet", _image(version)]
        pulled = subprocess.run(command, capture_output=True, text=True, check=False)
        if pulled.returncode != 0:
            raise DownloadFailed(f"Docker could not pull {_image(version)}:\n{pulled.stderr.strip()}")
        return f"image {_image(version)}"

    def place(self, node_id: int, ports: Mapping[str, int], folder: Path) -> Place:
        return Place(node_id, "0.0.0.0", f"broker-{node_id}", HOST, ports, _DATA)

    def broker(
        self, options: ClusterOptions, place: Place, properties: Mapping[str, str], cluster_id: str, folder: Path
    ) -> Broker:
        make_container, make_network = library()
        try:
            self._network = self._network or make_network().create()
            image, environment, command = run_arguments(options, place, properties, cluster_id)
            container = make_container(image)
        except Exception as error:  # docker's errors, whose library we do not want to import for this
            raise ToolMissing(f"{NEEDED}: Docker was asked and said: {error}") from error
        name = f"clusterlink-{cluster_id.lower().replace('_', '-')}-{place.node_id}"
        container = container.with_name(name).with_network(self._network)
        container = container.with_network_aliases(place.peer_host).with_command(list(command))
        container = container.with_kwargs(entrypoint=["/bin/bash"])
        container.env.update(environment)
        # Typed as a bare port, but handed on to Docker as it is: the address keeps the broker off the network.
        published: dict[str, Any] = {f"{port}/tcp": (HOST, port) for port in place.ports.values()}
        container.ports.update(published)
        made = DockerBroker(container, name)
        self._brokers.append(made)
        return made

    def close(self) -> None:
        for broker in self._brokers:
            broker.remove()
        self._brokers = []
        if self._network is not None:
            self._network.remove()
            self._network = None
