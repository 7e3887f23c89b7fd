"""What the facts of two clusters mean for a link between them: one function a concern. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pipeline.cluster.errors import SECURITY_DISABLED, ClusterError
from pipeline.doctor.asking import Facts
from pipeline.doctor.finding import Finding, Side, Status
from pipeline.doctor.limits import limits
from pipeline.doctor.permissions import destination_permissions, source_permissions
from pipeline.wording import counted

MOST_CLOCK_DIFFERENCE_S = 5.0
S = Side


def judge(source: Facts, destination: Facts, topics: Sequence[str] = (), app_id: str = "clusterlink") -> list[Finding]:
    """All findings."""
    found: list[Finding] = [*_reached(S.SOURCE, source), *_reached(S.DESTINATION, destination)]
    if not source.reached.cluster_id or not destination.reached.cluster_id:
        return found
    found.append(_ids(source.reached.cluster_id, destination.reached.cluster_id))
    if source.brokers:
        found += [_authorizer(S.SOURCE, source), *source_permissions(source, topics)]
    if destination.brokers:
        found += [_authorizer(S.DESTINATION, destination), *destination_permissions(destination, app_id)]
    found += _clocks(source, destination)
    found += limits(source, destination)
    return found


def _reached(side: Side, facts: Facts) -> Iterator[Finding]:
    reached = facts.reached
    if reached.link_error == "UNSUPPORTED_VERSION_ERROR":
        yield Finding(side, "versions", Status.ERROR, reached.message, "Upgrade the brokers named (TERM-35).")
    elif not reached.ok:
        mend = _MENDS.get(reached.link_error, "Look at the message, then at the broker's log.")
        yield Finding(side, "reach", Status.ERROR, f"{reached.link_error}: {reached.message}", mend)
        return
    else:
        yield Finding(side, "versions", Status.OK, "every broker speaks what is needed")
    if reached.unreachable:
        yield Finding(
            side,
            "reach",
            Status.ERROR,
            "; ".join(reached.unreachable),
            "Let the workers reach every broker at the address it advertises: routes, firewalls, advertised.listeners.",
        )
    else:
        yield Finding(side, "reach", Status.OK, f"cluster {reached.cluster_id}, {counted(facts.brokers, 'broker')}")


_MENDS = {
    "AUTHENTICATION_ERROR": "Give the right user and password (or certificate), or create the user on that cluster.",
    "UNRESOLVABLE_BOOTSTRAP_ERROR": "Correct the name, or let this machine's resolver know it.",
    "INVALID_BOOTSTRAP_INTERNAL_ENDPOINT_ERROR": "Use a listener whose advertised addresses can be reached from here.",
    "BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR": "Is the port right, the broker up, a firewall between?",
    "TIMEOUT_ERROR": "A firewall that drops packets, or the wrong security.protocol, looks like this.",
    "FILE_NOT_FOUND_ERROR": "Correct the path; on workers the file has to be at the same place.",
}


def _ids(source: str, destination: str) -> Finding:
    if source == destination:
        mend = "A link joins two clusters; check the bootstrap servers."
        return Finding(S.BOTH, "cluster ids", Status.ERROR, f"both are {source}: this is one cluster", mend)
    return Finding(S.BOTH, "cluster ids", Status.OK, f"they differ: {source}, {destination}")


def _authorizer(side: Side, facts: Facts) -> Finding:
    if isinstance(facts.has_authorizer, ClusterError):
        return Finding(side, "authorizer", Status.UNKNOWN, str(facts.has_authorizer))
    if facts.has_authorizer:
        return Finding(side, "authorizer", Status.OK, "there is one, so permissions count")
    mend = "acl.sync.enable has to stay false."
    if side is S.DESTINATION:
        mend = "acl.sync.enable has to stay false, and anybody may write to mirrors and to the commands topic."
    return Finding(
        side, "authorizer", Status.NOTE, f"none (SECURITY_DISABLED, {SECURITY_DISABLED}): everybody may do all", mend
    )


def _clocks(source: Facts, destination: Facts) -> Iterable[Finding]:
    for side, facts in ((S.SOURCE, source), (S.DESTINATION, destination)):
        clock = facts.clock
        if clock is None or isinstance(clock, ClusterError):
            why = str(clock) if clock is not None else "the brokers do not tell (before 3.3, or with ZooKeeper)"
            mend = "Give DESCRIBE on the cluster, or compare the clocks yourself." if clock is not None else ""
            yield Finding(side, "clock", Status.UNKNOWN, why, mend)
            continue
        found = f"{abs(clock.ahead_s):.1f} s {'ahead of' if clock.ahead_s > 0 else 'behind'} this machine's"
        if abs(clock.ahead_s) - clock.within_s > MOST_CLOCK_DIFFERENCE_S:
            mend = "Set the clocks by NTP: lag in seconds, retention by time and consumer offsets by time go by them."
            yield Finding(side, "clock", Status.WARNING, found, mend)
        else:
            yield Finding(side, "clock", Status.OK, found)
