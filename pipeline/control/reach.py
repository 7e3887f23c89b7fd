"""How a worker gets at the cluster at the other end of a link, and what it does for which links (MODE-43, MODE-44).

The links of a worker's own cluster dial, or wait for their partner to dial. For a partner that waits, the workers of
the dialling side act on the partner's link as well, from the other end: the cluster that it has to reach is their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pipeline.control.read_model import ReadModel
from pipeline.control.sealing import Sealing
from pipeline.link.local_properties import local_properties
from pipeline.link.models import Link
from pipeline.link.pairing import why_no_partner
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import ConnectionMode, LinkMode, LinkState

NEEDS_BOTH_CLUSTERS = frozenset(
    {
        "mirror.create",
        "mirror.reverse-and-start",
        "mirror.reverse-and-pause",
        "mirror.truncate-and-restore",
        "mirror.become-mirror",
    }
)
"""Commands that nobody can carry out who reaches only one of a link's two clusters (MODE-44)."""


class Reach(Protocol):
    """What differs between a worker that acts on links of its own cluster and one that acts on a partner's."""

    @property
    def is_home(self) -> bool:
        """Whether the links are of the worker's own cluster: it then answers for what nobody else carries out."""
        ...

    def leads(self, link: Link | None) -> bool:
        """Whether there is something to do for a link that is there, or for one that is only asked for."""
        ...

    def can(self, link: Link) -> bool:
        """Whether the other cluster of a link is reached from here."""
        ...

    def does(self, link: Link | None, kind: str) -> bool:
        """Whether a command of this kind is carried out from here, for a link that is there or is not."""
        ...

    def partner_app_id(self, link: Link) -> str | None:
        """The property `partner.app.id` of a link as it is meant from here; None where it says nothing (LINK-48)."""
        ...

    def partner_properties(self, link: Link) -> Mapping[str, str] | None:
        """Client properties for the control topics of the other cluster; None: those of `properties`."""
        ...

    def configs(self, link: Link) -> Mapping[str, str]:
        """Properties as they are stored: while these stay, so does what is made of them."""
        ...

    def properties(self, link: Link) -> Mapping[str, str]:
        """Client properties for the other cluster, secrets in the clear. Raises SecretUnreadable."""
        ...


class Dialling:
    """Links of the own cluster: those that dial are reached with their own properties, those that wait not at all."""

    is_home = True

    def __init__(self, sealing: Sealing) -> None:
        self._sealing = sealing

    def leads(self, link: Link | None) -> bool:
        return True

    def can(self, link: Link) -> bool:
        return link.connection_mode is ConnectionMode.OUTBOUND

    def does(self, link: Link | None, kind: str) -> bool:
        return link is None or self.can(link) or kind not in NEEDS_BOTH_CLUSTERS

    def partner_app_id(self, link: Link) -> str | None:
        return LinkSettings.of(link.configs).partner_app_id

    def partner_properties(self, link: Link) -> Mapping[str, str] | None:
        return None

    def configs(self, link: Link) -> Mapping[str, str]:
        return link.configs

    def properties(self, link: Link) -> Mapping[str, str]:
        return self._sealing.open(link)


class Carrying:
    """One link of the partner's that waits, and its half at home that dials: `name` is that of both (MODE-10).

    The other cluster of the partner's link is the own one: reached with the properties `local.*` of the half at home,
    or as the worker itself reaches it where they say nothing (MODE-40, LINK-42).
    """

    is_home = False

    def __init__(
        self,
        name: str,
        cluster_id: str,
        home: ReadModel,
        sealing: Sealing,
        worker_configs: Mapping[str, str],
        *,
        listener_servers: str | None = None,
    ) -> None:
        """`cluster_id` is that of the worker's own cluster, `listener_servers` the addresses of the named listener."""
        self._name = name
        self._cluster_id = cluster_id
        self._home = home
        self._sealing = sealing
        self._worker_configs = worker_configs
        self._listener_servers = listener_servers

    def leads(self, link: Link | None) -> bool:
        half = self._home.links.get(self._name)
        return half is not None and link is not None and is_carried(half, link, self._cluster_id)

    def can(self, link: Link) -> bool:
        half = self._home.links.get(self._name)
        is_paused = half is not None and half.mode is LinkMode.SOURCE and half.state is LinkState.PAUSED
        return self.leads(link) and not is_paused

    def does(self, link: Link | None, kind: str) -> bool:
        return link is not None and self.can(link) and kind in NEEDS_BOTH_CLUSTERS

    def partner_app_id(self, link: Link) -> str | None:
        return self._home.topics.app_id

    def partner_properties(self, link: Link) -> Mapping[str, str] | None:
        return self._worker_configs  # its own control topics: what `local.*` may do is for the data

    def configs(self, link: Link) -> Mapping[str, str]:
        half = self._home.links.get(self._name)
        return {} if half is None else half.configs

    def properties(self, link: Link) -> Mapping[str, str]:
        half = self._home.links.get(self._name)
        configs = {} if half is None else self._sealing.open(half)
        return local_properties(configs, self._worker_configs, self._listener_servers)


def dials_for_partner(half: Link) -> bool:
    """Whether a link of the own cluster may have a partner that waits for it to dial (MODE-3, MODE-6)."""
    return half.mode is not LinkMode.DESTINATION and half.connection_mode is ConnectionMode.OUTBOUND


def is_carried(half: Link, link: Link, cluster_id: str) -> bool:
    """Whether a partner's link waits for this half at home, in this cluster, to dial (MODE-10, MODE-15)."""
    waits = link.connection_mode is ConnectionMode.INBOUND and link.name == half.name
    return waits and dials_for_partner(half) and why_no_partner(half, link, cluster_id) is None
