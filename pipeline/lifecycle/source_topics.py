"""What a link's source has to be mirrored: asked when somebody wants to choose, never kept."""

from __future__ import annotations

from dataclasses import replace

from pipeline.cluster.errors import ClusterError
from pipeline.control.read_model import TABLES
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.remote_errors import refused_by
from pipeline.link.errors import Invalid
from pipeline.link.models import Link


async def source_topics(context: Context, link: Link) -> dict[str, int]:
    """Topics that a link may see at its source, with their partition counts; raises the LinkError of a refusal."""
    if not link.can_mirror or not context.reach.can(link):
        raise Invalid(f"The topics of cluster link '{link.name}' cannot be listed from here: this side does not dial.")
    try:
        topics = await (await context.remote(link)).list_topics()
    except ClusterError as error:
        raise refused_by(error, "source") from error
    ours = control_names(context, link)
    return {
        name: len(topic.partitions)
        for name, topic in sorted(topics.items())
        if not topic.is_internal and name not in ours
    }


def control_names(context: Context, link: Link) -> frozenset[str]:
    """Control topics of the workers at both ends, tables' changelogs among them: no mirror is made of them.

    Those of workers that stand beside a source without being a partner are known where their app id is ours.
    """
    own = context.model.topics
    there = replace(own, app_id=context.reach.partner_app_id(link) or own.app_id)
    return frozenset({*own.wanted(TABLES), *there.wanted(TABLES)})
