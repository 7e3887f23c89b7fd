"""Move the stored secrets of a link to the current key while an old one is given beside it (SEC-32).

The link's leader does it, each rewriting is one decision. That secrets cannot be read at all is what probes find.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from pipeline.cluster.errors import SecretUnreadable
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.duties import Duty
from pipeline.link.properties import SECRETS

log = logging.getLogger(__name__)


class SecretKeeping(Duty):
    """Keeps the secrets of one link under the current key: looks when its row changes, and now and then."""

    def __init__(self, context: Context, link: str, wake: Callable[[], None]) -> None:
        super().__init__(context, link, wake)
        self._found: tuple[Mapping[str, str], Mapping[str, str]] | None = None
        self._is_moving = False
        """Whether it was decided and not seen yet: maybe more than once, each time with another form of the secrets."""

    async def run(self) -> None:
        while True:
            link = self.row()
            if link is not None and SECRETS & link.configs.keys():
                try:
                    # in a thread: a key that is derived the first time takes its time
                    fresh = await asyncio.to_thread(self.context.sealing.resealed, link)
                    if fresh is not None:
                        self._found = link.configs, fresh
                        self.wake()
                    elif self._is_moving:
                        # only now: who reads this takes the old key away
                        log.info("Link %s: its secrets are stored under the current key from now on", link.name)
                        self._is_moving = False
                except SecretUnreadable:
                    pass  # what a probe finds
            await self.rows_change()

    def decide(self, decision: Decision) -> None:
        link, found = self.row(), self._found
        if link is None or found is None or link.configs != found[0]:
            return
        self._found, self._is_moving = None, True
        decision.put_link(replace(link, configs=found[1]))
