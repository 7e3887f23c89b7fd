"""A cable (see networks.py) that joins each connection to it with one to the broker; what passes is for its kinds."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from pipeline.local.ports import HOST

Make = Callable[[Callable[[], socket.socket]], socket.socket]


class Relay(ABC):
    """One broker's port inside a worker's network."""

    def __init__(self, port: int, listens: Make, dials: Make) -> None:
        """Serves at once: whoever inherits calls this last."""
        self._port, self._dials = port, dials
        self._server = listens(lambda: socket.create_server((HOST, port)))
        threading.Thread(target=self._serve, name=f"{type(self).__name__} at {port}", daemon=True).start()

    @abstractmethod
    def takes(self) -> bool:
        """Asked for each connection that somebody opens; one that is not taken is reset."""

    @abstractmethod
    def joined(self, near: socket.socket, far: socket.socket) -> None:
        """A connection and the one to the broker: pass on what comes, in threads."""

    @abstractmethod
    def reset(self) -> None:
        """Reset every connection."""

    def close(self) -> None:
        """Take no more connections, and reset those that are there."""
        reset(self._server)
        self.reset()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            if not self.takes():
                reset(near)
                continue
            try:
                far = self._dials(lambda: socket.create_connection((HOST, self._port)))
            except OSError:
                reset(near)
                continue
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.joined(near, far)


def reset(end: socket.socket) -> None:
    """Close a socket with a reset, and wake the thread that waits for it."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RD)
    end.close()
