"""Whether two link objects of one name are the two sides of one link (TERM-12, MODE-10..13). Pure."""

from __future__ import annotations

from pipeline.link.models import Link
from pipeline.link.states import ConnectionMode, LinkMode

B, D, S = LinkMode.BIDIRECTIONAL, LinkMode.DESTINATION, LinkMode.SOURCE
PARTNER_MODE = {B: B, D: S, S: D}
"""Mode of a side -> mode of its partner; a DESTINATION link has one only where it is INBOUND."""


def is_two_sided(link: Link) -> bool:
    """Whether a link has a partner object on the other cluster (MODE-1..6)."""
    return link.mode is not D or link.connection_mode is ConnectionMode.INBOUND


def why_no_partner(own: Link, theirs: Link | None, own_cluster_id: str) -> str | None:
    """Why `theirs`, the object of our name on the remote cluster, is not the other side; None if it is.

    The two ids have to be equal, but that is `have_same_id`'s to say: a side that was created while the other could not
    be asked has an id of its own until they meet (MODE-13).
    """
    if theirs is None:
        return f"there is no cluster link '{own.name}'"
    wanted = PARTNER_MODE[own.mode]
    if theirs.mode is not wanted or not is_two_sided(theirs):
        return f"cluster link '{own.name}' there is a {theirs.mode} link, not a {wanted} one"
    if ConnectionMode.INBOUND is own.connection_mode is theirs.connection_mode:
        return f"cluster link '{own.name}' is INBOUND on both sides: one has to dial"
    if theirs.remote_cluster_id not in (None, own_cluster_id):
        return f"cluster link '{own.name}' there is with cluster {theirs.remote_cluster_id}, this is {own_cluster_id}"
    return None


def have_same_id(own: Link, theirs: Link) -> bool:
    """Whether both sides carry the id of the first (MODE-13)."""
    return own.cluster_link_id == theirs.cluster_link_id


def takes_id_of(own: Link, theirs: Link, own_cluster_id: str, their_cluster_id: str) -> bool:
    """Whether `own` is the second side, which takes the other's id: the one created later (MODE-13)."""
    return (own.created_ms, own_cluster_id) > (theirs.created_ms, their_cluster_id)
