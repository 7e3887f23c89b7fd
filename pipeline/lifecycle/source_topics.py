"""What a link's source has to be mirrored: asked when somebody wants to choose, never kept."""

from __future__ import annotations

from pipeline.cluster.errors import ClusterError
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
    return {name: len(topic.partitions) for name, topic in sorted(topics.items()) if not topic.is_internal}
