"""Properties of a link: list, read, set, reset, and alter several at once, all or none (REST-5..9, LINK-6)."""

from __future__ import annotations

from aiohttp import web

from pipeline.api.bodies import flag, json_object
from pipeline.api.context import address, done, known_link, plane, submit
from pipeline.api.envelopes import Address, Row, listing, resource
from pipeline.link import errors, property_listing
from pipeline.link.models import Link
from pipeline.link.names import shorten


async def list_configs(request: web.Request) -> web.Response:
    link, cluster_id, at = known_link(request), plane(request).cluster_id, address(request)
    path = ("clusters", cluster_id, "links", link.name, "configs")
    rows = [_row(link, fields, cluster_id, at) for fields in property_listing.listing(link, cluster_id)]
    return web.json_response(listing("KafkaLinkConfigDataList", at, path, rows))


async def get_config(request: web.Request) -> web.Response:
    link, cluster_id = known_link(request), plane(request).cluster_id
    fields = property_listing.describe(link, cluster_id, request.match_info["config_name"])
    return web.json_response(_row(link, fields, cluster_id, address(request)))


async def alter_configs(request: web.Request) -> web.Response:
    """REST-7: the list is `data`, or `configs` as an old guide has it (CONF-7)."""
    validate_only = flag(request, "validate_only")
    link = known_link(request)
    return done(await submit(request, "link.update", link.name, await json_object(request), validate_only), 204)


async def put_config(request: web.Request) -> web.Response:
    validate_only = flag(request, "validate_only")
    link, body = known_link(request), await json_object(request)
    for name in {"value"} ^ body.keys():
        raise errors.Malformed(
            f"{name}: missing" if name == "value" else f"{shorten(name)}: unknown field; known: value"
        )
    change = {"name": request.match_info["config_name"], "value": body["value"]}
    return done(await submit(request, "link.update", link.name, {"data": [change]}, validate_only), 204)


async def reset_config(request: web.Request) -> web.Response:
    validate_only = flag(request, "validate_only")
    link = known_link(request)
    change = {"name": request.match_info["config_name"], "operation": "DELETE"}
    return done(await submit(request, "link.update", link.name, {"data": [change]}, validate_only), 204)


async def misplaced_config(request: web.Request) -> web.Response:
    """CONF-8: the path of an old guide, which is not served."""
    link = request.match_info["link_name"]
    config = request.match_info["config_name"]
    raise errors.NotFound(
        f"There is nothing at {request.path}. A config of a link is read at /links/{link}/configs/{config}."
    )


def _row(link: Link, fields: Row, cluster_id: str, at: Address) -> Row:
    """REST-58."""
    name = str(fields["name"])
    path = ("clusters", cluster_id, "links", link.name, "configs", name)
    names = {"kafka": cluster_id, "link": link.name, "config": name}
    return resource(
        "KafkaLinkConfigData", at, path, names, {"cluster_id": cluster_id, **fields, "link_name": link.name}
    )
