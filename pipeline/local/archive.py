"""Making the class data archive of a version of Kafka, from the life of a broker of its own.

It takes some 15 s, once. It is no more than a help: where it cannot be made, brokers start without it, only later.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from pipeline.local import storage
from pipeline.local.broker import wait_until_ready
from pipeline.local.errors import BrokerFailed
from pipeline.local.java_broker import JavaBroker
from pipeline.local.jvm import archive_file
from pipeline.local.kafka_home import KafkaHome, locked
from pipeline.local.options import ClusterOptions
from pipeline.local.ports import HOST, PortLease
from pipeline.local.process import scratch_folder
from pipeline.local.properties import Place, Secrets, listener_names, server_properties

logger = logging.getLogger(__name__)
_failed: set[Path] = set()
"""Archives that this process could not make; it does not try again."""


def ensure_archive(home: KafkaHome) -> None:
    """Make the archive of these jars where it is not there yet, one process at a time."""
    archive = archive_file(home)
    if archive.exists() or archive in _failed:
        return
    with locked(f"{home.folder.name}-archive"):
        if not archive.exists() and archive not in _failed:
            try:
                _make(home, archive)
            except (BrokerFailed, OSError) as error:
                _failed.add(archive)
                logger.warning("Brokers of Kafka %s start without a class data archive: %s", home.version, error)


def _make(home: KafkaHome, archive: Path) -> None:
    with scratch_folder("clusterlink-archive-") as scratch:
        made = scratch / "classes.jsa"
        _live_once(home, scratch, [f"-XX:ArchiveClassesAtExit={made}"])
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
