"""A worker as a process of its own, as a user would start it, known to the watchdog that ends it with us."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from pipeline.local.ports import HOST, PortLease
from pipeline.local.process import ServerProcess

START_TIMEOUT_S = 180.0
LOG_LINES_SHOWN = 30


class WorkerFailed(Exception):
    """The worker ended by itself, or did not serve in time; the message ends with what it logged last."""


class WorkerProcess:
    """`faust -A pipeline.app worker`, serving REST on a port of its own for as long as a `with` block."""

    def __init__(self, folder: Path, bootstrap_servers: str, settings: Mapping[str, str] | None = None) -> None:
        """folder gets the table stores and the log. settings are rows of the settings table, by field name."""
        self._folder = folder
        self._lease: PortLease | None = None
        self._process: ServerProcess | None = None
        self._settings = {
            "bootstrap_servers": bootstrap_servers,
            "data_dir": str(folder / "worker-data"),
            "web_host": HOST,
            "replication_factor": "1",
            **(settings or {}),
        }

    def __enter__(self) -> Self:
        self.launch()
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop(hard=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def launch(self) -> None:
        """Start the process; does not wait."""
        self._lease = PortLease()
        given = {**self._settings, "web_port": str(self._lease.port)}
        environment = {f"CLUSTERLINK_{name.upper()}": value for name, value in given.items()}
        command = [sys.executable, "-m", "faust", "--quiet", "-A", "pipeline.app", "worker", "--loglevel", "info"]
        self._process = ServerProcess(command, self._folder / "worker.log", environment)

    def wait_until_ready(self) -> None:
        """Return when the worker answers REST. Raises WorkerFailed."""
        give_up_at = time.monotonic() + START_TIMEOUT_S
        with httpx.Client(timeout=2) as client:
            while True:
                try:
                    if client.get(f"{self.url}/kafka/v3/clusters").is_success:
                        return
                except httpx.TransportError:
                    pass
                if self._process is None or not self._process.is_running():
                    raise WorkerFailed(f"the worker ended while it started; it logged\n{self.log_end()}")
                if time.monotonic() > give_up_at:
                    raise WorkerFailed(f"no answer in {START_TIMEOUT_S:.0f} s; it logged\n{self.log_end()}")
                time.sleep(0.1)

    def stop(self, hard: bool = False) -> None:
        """End it in good order, or as by a power cut; a second call does nothing."""
        if self._process is not None and self._process.is_running():
            self._process.stop(hard)
        self._process = None
        if self._lease is not None:
            self._lease.release()

    @property
    def pid(self) -> int:
        assert self._process is not None, "a worker that is not running"
        return self._process.pid

    @property
    def url(self) -> str:
        assert self._lease is not None, "a worker that was not started"
        return f"http://{HOST}:{self._lease.port}"

    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running()

    def log(self) -> str:
        """All it has logged."""
        return "" if self._process is None else self._process.log()

    def log_end(self) -> str:
        """The last lines it has logged."""
        return "\n".join(self.log().splitlines()[-LOG_LINES_SHOWN:])
