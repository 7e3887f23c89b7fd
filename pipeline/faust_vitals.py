"""What can be told of Faust from outside: whether its consumer lives, whether tables are recovered, its own numbers.

Its default sensor (`app.monitor`) counts anyway; the numbers are read off it when somebody asks, so that slices of
mirrors cost nothing more.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

SILENT_S = 30.0
"""The consumer's thread may be busy for this long before it counts as dead."""


class FaustVitals:
    """Watches one Faust app."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._heard = time.monotonic()

    def beat(self) -> None:
        """Ask the consumer's thread for a sign of life; called every second or so."""
        thread = self._thread()
        loop = getattr(thread, "thread_loop", None)
        if loop is not None and loop.is_running():
            loop.call_soon_threadsafe(self._hear)
        elif thread is None:
            self._heard = time.monotonic()  # not there yet

    def ailment(self) -> str:
        """Why the consumer is not alive; empty where it is, or has not begun yet."""
        consumer = self._app.consumer if self._app.started else None
        if consumer is not None and (consumer.crashed or getattr(self._thread(), "crashed", False)):
            return "Faust's consumer has crashed"
        silent_s = time.monotonic() - self._heard
        return f"Faust's consumer has been silent for {silent_s:.0f} s" if silent_s > SILENT_S else ""

    def is_recovered(self) -> bool:
        """Whether the tables of what is assigned have been read, and no rebalance is under way."""
        recovery = self._app.tables.recovery
        return bool(recovery.completed.is_set() and not recovery.in_recovery and not self._app.rebalancing)

    def numbers(self) -> Mapping[str, float]:
        """By the names of `clusterlink_faust_*`."""
        monitor = self._app.monitor
        return {
            "messages_received_total": monitor.messages_received_total,
            "messages_sent_total": monitor.messages_sent,
            "events_total": monitor.events_total,
            "events_active": monitor.events_active,
            "send_errors_total": monitor.send_errors,
            "assignments_completed_total": monitor.assignments_completed,
            "assignments_failed_total": monitor.assignments_failed,
            "commit_latency_seconds": _last(monitor.commit_latency),
            "send_latency_seconds": _last(monitor.send_latency),
        }

    def _thread(self) -> Any:
        return getattr(self._app.consumer, "_thread", None) if self._app.started else None

    def _hear(self) -> None:
        self._heard = time.monotonic()


def _last(values: Any) -> float:
    return float(values[-1]) if values else 0.0
