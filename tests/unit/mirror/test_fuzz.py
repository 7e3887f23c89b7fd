"""Some seeds of `make fuzz`, which together have what it is made of; and its checker finds what it is for."""

from __future__ import annotations

import pytest

from pipeline.wire.records import Record
from tests.fuzz.checking import findings
from tests.fuzz.logs import SourceLog
from tests.fuzz.running import run

SEEDS = (5, 14, 17, 20, 34, 38)
"""They found it when a refusal was acted on before what was on its way, and what was not read was taken for a gap."""


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_seed(seed: int) -> None:
    outcome = await run(seed)
    assert not outcome.found, "\n".join(outcome.found)
    assert outcome.compared


def shown(letters: str) -> dict[int, Record]:
    """Records named by letters, a capital is a tombstone, "." an offset without one."""
    return {
        offset: Record(offset, 1, letter.lower().encode(), None if letter.isupper() else b"of " + letter.encode())
        for offset, letter in enumerate(letters)
        if letter != "."
    }


@pytest.mark.parametrize(
    ("is_compacted", "source", "mirror", "found"),
    [
        (False, "ab.d", "ab.d", 0),
        (False, "ab.d", "ab..", 1),
        (False, "ab.d", "abbd", 1),
        (False, "ab.d", "aabd", 2),
        (False, "abcd", "acbd", 2),
        (True, "ab.d", "abdd", 0),
        (True, "ab..", "abbb", 0),
        (True, "ab..", "abZZ", 0),
        (True, "ab.d", "abzd", 1),
        (True, "ab.d", "abBd", 1),
    ],
)
def test_the_checker(is_compacted: bool, source: str, mirror: str, found: int) -> None:
    log = SourceLog(is_compacted, end=len(source), visible=shown(source))
    assert len(findings(log, shown(mirror), len(mirror))) == found


def test_an_older_value_must_not_come_back() -> None:
    old, new = Record(0, 1, b"a", b"old"), Record(1, 1, b"a", b"new")
    log = SourceLog(is_compacted=True, end=3, visible={0: old, 1: new})
    assert not findings(log, {0: old, 1: new, 2: new._replace(offset=2)}, 3)
    assert findings(log, {0: old, 1: new, 2: old._replace(offset=2)}, 3)


def test_the_ends_are_the_same() -> None:
    log = SourceLog(is_compacted=False, end=3, visible=shown("a"))
    assert [findings(log, shown("a"), end) != [] for end in (2, 3, 4)] == [True, False, True]
