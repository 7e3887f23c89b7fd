"""A real Kafka cluster on this machine, for as long as a `with` block.

    with LocalCluster(ClusterOptions(brokers=3)) as cluster:
        ...  # cluster.bootstrap_servers
        cluster.stop_broker(2, hard=True)
        cluster.start_broker(2)

Its brokers run in KRaft mode, brokers 1 to 3 as controllers too (1 alone, where there are fewer than three: it must
not be stopped then if the others are to go on). All methods block: from a coroutine call them with
`asyncio.to_thread`. Nothing outlives the block, or the process if that ends first, unless `release` says so.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.local import backends, storage
from pipeline.local.broker import Broker, wait_until_ready
from pipeline.local.certificates import Authority, KeyPair
from pipeline.local.options import ClusterOptions, Mechanism, Protocol
from pipeline.local.ports import HOST, PortLease
from pipeline.local.process import GUARD
from pipeline.local.properties import Secrets, client_properties, listener_names, server_properties


class LocalCluster:
    """One cluster: brokers numbered from 1, their data in a temporary folder, ports of their own until the end."""

    def __init__(self, options: ClusterOptions | None = None, backend: backends.Backend | None = None) -> None:
        """Nothing is started yet. Which backend (Java or Docker) serves is found out at the start, unless given."""
        self.options = options or ClusterOptions()
        self.cluster_id = storage.random_id()
        self.authority: Authority | None = None
        self._backend = backend
        self._brokers: dict[int, Broker] = {}
        self._leases: dict[int, dict[str, PortLease]] = {}
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start all brokers and return when every one serves; on any error nothing is left behind."""
        try:
            self._prepare()
            for broker in self._brokers.values():
                broker.launch()
            for broker in self._brokers.values():
                wait_until_ready(broker)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the brokers at once and remove their data; a second call does nothing."""
        for broker in self._brokers.values():
            broker.stop(hard=True)
        self._brokers = {}
        if self._backend is not None:
            self._backend.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            GUARD.drop_folder(self._folder)
            self._folder = None
        for leases in self._leases.values():
            for lease in leases.values():
                lease.release()
        self._leases = {}

    def stop_broker(self, node_id: int, hard: bool = False) -> None:
        """End one broker in good order, or as by a power cut (`hard`); its data and its ports stay its own."""
        self._brokers[node_id].stop(hard)

    def start_broker(self, node_id: int) -> None:
        """Start a stopped broker on the data it had; returns when it serves."""
        self._brokers[node_id].launch()
        wait_until_ready(self._brokers[node_id])

    @property
    def node_ids(self) -> range:
        return range(1, 1 + self.options.brokers)

    @property
    def bootstrap_servers(self) -> str:
        """For clients of the first protocol of the options."""
        return self.bootstrap(self.options.protocols[0])

    def bootstrap(self, protocol: Protocol) -> str:
        """All brokers' addresses for this protocol, stopped ones too."""
        return ",".join(f"{HOST}:{leases[protocol.value].port}" for leases in self._leases.values())

    def client_properties(
        self, user: str | None = None, mechanism: Mechanism = Mechanism.PLAIN, protocol: Protocol | None = None
    ) -> dict[str, str]:
        """Kafka client properties for a user of the options (none: no credentials), first protocol unless told."""
        protocol = protocol or self.options.protocols[0]
        credentials = None if user is None else (user, self.options.users[user])
        trusted = None if self.authority is None else self.authority.certificate
        return client_properties(self.bootstrap(protocol), protocol, credentials, mechanism, trusted)

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The brokers' processes, for who measures them; none of brokers in containers."""
        found = (broker.process_id() for broker in self._brokers.values())
        return tuple(each for each in found if each is not None)

    def data_folder(self, node_id: int) -> Path:
        """Where a Java broker keeps its logs; a container keeps them inside."""
        assert self._folder is not None, "a cluster that was not started"
        return self._folder / f"data-{node_id}"

    def log(self, node_id: int) -> str:
        """What a broker has logged since its last start."""
        return self._brokers[node_id].log()

    def release(self) -> list[str]:
        """Let everything outlive this process; returns how to find it: each broker, and the folder of the data."""
        assert self._folder is not None, "a cluster that was not started"
        found = [broker.describe() for broker in self._brokers.values()] + [f"folder {self._folder}"]
        for broker in self._brokers.values():
            broker.release()
        GUARD.drop_folder(self._folder)
        self._brokers, self._leases, self._folder = {}, {}, None
        return found

    def _prepare(self) -> None:
        """Everything up to the start of the first process: ports, keys, properties, formatted data folders."""
        options = self.options
        self._backend = self._backend or backends.choose()
        self._folder = Path(tempfile.mkdtemp(prefix="clusterlink-kafka-"))
        GUARD.add_folder(self._folder)
        self._leases = {n: {name: PortLease() for name in listener_names(options, n)} for n in self.node_ids}
        places = [
            self._backend.place(n, {name: lease.port for name, lease in leases.items()}, self._folder)
            for n, leases in self._leases.items()
        ]
        keys: KeyPair | None = None
        if options.is_tls:
            self.authority = Authority()
            keys = self.authority.issue("broker", ("localhost", HOST, *{place.peer_host for place in places}))
        own = Secrets(secrets.token_hex(16), keys)
        self._brokers = {
            place.node_id: self._backend.broker(
                options, place, server_properties(options, place, places, own), self.cluster_id, self._folder
            )
            for place in places
        }


def start_together(clusters: Sequence[LocalCluster]) -> None:
    """Start several clusters side by side, which takes little longer than one; all or none of them run at the end."""
    with ThreadPoolExecutor(max_workers=max(1, len(clusters))) as pool:
        starts = [pool.submit(cluster.start) for cluster in clusters]
    failed = next((error for start in starts if (error := start.exception()) is not None), None)
    if failed is not None:
        for cluster in clusters:
            with contextlib.suppress(Exception):
                cluster.stop()
        raise failed
