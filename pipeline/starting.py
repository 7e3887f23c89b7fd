"""What a worker settles with its machine before it starts: a free port, a folder of its own, a log one can read."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import socket
import tempfile
from pathlib import Path

from pipeline.cluster.errors import ClusterError, Unreachable
from pipeline.repeating import OnceAMinute
from pipeline.settings import SettingsError, WorkerSettings

LIBRARIES = ("faust", "mode", "aiokafka", "kafka")
"""What they have to say of every start fills pages and is of no use to an operator; their warnings are."""
REPEATED = OnceAMinute(LIBRARIES)
"""While a cluster is away they say so 150 times a second, of each connection that is tried anew."""
FALSE_ALARMS = {
    "faust.transport.drivers.aiokafka": ("Stream has not started processing",),
    "aiokafka.consumer.group_coordinator": (
        "Group Coordinator Request failed: [Error 15]",
        "because it is rebalancing",
    ),
}
"""Errors that are none, by logger. Faust counts from its start, not from the assignment, so it misses the events of
each idle partition that comes to a worker later; `/healthz` watches the streams. A cluster that has had no groups yet
has no coordinator until it is asked for one. That a worker comes or goes is told by the partitions it owns."""
LOCK = ".lock"
ROOM_BYTES = 16 << 20
"""What has to be free on the disk of the table stores: a worker ends when they cannot be written."""


class Claims:
    """The worker's folder, ours until `release`, or for as long as this process lives, however it ends."""

    def __init__(self, settings: WorkerSettings) -> None:
        """Raises SettingsError, naming the setting, where port or folder cannot be had."""
        self._lock = -1
        taken = self._take_folder(settings)
        problems = [said for said in (_port_problem(settings), taken or _room_problem(settings)) if said]
        if problems:
            self.release()
            raise SettingsError(problems)

    def release(self) -> None:
        """Let another have the folder; a second call does nothing."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _take_folder(self, settings: WorkerSettings) -> str:
        folder = Path(settings.data_dir)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(folder / LOCK, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return f"CLUSTERLINK_DATA_DIR: {folder.absolute()} is in use by another worker; each needs one of its own"
        except OSError as error:
            if error.errno in (errno.ENOLCK, errno.ENOTSUP):  # a file system without locks
                return ""
            return f"CLUSTERLINK_DATA_DIR: {folder.absolute()} cannot be used: {error.strerror}"
        return ""


def _room_problem(settings: WorkerSettings) -> str:
    """Whether something can be written to the folder. Found out later, it would end the worker again and again."""
    try:
        with tempfile.TemporaryFile(dir=settings.data_dir) as file:
            file.write(bytes(ROOM_BYTES))
    except OSError as error:
        where, wanted = Path(settings.data_dir).absolute(), ROOM_BYTES >> 20
        return (
            f"CLUSTERLINK_DATA_DIR: {where} has no room for {wanted} MiB: {error.strerror}; free some, or use another"
        )
    return ""


def _port_problem(settings: WorkerSettings) -> str:
    """Whether the port can be served; who takes it between now and then makes the worker fail later."""
    where = f"CLUSTERLINK_WEB_HOST and _WEB_PORT: {settings.web_host}:{settings.web_port}"
    try:
        found = socket.getaddrinfo(settings.web_host, settings.web_port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, address in found:
            with contextlib.closing(socket.socket(family, kind, protocol)) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family is socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"{where} is in use by another program; another port is --web-port"
        return f"{where} cannot be served: {error.strerror or os.strerror(error.errno or 0)}"
    return ""


def own_cluster_problem(error: ClusterError) -> str:
    """Why a worker cannot start beside its own cluster. A broker that is spoken to wrongly only hangs up."""
    hint = ""
    if isinstance(error, Unreachable) and str(error).endswith("closed"):
        hint = "; does security.protocol (CLUSTERLINK_COMMAND_CONFIG) fit the listener?"
    return f"the own cluster, CLUSTERLINK_BOOTSTRAP_SERVERS: {error}{hint}"


def calm_libraries(wanted: int = logging.INFO) -> None:
    """Let libraries log warnings only, each once a minute, where `wanted` is what a worker logs usually; else what is
    wanted, all of it.
    """
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING if wanted == logging.INFO else logging.NOTSET)
    for handler in logging.getLogger().handlers:
        handler.removeFilter(REPEATED)
        if wanted == logging.INFO:
            handler.addFilter(REPEATED)
    for name in FALSE_ALARMS:
        logging.getLogger(name).addFilter(is_no_false_alarm)  # the same function again changes nothing


def is_no_false_alarm(record: logging.LogRecord) -> bool:
    """Whether a record may be logged."""
    said = record.getMessage()
    return not any(alarm in said for alarm in FALSE_ALARMS.get(record.name, ()))


def addresses(settings: WorkerSettings) -> str:
    """Where this worker is to be found, for its log."""
    scheme = "https" if settings.web_certificate_file else "http"
    host = "localhost" if settings.web_host in ("0.0.0.0", "::") else settings.web_host
    url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.web_port}"
    return f"console {url}/console/, REST {url}/kafka/v3, metrics {url}/metrics"
