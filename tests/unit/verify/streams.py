"""Streams of records without a broker."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.verify.chunks import Chunk, Headers


@dataclass(frozen=True)
class Rec:
    offset: int
    key: bytes | None = b"k"
    value: bytes | None = b"v"
    timestamp: int = 1_000
    headers: Headers | None = field(default_factory=lambda: [("h", b"x")])


def records(count: int) -> list[Rec]:
    return [Rec(at, f"k{at}".encode(), f"v{at}".encode(), 1_000 + at) for at in range(count)]


class Cut:
    """A stream that hands out its records in chunks of a size."""

    def __init__(self, chunks: list[Chunk]) -> None:
        self._chunks = iter(chunks)

    def chunk(self) -> Chunk | None:
        return next(self._chunks, None)


def chunked(source: list[Rec], size: int) -> Cut:
    parts = [source[at : at + size] for at in range(0, len(source), size)]
    return Cut(
        [
            Chunk(
                [each.offset for each in part],
                [each.timestamp for each in part],
                [each.key for each in part],
                [each.value for each in part],
                [each.headers for each in part],
            )
            for part in parts
        ]
    )


def offsets_only(source: list[Rec], size: int) -> Cut:
    return Cut([Chunk([each.offset for each in source[at : at + size]]) for at in range(0, len(source), size)])
