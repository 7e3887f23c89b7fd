"""Is the other cluster there, and if not, why (STATE-10 to STATE-17)?

The errors that a link shows are told apart in the order in which a connection comes about: properties and files, name,
TCP, TLS and login, the advertised addresses of the brokers, the protocol versions they speak, the id of the cluster.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.cluster.bootstrap import parse_address
from pipeline.cluster.connections import Address
from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import (
    ClusterError,
    FileMissing,
    NotAuthenticated,
    SecretUnreadable,
    TimedOut,
    Unreachable,
    Unsupported,
)
from pipeline.cluster.metadata import Broker
from pipeline.cluster.security import ClientSecurity, client_arguments
from pipeline.cluster.versions import Role, lacking
from pipeline.link.states import LinkErrorCode
from pipeline.metrics.traffic import Traffic

TCP_SECONDS = 2.0
"""How long the look at a port may take that tells a refusal from a silence."""


@dataclass(frozen=True)
class ProbeResult:
    """What a probe found. ``link_error`` is NO_ERROR and ``message`` empty when all is well."""

    link_error: LinkErrorCode
    message: str = ""
    cluster_id: str = ""
    """Filled in as soon as the cluster has said it, errors or not."""
    versions: Mapping[int, Mapping[int, tuple[int, int]]] = field(default_factory=dict, repr=False)
    """By broker and API key: the lowest and highest version, of the brokers that answered."""
    unreachable: tuple[str, ...] = ()
    """Brokers that did not answer while others did: their partitions cannot be read now."""

    @property
    def ok(self) -> bool:
        return self.link_error is LinkErrorCode.NO_ERROR


async def probe(
    configs: Mapping[str, str],
    *,
    head: str = "",
    roles: Role = Role.SOURCE,
    expected_cluster_id: str | None = None,
    timeout_ms: int | None = None,
    traffic: Traffic | None = None,
) -> ProbeResult:
    """Reach a cluster with a link's properties and say how that went; never raises for what the cluster does.

    ``timeout_ms`` bounds the whole probe (None: ``request.timeout.ms``). ``roles`` says what the cluster has to be
    capable of; ``traffic`` is where it is counted. Leaves no connection open.
    """
    try:
        security = client_arguments(configs, head)
    except ClusterError as error:
        return ProbeResult(link_error(error), str(error))
    client = DataClient(security, "clusterlink-probe", traffic)
    limit_ms = security.request_timeout_ms if timeout_ms is None else timeout_ms
    try:
        async with asyncio.timeout(limit_ms / 1000):
            return await _probe(client, roles, expected_cluster_id)
    except TimeoutError:
        servers = ", ".join(security.bootstrap)
        return ProbeResult(LinkErrorCode.TIMEOUT_ERROR, f"{servers}: no answer in {limit_ms} ms", client.cluster_id)
    finally:
        await client.close()


def link_error(error: ClusterError) -> LinkErrorCode:
    """Return the ``link_error`` of an error met while a link works, as far as the error alone can tell."""
    return next((code for kind, code in _BY_CLASS if isinstance(error, kind)), LinkErrorCode.UNKNOWN)


_BY_CLASS: tuple[tuple[type[ClusterError], LinkErrorCode], ...] = (
    (NotAuthenticated, LinkErrorCode.AUTHENTICATION_ERROR),
    (TimedOut, LinkErrorCode.TIMEOUT_ERROR),
    (Unsupported, LinkErrorCode.UNSUPPORTED_VERSION_ERROR),
    (FileMissing, LinkErrorCode.FILE_NOT_FOUND_ERROR),
    (SecretUnreadable, LinkErrorCode.SECRET_DECRYPTION_ERROR),
)


async def _probe(client: DataClient, roles: Role, expected_cluster_id: str | None) -> ProbeResult:
    unresolved = await _unresolved(client.security)
    if unresolved is not None:
        return ProbeResult(LinkErrorCode.UNRESOLVABLE_BOOTSTRAP_ERROR, unresolved)
    try:
        await client.start()
    except Unreachable as error:
        return await _why_unreachable(client.security, error)
    except ClusterError as error:
        hinted = _with_hint(error) if isinstance(error, NotAuthenticated) else str(error)
        return ProbeResult(link_error(error), hinted)
    cluster_id = client.cluster_id
    brokers = list(client.brokers.values())
    answers = await asyncio.gather(*(_ask(client, broker) for broker in brokers))
    versions = {b.node_id: answer for b, answer in zip(brokers, answers, strict=True) if isinstance(answer, dict)}
    problems = {b: answer for b, answer in zip(brokers, answers, strict=True) if isinstance(answer, ClusterError)}
    refusals = [problem for problem in problems.values() if isinstance(problem, NotAuthenticated)]
    if refusals:
        return ProbeResult(LinkErrorCode.AUTHENTICATION_ERROR, _with_hint(refusals[0]), cluster_id, versions)
    if not versions:
        advertised = "; ".join(str(problem) for problem in problems.values())
        message = (
            f"the bootstrap server answers, but the addresses it gives for the brokers cannot be reached from here "
            f"(is it an internal listener?): {advertised}"
        )
        return ProbeResult(LinkErrorCode.INVALID_BOOTSTRAP_INTERNAL_ENDPOINT_ERROR, message, cluster_id)
    unreachable = tuple(f"broker {broker.node_id}: {problem}" for broker, problem in problems.items())
    code, message = _judged(client, versions, roles, expected_cluster_id)
    return ProbeResult(code, message, cluster_id, versions, unreachable)


def _judged(
    client: DataClient,
    versions: Mapping[int, dict[int, tuple[int, int]]],
    roles: Role,
    expected_cluster_id: str | None,
) -> tuple[LinkErrorCode, str]:
    """Is it the right cluster, and does it speak what we need?"""
    if expected_cluster_id is not None and client.cluster_id != expected_cluster_id:
        servers = ", ".join(client.security.bootstrap)
        message = f"the cluster at {servers} is {client.cluster_id}, not {expected_cluster_id}"
        return LinkErrorCode.CLUSTER_ID_MISMATCH_ERROR, message
    missing = []
    for node, offered in sorted(versions.items()):
        broker = client.brokers[node]
        missing += [f"broker {node} ({broker.host}:{broker.port}): {problem}" for problem in lacking(offered, roles)]
    if missing:
        return LinkErrorCode.UNSUPPORTED_VERSION_ERROR, "; ".join(missing)
    return LinkErrorCode.NO_ERROR, ""


async def _ask(client: DataClient, broker: Broker) -> dict[int, tuple[int, int]] | ClusterError:
    try:
        return await client.api_versions(broker.node_id)
    except ClusterError as error:
        return error


async def _unresolved(security: ClientSecurity) -> str | None:
    """Say why no bootstrap name resolves; None when one does, or is not even well-formed."""
    try:
        addresses = [parse_address(server) for server in security.bootstrap]
    except ClusterError:
        return None
    problems = await asyncio.gather(*(_resolution_problem(address) for address in addresses))
    return "; ".join(problem for problem in problems if problem) if all(problems) else None


async def _resolution_problem(address: Address) -> str:
    try:
        await asyncio.get_running_loop().getaddrinfo(address.host, address.port)
    except OSError as error:
        return f"{address.host}: {error.strerror}"
    except UnicodeError:
        return f"{address.host}: not a name"
    return ""


async def _why_unreachable(security: ClientSecurity, error: ClusterError) -> ProbeResult:
    """No server answered as Kafka does: was there nobody at all, only silence, or somebody who hung up?"""
    kinds = await asyncio.gather(*(_knock(parse_address(server)) for server in security.bootstrap))
    if LinkErrorCode.NO_ERROR in kinds:
        return ProbeResult(LinkErrorCode.UNKNOWN, _with_hint(error))
    if all(kind is LinkErrorCode.TIMEOUT_ERROR for kind in kinds):
        return ProbeResult(LinkErrorCode.TIMEOUT_ERROR, str(error))
    return ProbeResult(LinkErrorCode.BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR, str(error))


async def _knock(address: Address) -> LinkErrorCode:
    """Open a TCP connection and close it again."""
    try:
        async with asyncio.timeout(TCP_SECONDS):
            _, writer = await asyncio.open_connection(address.host, address.port)
    except TimeoutError:
        return LinkErrorCode.TIMEOUT_ERROR
    except OSError:
        return LinkErrorCode.BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return LinkErrorCode.NO_ERROR


def _with_hint(error: ClusterError) -> str:
    if isinstance(error, NotAuthenticated):
        return f"{error}; check the link's credential (key and secret, certificates) and security.protocol"
    return f"{error}; does security.protocol fit the listener?"
