"""What is decided about a link command without asking any cluster (sections 2, 3 and LINK-100..105). Pure.

Each function gets the command, as `commands.build` or `parse` gave it, and what is known, and gives what to do or
raises the LinkError to answer with. `validate_only` makes no difference here: the caller stops before it acts
(LINK-15).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.link.errors import Invalid, InvalidProperties, LinkExists, LinkInUse
from pipeline.link.models import Command, Link, Mirror
from pipeline.link.names import cluster_link_id, link_id, read_cluster_link_id, shorten
from pipeline.link.properties import Checked, check_new, check_update, pairs
from pipeline.link.states import ConnectionMode, LinkErrorCode, LinkMode, LinkState, MirrorStatus

REMOTE_ID: Mapping[LinkMode, str] = {
    LinkMode.DESTINATION: "source_cluster_id",
    LinkMode.SOURCE: "destination_cluster_id",
    LinkMode.BIDIRECTIONAL: "remote_cluster_id",
}
"""What each mode calls the cluster at the other end (MODE-14)."""

UNEXPECTED_LINK_ID = (
    "Unexpected cluster link id. Should not be provided for bi-directional cluster link with inbound connections."
)
_MOST_NAMED = 5


@dataclass(frozen=True)
class NewLink:
    """A link to create: its secrets still in the clear and listed, its state UNKNOWN until it is probed.

    `validate`: reach the remote cluster first (LINK-15); an INBOUND side cannot. `id_given`: the link id comes from
    the first side and is to be checked against it (MODE-13).
    """

    link: Link
    secrets: frozenset[str]
    warnings: tuple[str, ...]
    validate: bool
    id_given: bool


@dataclass(frozen=True)
class ChangedLink:
    """A link after an update: what changed, the new secrets among it still in the clear, the others as they were."""

    link: Link
    changed: frozenset[str]
    secrets: frozenset[str]
    warnings: tuple[str, ...]


def new_link(
    command: Command,
    links: Mapping[str, Link],
    own_cluster_id: str,
    fresh_id: bytes,
    now_ms: int,
    *,
    can_encrypt: bool = True,
) -> NewLink:
    """Decide on link.create. `fresh_id` are 16 random bytes; `can_encrypt`: a key for secrets is there (SEC-30)."""
    if command.link in links:
        raise LinkExists(command.link)
    checked = check_new(pairs(command.arguments.get("configs", ())), now_ms)
    _refuse_secrets(checked, can_encrypt)
    mode = LinkMode(checked.configs.get("link.mode", LinkMode.DESTINATION))
    connection = ConnectionMode(checked.configs.get("connection.mode", ConnectionMode.OUTBOUND))
    _refuse_prefix(checked.configs.get("cluster.link.prefix"), links)
    remote_id = _remote_id(command, mode, connection, own_cluster_id)
    given = _given_link_id(command, checked.configs, mode, connection)
    raw = read_cluster_link_id(given) if given else fresh_id
    link = Link(
        name=command.link,
        link_id=link_id(raw),
        cluster_link_id=cluster_link_id(raw),
        mode=mode,
        connection_mode=connection,
        remote_cluster_id=remote_id,
        configs=checked.configs,
        state=LinkState.PAUSED if checked.configs.get("cluster.link.paused") == "true" else LinkState.UNKNOWN,
        error=LinkErrorCode.NO_ERROR,
        state_time_ms=now_ms,
        created_ms=now_ms,
    )
    validate = command.arguments.get("validate_link", True) and connection is ConnectionMode.OUTBOUND
    return NewLink(link, checked.secrets, checked.warnings, validate, given is not None)


def changed_link(command: Command, link: Link, now_ms: int, *, can_encrypt: bool = True) -> ChangedLink:
    """Decide on link.update: all or none (LINK-6)."""
    checked = check_update(link.configs, command.arguments["data"], link.mode, now_ms)
    _refuse_secrets(checked, can_encrypt)
    return ChangedLink(replace(link, configs=checked.configs), checked.changed, checked.secrets, checked.warnings)


def mirrors_to_fail_over(command: Command, link: Link, mirrors: Sequence[Mirror]) -> tuple[Mirror, ...]:
    """Decide on link.delete: the mirrors that must be STOPPED first (LINK-103); none: go on.

    Raises LinkInUse naming them unless `force` is given (LINK-100). Pending ones are among them, those that are failing
    over already too: deleting under a PENDING_STOPPED mirror damages it (LINK-101), a repeated failover does no harm.
    """
    live = [mirror for mirror in mirrors if mirror.status is not MirrorStatus.STOPPED]
    if live and not command.arguments.get("force", False):
        named = ", ".join(f"{mirror.mirror_topic} ({mirror.status})" for mirror in live[:_MOST_NAMED])
        more = f" and {len(live) - _MOST_NAMED} more" if len(live) > _MOST_NAMED else ""
        raise LinkInUse(
            f"Cluster link '{link.name}' has mirror topics that are not stopped: {named}{more}. "
            "Promote them or fail them over first, or have the deletion do it "
            "(force; on the command line --failover-mirrors)."
        )
    return tuple(live)


def warnings_of_deletion(link: Link) -> tuple[str, ...]:
    """What deleting one of a pair of links does to the other (LIM-14, MODE-24); nothing where the other has gone."""
    is_one_of_two = link.is_paired or link.mode is LinkMode.SOURCE or link.connection_mode is ConnectionMode.INBOUND
    if not is_one_of_two or link.error is LinkErrorCode.REMOTE_LINK_NOT_FOUND_ERROR:
        return ()
    stops = "data stops in both directions" if link.mode is LinkMode.BIDIRECTIONAL else "data stops"
    there = f" of cluster {link.remote_cluster_id}" if link.remote_cluster_id else ""
    return (
        f"Cluster link '{link.name}' is one of two: {stops}, and the one{there} is UNAVAILABLE until it is deleted "
        "too, or this one is created again",
    )


def check_remote_id(link: Link, found: str, own_cluster_id: str) -> str | None:
    """Say what is wrong with the id that the remote cluster gave, or None (MODE-15, MODE-16)."""
    if found == own_cluster_id:
        return f"cluster {found} cannot be linked to itself"
    if link.remote_cluster_id is not None and found != link.remote_cluster_id:
        return f"cluster ID mismatch: expected {link.remote_cluster_id}, the cluster reached is {found}"
    return None


def _remote_id(command: Command, mode: LinkMode, connection: ConnectionMode, own_cluster_id: str) -> str | None:
    wanted = REMOTE_ID[mode]
    wrong = [name for name in REMOTE_ID.values() if name != wanted and command.arguments.get(name)]
    if wrong:
        raise Invalid(f"{', '.join(wrong)} does not belong to a {mode} link; give {wanted}")
    remote_id = command.arguments.get(wanted)
    if remote_id is None and connection is ConnectionMode.INBOUND:
        raise Invalid(f"{wanted} is required for an INBOUND link: it cannot be discovered from this side")
    if remote_id is not None and remote_id == own_cluster_id:
        raise Invalid(f"{wanted}: cluster {shorten(remote_id)} cannot be linked to itself")
    return remote_id


def _given_link_id(
    command: Command, configs: Mapping[str, str], mode: LinkMode, connection: ConnectionMode
) -> str | None:
    """The link id taken from the first side, by argument or by property (MODE-13, LINK-40)."""
    argument, prop = command.arguments.get("cluster_link_id"), configs.get("cluster.link.id")
    given = argument or prop
    if given is None:
        return None
    if mode is LinkMode.BIDIRECTIONAL and connection is ConnectionMode.INBOUND:
        raise Invalid(UNEXPECTED_LINK_ID)
    if mode is LinkMode.DESTINATION:
        raise Invalid("Unexpected cluster link id. A DESTINATION link is given a new one.")
    if argument and prop and argument != prop:
        raise Invalid(f"cluster_link_id and the property cluster.link.id differ: {shorten(argument)}, {prop}")
    try:
        read_cluster_link_id(given)
    except ValueError as error:
        raise Invalid(f"cluster_link_id: {error}") from None
    return str(given)


def _refuse_prefix(prefix: str | None, links: Mapping[str, Link]) -> None:
    """FILT-39: one prefix, one link."""
    if prefix is None:
        return
    for other in links.values():
        if other.prefix == prefix:
            raise InvalidProperties([f"cluster.link.prefix: '{prefix}' is already used by cluster link '{other.name}'"])


def _refuse_secrets(checked: Checked, can_encrypt: bool) -> None:
    if checked.secrets and not can_encrypt:
        raise InvalidProperties(no_key(checked.secrets))


def no_key(secrets: Collection[str]) -> list[str]:
    """SEC-30: secrets are stored encrypted or not at all."""
    return [
        f"{name}: is a secret, and no key to store it is set; start every worker with the same "
        "CLUSTERLINK_PASSWORD_ENCODER_SECRET (8 characters or more) or its file"
        for name in sorted(secrets)
    ]
