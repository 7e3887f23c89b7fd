"""A broker as a Java process on this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.local import storage
from pipeline.local.broker import wait_until_ready
from pipeline.local.jvm import archive_file, java_command
from pipeline.local.kafka_home import KafkaHome, locked
from pipeline.local.options import ClusterOptions, Jit
from pipeline.local.ports import HOST, PortLease
from pipeline.local.process import ServerProcess
from pipeline.local.properties import Place, Secrets, listener_names, server_properties, to_text


class JavaBroker:
    """Runs kafka.Kafka on a data folder that is formatted already (see broker.Broker for the methods)."""

    def __init__(
        self,
        home: KafkaHome,
        properties: Mapping[str, str],
        folder: Path,
        *,
        heap_mb: int = 512,
        jit: Jit = Jit.START,
        flags: Sequence[str] = (),
    ) -> None:
        """`folder` gets the properties file and the log; `flags` are further ones for Java."""
        folder.mkdir(parents=True, exist_ok=True)
        self._log_file = folder / "broker.log"
        properties_file = folder / "server.properties"
        properties_file.write_text(to_text(properties))
        properties_file.chmod(0o600)
        self._command = java_command(home, ["kafka.Kafka", str(properties_file)], heap_mb, jit, flags)
        self._process: ServerProcess | None = None

    def launch(self) -> None:
        self._process = ServerProcess(self._command, self._log_file)

    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running()

    def log(self) -> str:
        return "" if self._process is None else self._process.log()

    def stop(self, hard: bool) -> None:
        if self._process is not None:
            self._process.stop(hard)

    def describe(self) -> str:
        return "a broker that was never started" if self._process is None else f"process {self._process.pid}"

    def release(self) -> None:
        if self._process is not None:
            self._process.release()


def ensure_archive(home: KafkaHome) -> None:
    """Make the class data archive of these jars where it is not there yet, from the start of a broker of its own."""
    archive = archive_file(home)
    if archive.exists():
        return
    with locked(f"{home.folder.name}-archive"):
        if not archive.exists():
            with tempfile.TemporaryDirectory(prefix="clusterlink-archive-") as scratch:
                made = Path(scratch) / "classes.jsa"
                _live_once(home, Path(scratch), [f"-XX:ArchiveClassesAtExit={made}"])
                # Within the cache, so that the last step is a rename: no half-written archive is ever seen.
                staged = archive.with_suffix(".part")
                staged.write_bytes(made.read_bytes())
                staged.rename(archive)


def _live_once(home: KafkaHome, scratch: Path, flags: Sequence[str]) -> None:
    """Start a broker, wait until it serves, stop it in good order."""
    options = ClusterOptions(version=home.version)
    leases = {name: PortLease() for name in listener_names(options, 1)}
    try:
        ports = {name: lease.port for name, lease in leases.items()}
        place = Place(1, HOST, HOST, HOST, ports, str(scratch / "data"))
        storage.place(storage.formatted_folder(home, {}), Path(place.data_folder), storage.random_id(), 1)
        properties = server_properties(options, place, [place], Secrets("", None))
        broker = JavaBroker(home, properties, scratch, flags=flags)
        broker.launch()
        try:
            wait_until_ready(broker)
        finally:
            broker.stop(hard=False)
    finally:
        for lease in leases.values():
            lease.release()
