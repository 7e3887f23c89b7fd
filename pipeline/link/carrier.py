"""What the workers of the dialling side say of a link that they carry for the side that waits (MODE-43, MODE-44)."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.link.jsonable import Jsonable
from pipeline.link.states import LinkErrorCode


@dataclass(frozen=True)
class Carrier(Jsonable):
    """Their sign of life, written into the tables of the side that waits, and what stands against their work.

    `cluster_link_id` is that of the link it is about: another link of the name may have been there before.
    """

    link: str
    cluster_link_id: str
    cluster_id: str
    """Of the dialling side."""
    worker: str = ""
    principals: tuple[str, ...] = ()
    """By which names the side that waits knows them, as far as they know: guards of mirrors spare these."""
    is_proven: bool = False
    """They have tried whether those are their names, and not just read them in their credentials."""
    error: LinkErrorCode = LinkErrorCode.NO_ERROR
    error_message: str = ""
    time_ms: int = 0
