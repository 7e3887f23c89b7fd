"""The cluster this endpoint serves (REST-21): its own, the one whose link objects it shows."""

from __future__ import annotations

from aiohttp import web

from pipeline.api.context import address, own_cluster, plane
from pipeline.api.envelopes import Address, Row, listing, resource
from pipeline.link import errors


async def list_clusters(request: web.Request) -> web.Response:
    at = address(request)
    return web.json_response(listing("KafkaClusterList", at, ("clusters",), [_row(plane(request).cluster_id, at)]))


async def get_cluster(request: web.Request) -> web.Response:
    return web.json_response(_row(own_cluster(request), address(request)))


async def replica_status(request: web.Request) -> web.Response:
    """REST-22, which the specification leaves open: brokers tell nobody outside what it has."""
    raise errors.NotFound(
        f"There is nothing at {request.path}: brokers tell nobody outside how far the replicas of a topic are "
        "(REST-22). kafka-topics.sh --describe shows leaders and in-sync replicas; "
        "/links/{link}/mirrors/{mirror}?include_partition_states=true shows how far each partition of a mirror is."
    )


def _row(cluster_id: str, at: Address) -> Row:
    path = ("clusters", cluster_id)
    fields = {"cluster_id": cluster_id, "links": {"related": at.of(*path, "links")}}
    return resource("KafkaCluster", at, path, {"kafka": cluster_id}, fields)
