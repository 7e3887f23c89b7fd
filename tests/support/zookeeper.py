"""A broker of 3.9 that keeps its metadata in ZooKeeper: the last one that still writes the formats v0 and v1.

A topic's `message.format.version` is heeded below `inter.broker.protocol.version` 3.0 only, which KRaft does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.local.backends import JavaBackend
from pipeline.local.broker import STARTED, Broker
from pipeline.local.java_broker import JavaBroker
from pipeline.local.jvm import java_command
from pipeline.local.kafka_home import OLD_VERSION, KafkaHome, kafka_home
from pipeline.local.options import ClusterOptions
from pipeline.local.ports import HOST, PortLease
from pipeline.local.process import ServerProcess
from pipeline.local.properties import CONTROLLER, Place, to_text

WRITES_OLD_FORMATS = ClusterOptions(
    version=OLD_VERSION, heap_mb=256, properties={"inter.broker.protocol.version": "2.8"}
)
OF_KRAFT = {"process.roles", "node.id", "controller.quorum.voters", "controller.listener.names"}
SERVING = ("[KafkaServer id=1] started", "Starting the controller scheduler", "Controller 1 connected to")
"""What it has logged when it serves: what it is asked before may go unanswered."""


class ZooKeeperBackend(JavaBackend):
    """Serves one cluster of one broker."""

    def __init__(self) -> None:
        self._zookeeper: ServerProcess | None = None
        self._lease = PortLease()

    def broker(
        self, options: ClusterOptions, place: Place, properties: Mapping[str, str], cluster_id: str, folder: Path
    ) -> Broker:
        home = kafka_home(options.version)
        self._start_zookeeper(home, folder / "zookeeper")
        own = {name: value for name, value in properties.items() if name not in OF_KRAFT}
        for name in ("listeners", "listener.security.protocol.map"):
            own[name] = ",".join(each for each in own[name].split(",") if not each.startswith(CONTROLLER))
        own |= {
            "broker.id": str(place.node_id),
            "zookeeper.connect": f"{HOST}:{self._lease.port}",
            "zookeeper.connection.timeout.ms": "90000",  # it starts at the same time
            "zookeeper.session.timeout.ms": "60000",
        }
        return _ZooKeeperBroker(home, own, folder / f"broker-{place.node_id}", heap_mb=options.heap_mb, jit=options.jit)

    def close(self) -> None:
        if self._zookeeper is not None:
            self._zookeeper.stop(hard=True)
            self._zookeeper = None
        self._lease.release()

    def _start_zookeeper(self, home: KafkaHome, folder: Path) -> None:
        folder.mkdir(parents=True)
        file = folder / "zookeeper.properties"
        settings = {
            "dataDir": str(folder),
            "clientPort": str(self._lease.port),
            "clientPortAddress": HOST,
            "admin.enableServer": "false",
        }
        file.write_text(to_text(settings))
        main = ["org.apache.zookeeper.server.quorum.QuorumPeerMain", str(file)]
        self._zookeeper = ServerProcess(java_command(home, main, heap_mb=128), folder / "zookeeper.log")


class _ZooKeeperBroker(JavaBroker):
    def log(self) -> str:
        """With the words that a broker in KRaft mode says when it serves."""
        logged = super().log()
        return f"{logged}{STARTED}\n" if all(words in logged for words in SERVING) else logged
