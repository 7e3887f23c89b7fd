"""What can go wrong with brokers on this machine, by what the reader of the message has to do.

LocalError
├── ToolMissing       install something: the message names it, and what would do instead
├── DownloadFailed    look at the network or at Maven's settings: the message ends with Maven's own words
└── BrokerFailed      read the broker's log: the message ends with its last lines
"""

from __future__ import annotations


class LocalError(Exception):
    """Brokers cannot run here; the message says what to do about it."""


class ToolMissing(LocalError):
    """Java, Maven or Docker is not there, or too old, or does not answer."""


class DownloadFailed(LocalError):
    """Maven ran and could not bring Apache Kafka's jars."""


class BrokerFailed(LocalError):
    """A broker ended by itself, or was not ready in time."""

    def __init__(self, message: str, log: str) -> None:
        """`log` is the end of the broker's log; it becomes part of the message."""
        super().__init__(f"{message}; its log ends with:\n{log}" if log else f"{message}; it logged nothing")
        self.log = log
