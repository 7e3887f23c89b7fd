"""Operations on mirrors (REST-14..20): one handler, one row of a table for each.

The answer is 200 with a result per topic; one refused topic does not stop the others (MIRROR-52). Only a request that
is wrong as a whole (both names and a pattern, an unknown link, a mode without the operation) is an error answer.
"""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from pipeline.api.bodies import flag, json_object
from pipeline.api.context import address, known_link, plane, submit
from pipeline.api.envelopes import listing
from pipeline.api.mirror_rows import alter_row, topic_results

COMMANDS = {
    "promote": "mirror.promote",
    "failover": "mirror.failover",
    "pause": "mirror.pause",
    "resume": "mirror.resume",
    "reverse-and-start-mirror": "mirror.reverse-and-start",
    "reverse-and-pause-mirror": "mirror.reverse-and-pause",
    "truncate-and-restore": "mirror.truncate-and-restore",
}
"""Verb of the path to kind of the command."""

LIST_KIND = "KafkaPromoteMirror"
"""The list's kind whatever the operation (REST-63)."""

_BY_PARTITION = "include_partition_level_truncation_data"


def operation(verb: str) -> Handler:
    """Give the handler of `mirrors:<verb>`."""

    async def operate(request: web.Request) -> web.Response:
        link, kind = known_link(request), COMMANDS[verb]
        validate_only = flag(request, "validate_only")
        arguments = await json_object(request)
        if _BY_PARTITION in request.query and verb == "truncate-and-restore":
            arguments[_BY_PARTITION] = flag(request, _BY_PARTITION)
        result = await submit(request, kind, link.name, arguments, validate_only)
        at, cluster_id = address(request), plane(request).cluster_id
        rows = [alter_row(row, link.name, cluster_id, at) for row in topic_results(result.data)]
        path = ("clusters", cluster_id, "links", link.name, f"mirrors:{verb}")
        return web.json_response(listing(LIST_KIND, at, path, rows))

    operate.__doc__ = f"POST mirrors:{verb}"
    return operate
