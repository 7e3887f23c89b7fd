"""Processes that do not outlive us: each Java process we start is known to one watchdog (see watchdog.py)."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.local import watchdog

STOP_TIMEOUT_S = 30.0
"""How long a broker may take to end in good order; a single one needs under a second."""


class Guard:
    """Our end of the watchdog. It is started with the first thing to guard; one serves the whole process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watchdog: subprocess.Popen[str] | None = None

    def add_process(self, pid: int) -> None:
        """End this process with us."""
        self._order(f"+process {pid}")

    def drop_process(self, pid: int) -> None:
        """This process has ended, or may outlive us."""
        self._order(f"-process {pid}")

    def add_folder(self, folder: Path) -> None:
        """Remove this folder with us."""
        self._order(f"+folder {folder}")

    def drop_folder(self, folder: Path) -> None:
        """This folder is gone, or may outlive us."""
        self._order(f"-folder {folder}")

    def _order(self, line: str) -> None:
        with self._lock:
            if self._watchdog is None:
                self._watchdog = self._start()
            assert self._watchdog.stdin is not None
            self._watchdog.stdin.write(line + "\n")
            self._watchdog.stdin.flush()

    def _start(self) -> subprocess.Popen[str]:
        # -I: nothing of the environment or of this folder gets in its way. Not a child's child: the pipe ends with us.
        started = subprocess.Popen(
            [sys.executable, "-I", watchdog.__file__], stdin=subprocess.PIPE, text=True, start_new_session=True
        )
        atexit.register(self._close, started)
        return started

    @staticmethod
    def _close(started: subprocess.Popen[str]) -> None:
        """At a normal exit, wait until the watchdog is done, so that nothing is left when the prompt returns."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            started.communicate(timeout=10)


GUARD = Guard()


@contextlib.contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """A folder for the length of a block; it goes with this process if that ends first."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    GUARD.add_folder(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        GUARD.drop_folder(folder)


class ServerProcess:
    """One server, its output appended to a log file. Not started twice: a restart is a new object."""

    def __init__(self, command: Sequence[str], log_file: Path, environment: Mapping[str, str] | None = None) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches us only and we end things in order."""
        with log_file.open("ab") as log:
            self._log_starts_at = log.tell()
            self._popen = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=None if environment is None else {**os.environ, **environment},
            )
        self._log_file = log_file
        GUARD.add_process(self.pid)

    @property
    def pid(self) -> int:
        return self._popen.pid

    def is_running(self) -> bool:
        return self._popen.poll() is None

    def log(self) -> str:
        """What it has logged since its start."""
        with self._log_file.open("rb") as log:
            log.seek(self._log_starts_at)
            return log.read().decode(errors="replace")

    def stop(self, hard: bool) -> None:
        """End it and wait until it is gone: in good order, or at once as by a power cut (`hard`, kill -9)."""
        self._popen.send_signal(signal.SIGKILL if hard else signal.SIGTERM)
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(STOP_TIMEOUT_S)
        finally:  # too slow, or we were interrupted while we waited: either way it must not be left running
            self._popen.kill()
            self._popen.wait()
        GUARD.drop_process(self.pid)

    def release(self) -> None:
        """Let it outlive us."""
        GUARD.drop_process(self.pid)
