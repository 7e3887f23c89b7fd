"""What goes over the connections to one cluster: plain numbers, since every request counts here."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter


class Traffic:
    """Connections, requests and bytes of one link to one cluster (MET-8, MET-9, MET-11)."""

    def __init__(self, size_buckets: tuple[float, ...] = (), login_buckets: tuple[float, ...] = ()) -> None:
        self.opened = 0
        self.open_now = 0
        self.received_bytes = 0
        self.sent_bytes = 0
        self.requests: Counter[str] = Counter()
        self.logins: Counter[str] = Counter()
        self.login_counts = [0] * (len(login_buckets) + 1)
        self.login_seconds = 0.0
        self._login_buckets = login_buckets
        self._buckets = size_buckets
        self.sizes = [0] * (len(size_buckets) + 1)

    @property
    def closed(self) -> int:
        """Connections that have ended."""
        return self.opened - self.open_now

    def connected(self) -> None:
        """A connection stands."""
        self.opened += 1
        self.open_now += 1

    def disconnected(self) -> None:
        """A connection that stood has ended."""
        self.open_now -= 1

    def logged_in(self, seconds: float) -> None:
        """A connection stands, its login included."""
        self.logins["success"] += 1
        self.login_counts[bisect_left(self._login_buckets, seconds)] += 1
        self.login_seconds += seconds

    def sent(self, api: str, size: int) -> None:
        """A request left."""
        self.requests[api] += 1
        self.sent_bytes += size
        self.sizes[bisect_left(self._buckets, size)] += 1

    def received(self, size: int) -> None:
        """An answer came."""
        self.received_bytes += size
