"""Ports for brokers: chosen so that neither another cluster nor a passing client takes them.

A port that was free a moment ago can be gone when the broker binds it, and a broker that is stopped and started again
must find its own port free. So ports come from below the range that systems hand out to clients (Linux: 32768 and
up), and each is leased: while a lease is held, the UDP port of the same number is bound, which Kafka does not use and
which the kernel gives back when the process ends, however it ends.
"""

from __future__ import annotations

import random
import socket

from pipeline.local.errors import LocalError

HOST = "127.0.0.1"
PORTS = range(21_000, 32_000)
_ATTEMPTS = 500


class PortLease:
    """One TCP port of this machine, ours until `release()`."""

    def __init__(self) -> None:
        """Take a free port at random; raises `LocalError` when hundreds in a row are taken."""
        for port in random.sample(PORTS, _ATTEMPTS):
            token = _claim(port)
            if token is not None:
                self.port = port
                self._token = token
                return
        raise LocalError(f"none of {_ATTEMPTS} ports tried between {PORTS.start} and {PORTS.stop - 1} is free")

    def release(self) -> None:
        """Give the port back; a second call does nothing."""
        self._token.close()


def _claim(port: int) -> socket.socket | None:
    """Bind the UDP twin of a port and see that its TCP side is free; None when either is taken."""
    token = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        token.bind((HOST, port))
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # A port in TIME_WAIT is fine for a broker, which sets the same option.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("", port))
    except OSError:
        token.close()
        return None
    return token
