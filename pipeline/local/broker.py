"""What a cluster asks of one of its brokers, whether it runs as a Java process or in a container."""

from __future__ import annotations

import time
from typing import Protocol

from pipeline.local.errors import BrokerFailed

STARTED = "Kafka Server started"
"""KafkaRaftServer logs this when the broker is registered, unfenced and serving; the same from 3.3 to 4.3."""
START_TIMEOUT_S = 180.0
_LOOK_EVERY_S = 0.02
_LINES_SHOWN = 40


class Broker(Protocol):
    """One broker. `launch` and `wait_until_ready` are apart because voters need each other to become ready."""

    def launch(self) -> None:
        """Start it; does not wait."""

    def is_running(self) -> bool:
        """Whether its process is there."""

    def log(self) -> str:
        """What it has logged since its last start."""

    def stop(self, hard: bool) -> None:
        """End it and wait until it is gone: in good order, or at once (`hard`, kill -9). Its data stays."""

    def process_id(self) -> int | None:
        """The process whose CPU time and memory are the broker's; None where it is out of our sight (containers)."""

    def describe(self) -> str:
        """How to find it from outside: a process id or a container's name."""

    def release(self) -> None:
        """Let it outlive this process."""


def wait_until_ready(broker: Broker) -> None:
    """Return when the broker serves; raises `BrokerFailed` when it ends instead, or takes too long."""
    give_up_at = time.monotonic() + START_TIMEOUT_S
    while STARTED not in broker.log():
        if not broker.is_running():
            raise BrokerFailed(f"{broker.describe()} ended while it started", _end_of(broker.log()))
        if time.monotonic() > give_up_at:
            raise BrokerFailed(f"{broker.describe()} was not ready in {START_TIMEOUT_S:.0f} s", _end_of(broker.log()))
        time.sleep(_LOOK_EVERY_S)


def _end_of(log: str) -> str:
    return "\n".join(log.splitlines()[-_LINES_SHOWN:])
