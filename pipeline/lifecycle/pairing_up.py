"""Let a new side that dials find its partner, and take its id (MODE-10, MODE-12, MODE-13)."""

from __future__ import annotations

from dataclasses import replace

from pipeline.cluster.errors import ClusterError, RemoteLinkNotFound, SecurityError
from pipeline.control.reach import dials_for_partner
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.own_listener import listener_servers
from pipeline.lifecycle.remote_errors import refused_by
from pipeline.link.client_properties import LOCAL
from pipeline.link.errors import Invalid, InvalidProperties
from pipeline.link.models import Link
from pipeline.link.names import link_id, read_cluster_link_id
from pipeline.link.pairing import PARTNER_MODE
from pipeline.link.states import LinkMode, TaskErrorCode


async def pair_up(context: Context, link: Link, *, id_given: bool) -> Link:
    """Give a side that dials, sealed as it is stored, with the id of its partner; or as it is where it is the first.

    `id_given`: its id came with the command, and has to be the partner's. Raises Invalid where the partner has to be
    there first and is not, and where the two do not fit.
    """
    if not dials_for_partner(link):
        return link
    try:
        await listener_servers(context.own, link.configs)
    except SecurityError as error:
        raise InvalidProperties([str(error)]) from error
    except ClusterError as error:
        raise refused_by(error, "destination") from error
    try:
        partner = await context.partner(link)
        await partner.catch_up()
        theirs = partner.other_side(link, context.cluster_id)
    except RemoteLinkNotFound as error:
        if comes_second(link):
            raise Invalid(missing(link, error)) from error
        return link
    except ClusterError as error:
        if comes_second(link):
            raise refused_by(error, "source") from error
        return link  # what the other side has is read later; until then its absence shows where it matters
    if id_given and theirs.cluster_link_id != link.cluster_link_id:
        raise Invalid(
            f"cluster_link_id: {link.cluster_link_id} was given, but cluster link '{link.name}' of cluster "
            f"{link.remote_cluster_id} has {theirs.cluster_link_id}"
        )
    raw = read_cluster_link_id(theirs.cluster_link_id)
    return replace(link, cluster_link_id=theirs.cluster_link_id, link_id=link_id(raw), is_paired=True)


def comes_second(link: Link) -> bool:
    """Whether a side that dials has a partner that waits, which is created first (MODE-12).

    A bidirectional one has if it gives the other access to its own cluster: that is what `local.*` is for (MODE-42).
    """
    gives_access = any(name.startswith(LOCAL) for name in link.configs)
    return link.mode is LinkMode.SOURCE or (link.mode is LinkMode.BIDIRECTIONAL and gives_access)


def missing(link: Link, why: RemoteLinkNotFound) -> str:
    """MODE-12: names the remote link that is missing."""
    return (
        f"{TaskErrorCode.REMOTE_LINK_NOT_FOUND_ERROR}: {why} Create the side that waits first: a cluster link "
        f"'{link.name}' of mode {PARTNER_MODE[link.mode]}, INBOUND, on cluster {link.remote_cluster_id}."
    )
