"""A copier whose partition was closed rests, and goes on if its topic is a mirror's again (MIRROR-71)."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.link.errors import MirrorFailure
from pipeline.link.states import MirrorError
from pipeline.mirror import copying
from pipeline.mirror.claims import Closed
from pipeline.mirror.copying import Copier
from pipeline.mirror.pieces import Piece, PieceStatus
from pipeline.mirror.plan import Policy

PIECE = Piece("l", "s", "m", 0, "00000000000000000000AA", "00000000000000000000AQ", 0, False, True)


class Appender:
    """Closed for a while, then open; a failure ends the test."""

    def __init__(self) -> None:
        self.answers: list[Exception] = [
            Closed("stopped"),
            Closed("stopped"),
            MirrorFailure(MirrorError.UNKNOWN, "end"),
        ]
        self.next_offset = 0

    async def resume(self) -> int:
        raise self.answers.pop(0)

    def abandon(self) -> None:
        pass


class Nowhere:
    """A source that is not read."""

    def rest(self, copier: Copier) -> None: ...

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} is not asked for")


async def test_it_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "LONGEST_PAUSE_S", 0.001)
    appender, status = Appender(), PieceStatus(PIECE, "worker")
    copier = Copier(
        PIECE,
        appender,  # type: ignore[arg-type]
        Nowhere(),
        status,
        policy=Policy,
        may_hold=lambda: 1,
        retry_timeout_s=lambda: 1.0,
    )
    await copier.run()
    assert appender.answers == [], "it rested twice, and asked again"
