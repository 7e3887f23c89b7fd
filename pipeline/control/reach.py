"""How a worker gets at the cluster at the other end of a link, and which links it can do that for (MODE-43)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pipeline.control.sealing import Sealing
from pipeline.link.models import Link
from pipeline.link.states import ConnectionMode

NEEDS_BOTH_CLUSTERS = frozenset(
    {"mirror.create", "mirror.reverse-and-start", "mirror.reverse-and-pause", "mirror.truncate-and-restore"}
)
"""Commands that nobody can carry out who reaches only one of a link's two clusters (MODE-44)."""


class Reach(Protocol):
    """What differs between a worker that dials for links of its own cluster and one that dials for a partner's."""

    def can(self, link: Link) -> bool:
        """Whether this worker reaches the other cluster of a link at all."""
        ...

    def does(self, link: Link | None, kind: str) -> bool:
        """Whether a command of this kind, for a link or for none, is carried out from here."""
        ...

    def configs(self, link: Link) -> Mapping[str, str]:
        """Properties as they are stored: while these stay, so does what is made of them."""
        ...

    def properties(self, link: Link) -> Mapping[str, str]:
        """Client properties for the other cluster, secrets in the clear. Raises SecretUnreadable."""
        ...


class Dialling:
    """Links of the own cluster: those that dial are reached with their own properties, those that wait not at all."""

    def __init__(self, sealing: Sealing) -> None:
        self._sealing = sealing

    def can(self, link: Link) -> bool:
        return link.connection_mode is ConnectionMode.OUTBOUND

    def does(self, link: Link | None, kind: str) -> bool:
        return link is None or self.can(link) or kind not in NEEDS_BOTH_CLUSTERS

    def configs(self, link: Link) -> Mapping[str, str]:
        return link.configs

    def properties(self, link: Link) -> Mapping[str, str]:
        return self._sealing.open(link)
