"""What the handlers of commands and the watch over links may use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.cluster.admin import Admin
from pipeline.cluster.security import ClientSecurity, client_arguments
from pipeline.control.outcomes import Outcome
from pipeline.control.read_model import ReadModel
from pipeline.control.registry import Registry
from pipeline.control.sealing import Sealing
from pipeline.link.models import Link


@dataclass
class Context:
    """One worker's means. `send_outcome` writes a decision; `send_progress` with None forgets a mirror partition."""

    worker: str
    cluster_id: str
    a_topic: str
    """Some topic of the own cluster: its configs tell which names the cluster's version knows (MIRROR-83)."""
    model: ReadModel
    own: Admin
    registry: Registry
    send_outcome: Callable[[Mapping[str, Any]], Awaitable[None]]
    forget_position: Callable[[str, str, int], Awaitable[None]]
    sealing: Sealing
    _securities: dict[str, tuple[Mapping[str, str], ClientSecurity]] = field(default_factory=dict)
    _remotes: dict[str, tuple[ClientSecurity, Admin]] = field(default_factory=dict)

    @property
    def can_encrypt(self) -> bool:
        """Whether a key for secrets is there (SEC-30)."""
        return self.sealing.can_encrypt

    def properties_of(self, link: Link) -> Mapping[str, str]:
        """Client properties for a link's remote cluster, secrets in the clear. Raises SecretUnreadable."""
        return self.sealing.open(link)

    async def note_stage(self, link: str, request: str, stage: str) -> None:
        """Remember how far a request has come, before its next step; returns when the row shows it."""
        stored = self.model.requests.get(request)
        if stored is not None and stored.stage == stage:
            return
        await self.send_outcome(Outcome(link, (), self.worker, request, stage).to_json())
        async with asyncio.timeout(30):
            while (row := self.model.requests.get(request)) is None or row.stage != stage:
                await self.model.changed(link).wait()

    def security_of(self, link: Link) -> ClientSecurity:
        """Client settings for a link's remote cluster, the same object until its properties change (SEC-33).

        Raises SecurityError: a property that cannot be used, a secret that cannot be read, a file that is missing.
        """
        kept = self._securities.get(link.name)
        if kept is not None and kept[0] == link.configs:
            return kept[1]
        security = client_arguments(self.properties_of(link))
        self._securities[link.name] = (link.configs, security)
        return security

    async def remote(self, link: Link) -> Admin:
        """An admin client of a link's remote cluster, kept until the link's connection properties change."""
        security = self.security_of(link)
        kept = self._remotes.get(link.name)
        if kept is not None and kept[0] == security:
            return kept[1]
        if kept is not None:
            await kept[1].close()
        admin = Admin(security, client_id=f"clusterlink-{link.name}")
        self._remotes[link.name] = (security, admin)
        return admin

    async def hang_up(self, link: str) -> None:
        """Close what is open to a link's remote cluster."""
        self._securities.pop(link, None)
        kept = self._remotes.pop(link, None)
        if kept is not None:
            await kept[1].close()

    async def close(self) -> None:
        for link in list(self._remotes):
            await self.hang_up(link)
