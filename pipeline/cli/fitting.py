"""Tables that are wider than the terminal: what is alike in all rows goes above them, long texts into several lines.

Names are broken only where they have joints (dots, commas, slashes), and where that is not enough either every row
becomes a block of lines. Pure; for people only, never for what programs read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

BETWEEN, EDGES = 3, 2
"""Columns between two columns, and at both ends of a line."""
LONG = 50
"""A word longer than this is a list or an address book: broken at its joints at once."""
JOINTS = re.compile(r"(?<=[.,;/_=&-])")

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Fitted:
    """`alike`: (title, value) of columns with one value; then a table, or, without titles, rows as (title, value)."""

    alike: list[tuple[str, str]]
    titles: list[str]
    rows: list[list[str]]
    blocks: list[list[tuple[str, str]]]


def fitted(titles: Sequence[str], rows: Rows, width: int) -> Fitted:
    """The first form that fits a terminal of so many columns."""
    if _natural(titles, rows) <= width:
        return Fitted([], [*titles], [[*row] for row in rows], [])
    forms = [_split(titles, rows, above) for above in _alike(titles, rows)]
    for joints in (None, JOINTS):
        for above, heads, cells in forms:
            widths = _widths(heads, cells, width, joints)
            if heads and widths:
                broken = [
                    [_broken(text, most) for text, most in zip(line, widths, strict=True)] for line in (heads, *cells)
                ]
                return Fitted(above, broken[0], broken[1:], [])
    above, heads, cells = forms[-1]
    return Fitted(above, [], [], [[*zip(heads, row, strict=True)] for row in cells] if heads else [])


def _alike(titles: Sequence[str], rows: Rows) -> Iterator[list[int]]:
    """Which columns go above the table: none, then names that are the same in every row, then figures too."""
    yield []
    same = [at for at in range(len(titles)) if len({row[at] for row in rows}) == 1]
    yield [at for at in same if not rows[0][at].lstrip("-").isdecimal()] if len(rows) > 1 else []
    yield same


def _split(
    titles: Sequence[str], rows: Rows, above: Sequence[int]
) -> tuple[list[tuple[str, str]], list[str], list[list[str]]]:
    kept = [at for at in range(len(titles)) if at not in above]
    pairs = [(titles[at], rows[0][at]) for at in above]
    return pairs, [titles[at] for at in kept], [[row[at] for at in kept] for row in rows]


def _natural(titles: Sequence[str], rows: Rows) -> int:
    return sum(_columns(titles, rows, len)) + BETWEEN * (len(titles) - 1) + EDGES


def _widths(titles: Sequence[str], rows: Rows, width: int, joints: re.Pattern[str] | None) -> list[int] | None:
    """Widths that fill the terminal, the widest columns narrowed first; None where the pieces of words do not fit."""
    wanted = _columns(titles, rows, len)
    least = _columns(
        titles, rows, lambda text: max((len(piece.rstrip()) for piece in _pieces(text, joints)), default=0)
    )
    room = width - BETWEEN * (len(titles) - 1) - EDGES
    if sum(least) > room:
        return None
    while sum(wanted) > room:
        widest = max((at for at in range(len(wanted)) if wanted[at] > least[at]), key=lambda at: wanted[at])
        wanted[widest] -= 1
    return wanted


def _columns(titles: Sequence[str], rows: Rows, measure: Callable[[str], int]) -> list[int]:
    return [max(measure(text) for text in column) for column in zip(titles, *rows, strict=True)]


def _pieces(text: str, joints: re.Pattern[str] | None) -> list[str]:
    """What is not broken: words with the space behind them, or the parts of words."""
    words = re.findall(r"\S+\s*", text)
    return [part for word in words for part in (JOINTS.split(word) if joints or len(word) > LONG else [word]) if part]


def _broken(text: str, width: int) -> str:
    """The text in lines of at most so many characters, whole words where they fit."""
    lines = [""]
    for word in _pieces(text, None):
        parts = [word] if len(word.rstrip()) <= width else _pieces(word, JOINTS)
        for part in parts:
            if lines[-1] and len(lines[-1] + part.rstrip()) > width:
                lines.append("")
            lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)
