"""What REST, CLI and console see of the control plane: a read model and one way to ask for a change.

The read side answers from what the workers last reported, at most 5 s old (REST-96), without any I/O. The write side
is one method, whatever the command: the same validation, the same errors and the same result as a record produced to
the commands topic (CLI-65). Tests put a plane in memory behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pipeline.cluster.administration.acls import Acl
from pipeline.link.models import Command, Link, Mirror, Position, Result, TaskStatus


class ControlPlane(Protocol):
    """The state of one cluster's links, and the door to change it."""

    @property
    def cluster_id(self) -> str:
        """Id of the cluster whose link objects these are."""
        ...

    @property
    def worker(self) -> str:
        """Name of the worker that answers."""
        ...

    def links(self) -> Mapping[str, Link]:
        """All link objects by name."""
        ...

    def link(self, name: str) -> Link | None: ...

    def mirrors(self, link: str | None = None) -> list[Mirror]:
        """Mirrors of one link, or of all; stopped ones too, until their link is deleted (MIRROR-79)."""
        ...

    def mirror(self, link: str, mirror_topic: str) -> Mirror | None: ...

    def positions(self, link: str, mirror_topic: str) -> list[Position]:
        """What was last reported of each partition, sorted by partition; a partition never heard of is missing."""
        ...

    def tasks(self, link: str) -> list[TaskStatus]: ...

    def created_acls(self, link: str) -> list[Acl]:
        """ACLs of this cluster that the link has created, sorted (TASK-32); none where there is no such link."""
        ...

    def audit(self, link: str | None = None) -> list[Mapping[str, Any]]:
        """The latest lines of the audit log (`auditing.py`), newest first; a bounded number, for people to look at."""
        ...

    async def source_topics(self, link: str) -> Mapping[str, int]:
        """Partition counts by name of the topics that the link may see at its source; asks the source, once.

        Raises a LinkError as a command would that the source refuses.
        """
        ...

    async def submit(self, command: Command, timeout_s: float = 60) -> Result:
        """Hand the command to the workers and wait for its result.

        Raises errors.Unavailable (503, REST-84) at once when no worker is alive: nothing is queued silently.
        """
        ...
