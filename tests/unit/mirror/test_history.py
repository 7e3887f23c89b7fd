"""A source with another history than was known has lost records, or only had another leader (MIRROR-18)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from pipeline.link.errors import MirrorFailure
from pipeline.link.states import MirrorError
from pipeline.mirror.epochs import UNKNOWN, Epochs
from pipeline.mirror.history import check_history
from pipeline.mirror.pieces import Piece
from pipeline.wire.records import Record

KNOWN_TO, CUT_AT, END = 100, 120, 200
MINE = Record(199, 1_000, b"key", b"mine")
OTHER = MINE._replace(value=b"other")


@dataclass
class Taken:
    """A copier that knows epoch 3 up to `KNOWN_TO`, whose mirror ends at `END`, and both logs as it finds them."""

    mirrored: Record | None = MINE
    batch: Sequence[Record] = (MINE,)
    log: tuple[int, int] = (0, 500)
    """Where the source's begins and ends."""
    is_compacted: bool = False
    cut_at: int = CUT_AT
    asked_at: int = UNKNOWN
    went_on_at: int = UNKNOWN
    epochs: Epochs = field(default_factory=Epochs)

    def __post_init__(self) -> None:
        self.epochs.remember(KNOWN_TO, 3)
        self.key = ("orders", 0)
        self.cut = (3, self.cut_at)
        self.piece = Piece("link", "orders", "orders", 0, "", "", 0, self.is_compacted)
        self.source = self

    async def offsets(self, *_: Any) -> tuple[int, int]:
        return self.log

    async def newest(self, first: int) -> Record | None:
        assert first == self.cut_at
        return self.mirrored

    async def visible_at(self, _: Any, offset: int) -> tuple[int, list[Record]]:
        self.asked_at = offset
        return 4, list(self.batch)

    async def go_on(self, offset: int) -> None:
        self.went_on_at = offset


async def judged(taken: Taken) -> Taken:
    await check_history(taken, END)  # type: ignore[arg-type]
    return taken


async def test_another_leader_and_the_same_records() -> None:
    taken = await judged(Taken())
    assert (taken.asked_at, taken.went_on_at) == (199, END)
    assert taken.epochs.before(END) == 4  # and is asked about from here on


@pytest.mark.parametrize(
    "taken",
    [
        Taken(cut_at=KNOWN_TO - 1),
        Taken(batch=[OTHER]),
        Taken(batch=[MINE._replace(timestamp=1_001)]),
        Taken(batch=[]),
        Taken(batch=[OTHER], is_compacted=True),
        Taken(log=(0, 199)),
    ],
    ids=["below what was read", "other value", "other time", "nothing there", "other in a compacted log", "shorter"],
)
async def test_a_source_that_has_lost_records(taken: Taken) -> None:
    with pytest.raises(MirrorFailure) as failed:
        await judged(taken)
    assert failed.value.code is MirrorError.UNEXPECTED_TRUNCATION
    assert f"cut at offset {taken.cut[1]} (leader epoch 3)" in failed.value.message
    assert "Fail over" in failed.value.message
    assert taken.went_on_at == UNKNOWN


@pytest.mark.parametrize(
    "taken",
    [
        Taken(mirrored=None),
        Taken(batch=[MINE._replace(offset=205)], is_compacted=True),
        Taken(batch=[], is_compacted=True),
        Taken(log=(205, 500), batch=[MINE._replace(offset=205)]),
    ],
    ids=["markers only", "cleaned away at the source", "fills a gap", "deleted at the source"],
)
async def test_where_nothing_tells(taken: Taken) -> None:
    assert (await judged(taken)).went_on_at == END
