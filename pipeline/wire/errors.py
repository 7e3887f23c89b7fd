"""What can be wrong with bytes, or with the protocol versions two sides speak.

WireError
├── CorruptBatch         a record batch that does not hold together: read it again, then fail the mirror (I4)
├── UnsupportedMagic     a message set of the formats v0/v1 (before Kafka 0.11): `message_sets.upgrade` the buffer
├── MalformedMessage     an answer that ends early or lies about its lengths: the connection is of no use any more
└── UnsupportedByBroker  the broker lacks a version of an API that we need (REST-91): nothing to retry
"""

from __future__ import annotations


class WireError(Exception):
    """Anything this package raises about bytes."""


class CorruptBatch(WireError):
    """A batch whose checksum, lengths or counts contradict each other; `base_offset` is what its header claims."""

    def __init__(self, base_offset: int, reason: str) -> None:
        super().__init__(f"corrupt record batch at offset {base_offset}: {reason}")
        self.base_offset = base_offset
        self.reason = reason


class UnsupportedMagic(WireError):
    """A batch not of format v2; `position` is where in the buffer it begins, `magic` its format (0 or 1: known)."""

    def __init__(self, base_offset: int, magic: int, position: int = 0) -> None:
        super().__init__(f"record batch at offset {base_offset} has message format v{magic}, not v2")
        self.base_offset = base_offset
        self.magic = magic
        self.position = position


class MalformedMessage(WireError):
    """A protocol message that cannot be read as what it says it is."""


class UnsupportedByBroker(WireError):
    """REST-91 (400/40035): the broker offers no version of an API that we can speak; `offered` None: not the API."""

    def __init__(self, api: str, api_key: int, needed: tuple[int, int], offered: tuple[int, int] | None) -> None:
        theirs = "does not offer it" if offered is None else f"offers versions {offered[0]} to {offered[1]}"
        super().__init__(
            f"{api} (API {api_key}) is needed in a version from {needed[0]} to {needed[1]}; the broker {theirs}"
        )
        self.api = api
        self.api_key = api_key
        self.needed = needed
        self.offered = offered
