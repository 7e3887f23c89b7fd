"""A packet capture in a test's network: which connections were opened there, and toward which ports.

    with Capture(network) as capture:
        ...
        assert capture.opened.keys() <= {9092}

It is tcpdump, on the one device that a network has; what counts is the first packet of a connection, SYN without ACK,
answered or not. Needs root.
"""

from __future__ import annotations

import re
import signal
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.local.process import GUARD
from tests.support.networks import Network
from tests.support.packages import need

_FIRST_PACKETS = "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn"
_TO = re.compile(r"IP \S+ > \S+\.(\d+): Flags \[S.*\n")
_LOST = re.compile(r"(\d+) packets? dropped by kernel")
_END_WITHIN_S = 60.0


class Capture:
    """What tcpdump has seen since a `with` block began."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._tcpdump: subprocess.Popen[str] | None = None
        # not a pipe: nobody reads while the test runs, and a full one would hold tcpdump up
        self._folder = tempfile.TemporaryDirectory(prefix="clusterlink-capture-")
        self._seen = Path(self._folder.name) / "seen"

    def __enter__(self) -> Self:
        need({"tcpdump": "tcpdump"})
        command = [*self._network.command, "tcpdump", "-i", "lo", "-n", "-l", "--immediate-mode", _FIRST_PACKETS]
        with self._seen.open("wb") as seen:
            self._tcpdump = subprocess.Popen(command, stdout=seen, stderr=subprocess.PIPE, text=True)
        GUARD.add_process(self._tcpdump.pid)
        assert self._tcpdump.stderr is not None
        # nothing is missed from then on
        while "listening on lo" not in (line := self._tcpdump.stderr.readline()):
            assert line, "tcpdump ended before it listened"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._tcpdump is not None
        self._tcpdump.send_signal(signal.SIGINT)  # it then says what it has lost
        _, said = self._tcpdump.communicate(timeout=_END_WITHIN_S)
        GUARD.drop_process(self._tcpdump.pid)
        self._folder.cleanup()
        lost = _LOST.search(said)
        if error is None:
            assert lost is not None and lost[1] == "0", f"tcpdump has not seen everything: {said}"

    @property
    def opened(self) -> Counter[int]:
        """How many connections somebody has tried to open, by the port that they were for.

        tcpdump writes in the order in which it sees: what came before a connection that is here is here too.
        """
        return Counter(int(port) for port in _TO.findall(self._seen.read_text()))
