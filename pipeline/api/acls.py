"""ACLs that a link has created on this cluster (TASK-32); an addition of ours to the vendor's paths."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from pipeline.api.context import address, known_link, plane
from pipeline.api.envelopes import listing
from pipeline.cluster.administration.acls import Acl


async def list_acls(request: web.Request) -> web.Response:
    """Those that AclSync copied and would take away again; read-only guards of mirrors are not among them."""
    link, state, at = known_link(request), plane(request), address(request)
    rows = [acl_row(acl) for acl in state.created_acls(link.name)]
    path = ("clusters", state.cluster_id, "links", link.name, "acls")
    return web.json_response(listing("KafkaLinkAclDataList", at, path, rows))


def acl_row(acl: Acl) -> dict[str, str]:
    """One entry, in Kafka's own words."""
    return {"kind": "KafkaLinkAclData", **asdict(acl)}
