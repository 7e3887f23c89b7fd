"""By which names the partner's cluster knows whoever dials for it, so that guards there spare him (MODE-43, MIRROR-4).

What a credential says is only what he may be called: a broker has rules for the subjects of certificates, takes the
name of a token from any of its claims and that of a ticket by rules again. So each name that is likely is tried on that
cluster, as the guards try theirs (`guard_probe`): the one whose DENY hits us is ours.
"""

from __future__ import annotations

import asyncio
import logging
import time

from pipeline.cluster.admin import Admin
from pipeline.cluster.errors import ClusterError
from pipeline.cluster.security import ClientSecurity
from pipeline.lifecycle.acl_task import principals_of
from pipeline.lifecycle.guard_probe import known_by

log = logging.getLogger(__name__)
ANONYMOUS = "User:ANONYMOUS"
"""Who shows neither a name nor a certificate."""
WITHIN_S = 10.0
"""A try is given up then: a sign of life is due."""
AGAIN_S = 60.0


class OwnNames:
    """What one link's dialler is called; found out once."""

    def __init__(self, link: str) -> None:
        self._link = link
        self._proven: tuple[str, ...] = ()
        self._again_at = float("-inf")
        self._said = ""

    async def known_as(self, own: Admin, app_id: str) -> tuple[tuple[str, ...], bool]:
        """The names, and whether they were tried. Where that may not be done, those that the credential tells."""
        security = own.client.security
        if not self._proven and time.monotonic() >= self._again_at:
            try:
                async with asyncio.timeout(WITHIN_S):
                    self._proven = tuple(sorted(await known_by(own, app_id, likely(security))))
            except (ClusterError, TimeoutError) as error:
                why = str(error) or f"no answer in {WITHIN_S:.0f} s"
                if why != self._said:
                    log.info(
                        "Link %s: it cannot be tried by which name the other cluster knows us: %s", self._link, why
                    )
                    self._said = why
            self._again_at = time.monotonic() + AGAIN_S
        return (self._proven, True) if self._proven else (told(security), False)


def told(security: ClientSecurity) -> tuple[str, ...]:
    """The names that a credential tells; none of a token or a ticket."""
    found = principals_of(security)
    return tuple(sorted(found)) if found or security.sasl is not None else (ANONYMOUS,)


def likely(security: ClientSecurity) -> frozenset[str]:
    """All names that are worth a try: those, the first name of a certificate, a token's client, a ticket's principal
    with and without what follows its first part.
    """
    names = {name.removeprefix("User:") for name in told(security)}
    if security.sasl is None:
        names |= {part[3:] for name in names for part in name.split(",") if part.startswith("CN=")}
    elif security.sasl.tokens is not None:
        names.add(security.sasl.tokens.endpoint.client_id)
    elif security.sasl.kerberos is not None and (principal := security.sasl.kerberos.principal):
        names |= {principal, principal.partition("@")[0], principal.partition("@")[0].partition("/")[0]}
    return frozenset(f"User:{name}" for name in names)
