"""Know whether the remote cluster is there (STATE-1..17, LINK-37, LINK-38).

The leader's own probe, not the copying, decides on a link's state: it is made on every link, those without mirrors too,
and tells the errors apart. A link whose properties change is probed at once, so that a repair shows without waiting.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pipeline.cluster.errors import ClusterError
from pipeline.cluster.probe import ProbeResult, link_error, probe
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.duties import IDLE_S, Duty
from pipeline.lifecycle.times import now_ms
from pipeline.link.link_rules import check_remote_id
from pipeline.link.link_transitions import LinkEvent, advance_link
from pipeline.link.models import Link
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import ConnectionMode, LinkErrorCode, LinkState
from pipeline.metrics.meter import METER

SHORTEST_LIMIT_MS = 3_000
"""A probe may take this long, however short the interval."""
NEEDS_REPAIR = frozenset(
    {
        LinkErrorCode.CLUSTER_ID_MISMATCH_ERROR,
        LinkErrorCode.SECRET_DECRYPTION_ERROR,
        LinkErrorCode.FILE_NOT_FOUND_ERROR,
        LinkErrorCode.UNSUPPORTED_VERSION_ERROR,
    }
)
"""What does not pass by itself: the link is FAILED at once (STATE-4)."""


@dataclass(frozen=True)
class Finding:
    """What probes of a link with these configs say: how many have failed one after the other, and the last result."""

    configs: Mapping[str, str]
    result: ProbeResult
    failures: int = 0
    needs_repair: bool = False
    """The link cannot even be tried: a property that cannot be used, a secret that cannot be read."""


class Probing(Duty):
    """Probes one link every `availability.check.ms`, for as long as it is not paused."""

    def __init__(self, context: Context, link: str, wake: Callable[[], None]) -> None:
        super().__init__(context, link, wake)
        self._finding: Finding | None = None

    async def run(self) -> None:
        while True:
            link = self.row()
            if link is None or not is_probed(link):
                await self.rows_change()
                continue
            began = time.monotonic()
            before = self._finding.failures if self._finding and self._finding.configs == link.configs else 0
            self._finding = await examine(self.context, link, before)
            if not self._finding.result.ok:
                METER.add("clusterlink_probe_failures_total", self.link)
            self.wake()
            await self._until_due(link, began)

    def decide(self, decision: Decision) -> None:
        link, finding = self.row(), self._finding
        if link is None or finding is None or finding.configs != link.configs:
            return
        after = link
        if finding.result.ok and link.remote_cluster_id is None:
            after = replace(after, remote_cluster_id=finding.result.cluster_id)
        event = event_of(link.state, finding, LinkSettings.of(link.configs))
        if event is LinkEvent.REACHED and link.error is LinkErrorCode.REMOTE_LINK_NOT_FOUND_ERROR:
            event = None  # the cluster is there, but not what is missing: `pairing` tells when it is
        if event is not None:
            after, change = advance_link(
                after, event, finding.result.message or "a probe succeeded", now_ms(), finding.result.link_error
            )
            decision.note(change)
        if after != link:
            decision.put_link(after)

    async def _until_due(self, probed: Link, began: float) -> None:
        """Wait for the next time, or for a link that is not the one probed any more."""
        while True:
            link = self.row()
            if link is None or not is_probed(link) or link.configs != probed.configs:
                return
            left = began + LinkSettings.of(link.configs).availability_check_ms / 1000 - time.monotonic()
            if left <= 0:
                return
            await self.rows_change(min(left, IDLE_S))


async def examine(context: Context, link: Link, failures_before: int) -> Finding:
    """Probe a link once. Never raises for what the cluster or the link's properties do."""
    settings = LinkSettings.of(link.configs)
    try:
        properties = context.properties_of(link)
        await context.remote(link)  # whatever still goes on by properties that have changed ends now (LINK-10)
    except ClusterError as error:
        return Finding(link.configs, ProbeResult(link_error(error), str(error)), failures_before + 1, True)
    limit_ms = min(settings.request_timeout_ms, max(settings.availability_check_ms, SHORTEST_LIMIT_MS))
    result = await probe(properties, timeout_ms=limit_ms, traffic=METER.traffic(link.name, "source"))
    wrong = check_remote_id(link, result.cluster_id, context.cluster_id) if result.cluster_id else None
    if wrong is not None:
        result = replace(result, link_error=LinkErrorCode.CLUSTER_ID_MISMATCH_ERROR, message=wrong)
    failures = 0 if result.ok else failures_before + 1
    return Finding(link.configs, result, failures, result.link_error in NEEDS_REPAIR)


def is_probed(link: Link) -> bool:
    """Whether a probe can and may be made: a paused link says nothing to its remote cluster (LINK-35)."""
    return link.connection_mode is ConnectionMode.OUTBOUND and link.state is not LinkState.PAUSED


def event_of(state: LinkState, finding: Finding, settings: LinkSettings) -> LinkEvent | None:
    """What the findings mean for a link, None while failures are too few to tell.

    A refused credential does not get better by asking again, and of a link never reached nothing is known that would
    speak against the first failure (LINK-16): both count at once.
    """
    if finding.result.ok:
        return LinkEvent.REACHED
    if finding.needs_repair:
        return LinkEvent.BROKEN
    is_refused = finding.result.link_error is LinkErrorCode.AUTHENTICATION_ERROR
    enough = finding.failures >= settings.availability_check_consecutive_failure_threshold
    return LinkEvent.LOST if is_refused or enough or state is not LinkState.ACTIVE else None
