"""A real worker process for a test, started as users start it, and ended with the test whatever happens.

    with WorkerProcess(destination.bootstrap_servers, tmp_path) as worker:
        httpx.get(f"{worker.url}/kafka/v3/clusters")
        worker.terminate()

Two workers share the work when they get the same `app_id`; each has a port and a folder of its own.
"""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from pipeline.local.ports import HOST, PortLease
from pipeline.local.process import GUARD
from tests.support.networks import Network

START_TIMEOUT_S = 200.0
"""Ten seconds on a quiet machine; a start is no matter of speed, so a busy one gets its time."""
END_WITHIN_S = 60.0
"""SIGTERM may take 10 s, under load too; a machine that is busy with other things needs more."""
POLL_S = 0.05
_ROOT = Path(__file__).resolve().parents[2]
_OWNS = re.compile(r"owns partitions \[([\d, ]*)\]")


def wait_until(condition: Callable[[], object], what: str, within_s: float = 120.0, poll_s: float = POLL_S) -> float:
    """Return the seconds until the condition holds; raises AssertionError naming `what` when it does not in time."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > within_s:
            raise AssertionError(f"not within {within_s:.0f} s: {what}")
        time.sleep(poll_s)
    return time.monotonic() - began


class InARow:
    """Counts how often something has happened while something else has stayed as it is, since that changed last.

    For what is to go smoothly, but may stumble where a machine is too busy: a test waits until it has for long enough.
    """

    def __init__(self, happened: Callable[[], int], stays: Callable[[], object]) -> None:
        self._happened, self._stays = happened, stays
        self._before, self._since = stays(), happened()

    def count(self) -> int:
        """Look again."""
        now = self._stays()
        if now != self._before:
            self._before, self._since = now, self._happened()
        return self._happened() - self._since


class WorkerProcess:
    """`python -m faust -A pipeline.app worker` with settings of its own. A `with` block starts it and ends it."""

    def __init__(
        self,
        bootstrap_servers: str,
        folder: Path,
        app_id: str | None = None,
        *,
        loglevel: str = "info",
        client_tls: ssl.SSLContext | None = None,
        network: Network | None = None,
        environment: Mapping[str, str] | None = None,
        **settings: str,
    ) -> None:
        """`settings` are rows of the settings table by field name; unless told 4 control partitions and a 6 s session.

        `client_tls` is what to ask it with, where the settings make it serve HTTPS. With a `network` it lives in there,
        and reaches no more than that opens to it. `environment` has further variables for its process. `folder` gets
        the table stores and the log, under a name of this worker's own.
        """
        self.app_id = app_id or f"t{uuid.uuid4().hex[:8]}"
        self.name = f"worker-{uuid.uuid4().hex[:6]}"
        self.client_tls = client_tls
        self._network = network
        self._environment = dict(environment or {})
        self._loglevel = loglevel
        self.folder = folder / self.name
        self._log_file = self.folder / "worker.log"
        self._given = {
            "bootstrap_servers": bootstrap_servers,
            "app_id": self.app_id,
            "data_dir": str(self.folder / "data"),
            "web_host": HOST,
            "partitions": "4",
            "replication_factor": "1",
            "session_timeout_ms": "6000",
            **settings,
        }
        self._lease: PortLease | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._log_begins_at = 0

    def __enter__(self) -> Self:
        self.launch()
        try:
            self.wait_until_ready()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            error.add_note(f"{self.name} logged last:\n{self.log_end()}")
        self._end()

    @contextmanager
    def ended_with_us(self) -> Iterator[Self]:
        """A block in which the test launches it when it likes; ended like `with` ends it."""
        try:
            yield self
        finally:
            self._end()

    def launch(self) -> None:
        """Start the process, again on the same port and data where it ran before; does not wait."""
        assert not self.is_running(), "it runs already"
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._lease is None:
            self._lease = PortLease()
            if self._network is not None:
                self._network.admits(self._lease.port)
        given = {**self._given, "web_port": str(self._lease.port)}
        way_in = self._network.command if self._network is not None else []
        # A session of its own: Ctrl-C reaches the tests only, which end it; the guard does where they are killed.
        with self._log_file.open("ab") as log:
            self._log_begins_at = log.tell()
            self._process = subprocess.Popen(
                [
                    *way_in,
                    sys.executable,
                    "-m",
                    "faust",
                    "--quiet",
                    "-A",
                    "pipeline.app",
                    "worker",
                    "--loglevel",
                    self._loglevel,
                ],
                cwd=_ROOT,
                env={
                    **os.environ,
                    **self._environment,
                    **{f"CLUSTERLINK_{field.upper()}": value for field, value in given.items()},
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        GUARD.add_process(self.pid)

    def wait_until_ready(self, within_s: float = START_TIMEOUT_S) -> float:
        """Return the seconds until it answers REST and works on its partitions; raises AssertionError with its log."""
        try:
            return wait_until(self.is_ready, f"{self.name} is ready", within_s)
        except AssertionError as error:
            error.add_note(f"{self.name} logged last:\n{self.log_end()}")
            raise

    def is_ready(self) -> bool:
        """Whether it has partitions, follows the control topics and answers; raises AssertionError if it has ended."""
        assert self.is_running(), f"{self.name} has ended:\n{self.log_end()}"
        if not self.owned or "follows cluster" not in self.log():
            return False
        try:
            return httpx.get(f"{self.url}/kafka/v3/clusters", timeout=2, verify=self.client_tls or True).is_success
        except httpx.TransportError:
            return False

    @property
    def owned(self) -> set[int]:
        """Partitions of the control topics that it last said are its own."""
        found = _OWNS.findall(self.log())
        return {int(number) for number in found[-1].split(",") if number.strip()} if found else set()

    @property
    def pid(self) -> int:
        assert self._process is not None, "it was never started"
        return self._process.pid

    @property
    def url(self) -> str:
        assert self._lease is not None, "it was never started"
        return f"{'https' if self.client_tls else 'http'}://{HOST}:{self._lease.port}"

    def is_running(self) -> bool:
        """Whether the process is there; a stopped one (SIGSTOP) is."""
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        """What it has logged since its last start."""
        if self._process is None:
            return ""
        with self._log_file.open("rb") as log:
            log.seek(self._log_begins_at)
            return log.read().decode(errors="replace")

    def log_end(self, lines: int = 40) -> str:
        return "\n".join(self.log().splitlines()[-lines:])

    def wait_for_end(self, within_s: float = START_TIMEOUT_S) -> int:
        """Wait until it ends by itself; returns the exit code."""
        assert self._process is not None, "it was never started"
        wait_until(lambda: not self.is_running(), f"{self.name} ends", within_s)
        self._drop()
        return self._process.returncode

    def terminate(self) -> float:
        """End it with SIGTERM; returns the seconds it took, and fails where they are more than `END_WITHIN_S`."""
        os.kill(self.pid, signal.SIGTERM)
        try:
            return wait_until(lambda: not self.is_running(), f"{self.name} ends after SIGTERM", END_WITHIN_S, 0.02)
        except AssertionError as error:
            error.add_note(f"{self.name} logged last:\n{self.log_end()}")
            raise
        finally:
            self._drop()

    def kill(self) -> None:
        """End it as by a power cut (SIGKILL), whatever it does."""
        self._drop()

    def freeze(self) -> None:
        """SIGSTOP: a machine that hangs, a process that swaps."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: a zombie that does not know what time it is."""
        os.kill(self.pid, signal.SIGCONT)

    def _drop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            GUARD.drop_process(self.pid)

    def _end(self) -> None:
        self._drop()
        if self._lease is not None:
            self._lease.release()
            self._lease = None
