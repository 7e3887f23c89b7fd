"""Networks of a test's own, with no way in or out but what the test opens: firewalls, and cables to pull.

    with Network() as private:
        private.opens(port)            # who is inside reaches 127.0.0.1:port of the outside, under the same address
        worker = WorkerProcess(..., network=private)
        private.cuts(port)             # the cable is pulled: nothing gets through, and nobody is told

A network is a namespace of Linux with nothing but a loopback device. Threads of this process take connections on one
side and pass bytes on to the other. Needs root.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from pipeline.local.ports import HOST
from pipeline.local.process import GUARD
from tests.support.packages import need

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS, _UP_AND_RUNNING = 0x8914, 0x41
_CHUNK = 1 << 16
_LIBC = ctypes.CDLL(None, use_errno=True)
Make = Callable[[Callable[[], socket.socket]], socket.socket]
_Cable = TypeVar("_Cable")


class Network:
    """One namespace, for as long as a `with` block."""

    def __init__(self) -> None:
        self._holder: subprocess.Popen[bytes] | None = None
        self._cables: dict[int, Cable] = {}

    def __enter__(self) -> Self:
        need({"unshare": "util-linux", "nsenter": "util-linux"})
        assert os.geteuid() == 0, "a network of its own needs root"
        # it says when it is inside: the namespace is there from then on
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo inside; exec sleep infinity"], stdout=subprocess.PIPE
        )
        GUARD.add_process(self._holder.pid)
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"inside\n"
        self._inside(_with_loopback).close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for cable in self._cables.values():
            cable.close()
        assert self._holder is not None and self._holder.stdout is not None
        self._holder.kill()
        self._holder.wait()
        self._holder.stdout.close()
        GUARD.drop_process(self._holder.pid)

    @property
    def command(self) -> list[str]:
        """What to put before a command so that it runs inside."""
        return ["nsenter", f"--net={self._path}"]

    def opens(self, *ports: int) -> None:
        """Let whoever is inside reach these ports of the outside."""
        for port in ports:
            self._cables[port] = Cable(port, listens=self._inside, dials=_here)

    def leads(self, port: int, cable: Callable[[int, Make, Make], _Cable]) -> _Cable:
        """Let whoever is inside reach a port of the outside by a cable of the caller's own making, and to close."""
        return cable(port, self._inside, _here)

    def admits(self, *ports: int) -> None:
        """Let whoever is outside reach these ports of the inside."""
        for port in ports:
            self._cables[port] = Cable(port, listens=_here, dials=self._inside)

    def cuts(self, *ports: int) -> None:
        """Let nothing through: connections fall silent, new ones get no answer."""
        for port in ports:
            self._cables[port].cut()

    def mends(self, *ports: int) -> None:
        """Let everything through again; connections from before are reset."""
        for port in ports:
            self._cables[port].mend()

    @property
    def _path(self) -> str:
        assert self._holder is not None, "the network is not there yet"
        return f"/proc/{self._holder.pid}/ns/net"

    def _inside(self, make: Callable[[], socket.socket]) -> socket.socket:
        """Make a socket in a thread that has joined the network: it belongs to where it was made."""
        made: list[socket.socket | OSError] = []

        def work() -> None:
            with open(self._path, "rb") as namespace:
                try:
                    if _LIBC.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
                        raise OSError(ctypes.get_errno(), "setns")
                    made.append(make())
                except OSError as error:
                    made.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        return made[0]


class Cable:
    """A port of one side that is also a port of the other."""

    def __init__(self, port: int, listens: Make, dials: Make) -> None:
        self._port = port
        self._dials = dials
        self._server = listens(lambda: socket.create_server((HOST, port)))
        self._is_cut = False
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._serve, name=f"cable {port}", daemon=True).start()

    def cut(self) -> None:
        self._is_cut = True

    def mend(self) -> None:
        with self._lock:
            before, self._ends = self._ends, set()
            self._is_cut = False
        for end in before:
            _hang_up(end)

    def close(self) -> None:
        self.mend()
        _hang_up(self._server)

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            with self._lock:
                self._ends.add(near)
                if self._is_cut:
                    continue  # taken by the system, heard by nobody
            try:
                far = self._dials(lambda: socket.create_connection((HOST, self._port)))
            except OSError:
                _hang_up(near)
                continue
            with self._lock:
                self._ends.add(far)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(_CHUNK):
                if not self._is_cut:
                    other.sendall(data)
        if not self._is_cut:
            with self._lock:
                self._ends -= {one, other}
            _hang_up(one)
            _hang_up(other)


def _here(make: Callable[[], socket.socket]) -> socket.socket:
    return make()


def _with_loopback() -> socket.socket:
    """A socket, after the loopback device is up."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    fcntl.ioctl(made, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", _UP_AND_RUNNING))
    return made


def _hang_up(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
