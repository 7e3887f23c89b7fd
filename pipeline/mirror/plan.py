"""The plan of a slice: what to do with every offset that a fetch has told us about, decided from the headers alone.

Input is one answer to a read_committed Fetch: its batches (headers only; nothing is opened), its list of aborted
transactions, and the offset that the mirror needs next. Output are steps that cover the offsets from there on, each
exactly once and in order (I1), up to the end of the last whole batch:

    Pass     one batch as it is, under a new header
    Rewrite  batches that have to be opened: holes inside, begins below the next offset, LogAppendTime, many small ones
    Fill     a gap: offsets that no consumer of the source sees (I2)

What a Fetch guarantees, and what the plan takes from it:
* It answers with the first batch whose last offset is at or above the fetch offset, and goes on without leaving out
  any: bytes of one segment of the log. So nothing is between the fetch offset and the first batch, nor between two.
* It may end anywhere. Behind the last whole batch nothing is known, be it a hole or a record: no step goes there. Its
  own last offset is known though; compaction keeps it when the last records of a batch are gone.
* An empty answer says nothing by itself: limits of the request shared by other partitions, a quota, an incremental
  session leave partitions out. Only when the partition was asked for alone and unthrottled, and the fetch offset is
  below the last stable offset of that same answer, then nothing is there up to that one: `known_empty_to`. (It happens
  in compacted logs, `Copier._pass_over`; tiered ones, whose brokers may answer too late, are never compacted.)
* Nothing at or above the last stable offset comes back, and the aborted list covers what came back. A batch belongs to
  an aborted transaction if it is transactional and a listed transaction of its producer id has begun at or below its
  last offset and was not ended by an ABORT marker yet: the consumer's rule (KIP-98), so the walk begins with the first
  batch of the answer, even where the mirror needs later ones only.
* OFFSET_OUT_OF_RANGE with the log start above the next offset: what lies between is lost (MIRROR-14), `log_start`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.mirror.small_batches import runs_to_join
from pipeline.wire.batch import BatchHeader, CorruptBatch
from pipeline.wire.plain_batches import PlainBatches
from pipeline.wire.records import ControlType


@dataclass(frozen=True, slots=True)
class Policy:
    """How to divide the work; see `gaps` for how gaps are filled."""

    fills_with_records: bool = False
    """Gaps become records (compacted topics): small ones are closed while rewriting, instead of dividing batches."""
    small_batch_bytes: int = 8_192
    """Batches below this are put together where they follow each other; 0 passes every one through."""
    rewrite_bytes: int = 262_144
    """Most bytes of batches in one Rewrite of several; keep it well below the mirror's max.message.bytes."""
    rewrite_records: int = 10_000
    """Most offsets in one Rewrite of several."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Append this batch under a new header (`batch.restamp`); its records stay closed."""

    header: BatchHeader

    @property
    def first_offset(self) -> int:
        return self.header.base_offset

    @property
    def last_offset(self) -> int:
        return self.header.last_offset


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Open these batches, keep the records from `first_offset` on, close them again with `codec`.

    Not every offset up to `last_offset` must have a record: see `gaps.divide` and `gaps.close_gaps`.
    """

    headers: Sequence[BatchHeader]
    first_offset: int
    last_offset: int

    @property
    def codec(self) -> int:
        return self.headers[0].codec


@dataclass(frozen=True, slots=True)
class Fill:
    """Close this gap; how is for `gaps.filler` to say."""

    first_offset: int
    last_offset: int
    lost: bool = False
    """The source has deleted it before it was read: report the range."""
    near: BatchHeader | None = None
    """A batch with live records: the next one in the slice, else the one before. None: the slice has none."""

    @property
    def count(self) -> int:
        return self.last_offset - self.first_offset + 1


Step = Pass | Rewrite | Fill


@dataclass(frozen=True, slots=True)
class Plan:
    """`steps` cover first..next_offset - 1; `next_offset` is where to fetch next."""

    steps: tuple[Step, ...]
    next_offset: int


@dataclass(frozen=True, slots=True)
class _Live:
    header: BatchHeader
    first_offset: int

    @property
    def last_offset(self) -> int:
        return self.header.last_offset

    @property
    def must_open(self) -> bool:
        header = self.header
        return not header.is_dense or header.is_log_append_time or self.first_offset > header.base_offset


def plan_slice(
    batches: Sequence[BatchHeader],
    aborted: Sequence[tuple[int, int]],
    next_offset: int,
    control_type: Callable[[BatchHeader], ControlType],
    policy: Policy,
    *,
    fetched_at: int | None = None,
    log_start: int = 0,
    known_empty_to: int = 0,
    end: int | None = None,
) -> Plan:
    """Plan what a fetch has brought for a mirror that needs `next_offset`.

    `aborted`: (producer id, first offset) of each aborted transaction in the answer. `control_type` opens a control
    batch; it is asked only about producers with an aborted transaction. `fetched_at`: the offset that was asked for.
    `log_start`: of the source, from the answer. `known_empty_to`: see the module's head. `end`: leave out batches that
    reach this offset.

    Raises CorruptBatch when batches overlap or run backwards, and ValueError when the fetch began behind what the
    mirror needs: what was skipped would be taken for a gap.
    """
    found: list[_Live | Fill] = []
    position = next_offset
    if log_start > position:
        found.append(Fill(position, log_start - 1, lost=True))
        position = log_start
    if fetched_at is not None and fetched_at > position:
        raise ValueError(f"fetched at {fetched_at}, but the mirror needs {position}")
    if not found and not known_empty_to and end is None and (steps := _join_small(batches, position, policy)):
        return Plan(steps, batches[-1].next_offset)
    for header, is_seen in _visible(batches, aborted, control_type):
        if header.last_offset < position:
            continue
        if end is not None and header.last_offset >= end:
            known_empty_to = min(known_empty_to, header.base_offset)
            break
        if is_seen:
            if header.base_offset > position:
                _add_gap(found, position, header.base_offset - 1)
            found.append(_Live(header, max(position, header.base_offset)))
        else:
            _add_gap(found, position, header.last_offset)
        position = header.next_offset
    if known_empty_to > position:
        _add_gap(found, position, known_empty_to - 1)
        position = known_empty_to
    return Plan(tuple(_group(found, policy)), position)


def _join_small(batches: Sequence[BatchHeader], position: int, policy: Policy) -> tuple[Step, ...]:
    """The steps for small plain batches; empty for all others."""
    runs = runs_to_join(batches, position, policy.small_batch_bytes, policy.rewrite_bytes, policy.rewrite_records)
    return tuple(_joined(batches[begin:end]) for begin, end in runs or ())


def _joined(batches: Sequence[BatchHeader]) -> Step:
    if len(batches) == 1:
        return Pass(batches[0])
    return Rewrite(
        batches if isinstance(batches, PlainBatches) else tuple(batches),
        batches[0].base_offset,
        batches[-1].last_offset,
    )


def _visible(
    batches: Sequence[BatchHeader],
    aborted: Sequence[tuple[int, int]],
    control_type: Callable[[BatchHeader], ControlType],
) -> Iterator[tuple[BatchHeader, bool]]:
    """Say of each batch whether a read_committed consumer is given records of it (KIP-98)."""
    begun = sorted(aborted, key=lambda transaction: transaction[1], reverse=True)
    open_ids: set[int] = set()
    reached = -1
    for header in batches:
        if header.base_offset <= reached:
            raise CorruptBatch(header.base_offset, f"comes after a batch that ends at {reached}")
        reached = header.last_offset
        while begun and begun[-1][1] <= reached:
            open_ids.add(begun.pop()[0])
        if header.is_control:
            if header.producer_id in open_ids and header.count and control_type(header) is ControlType.ABORT:
                open_ids.discard(header.producer_id)
            yield header, False
        else:
            is_aborted = header.is_transactional and header.producer_id in open_ids
            yield header, header.count > 0 and not is_aborted


def _add_gap(found: list[_Live | Fill], first_offset: int, last_offset: int) -> None:
    """Add a gap, joined to the one before it unless that was lost: one run of markers for both."""
    before = found[-1] if found else None
    if isinstance(before, Fill) and not before.lost:
        found[-1] = Fill(before.first_offset, last_offset)
    else:
        found.append(Fill(first_offset, last_offset))


class _Group:
    """Live batches that one step will hold."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.live: list[_Live] = []
        self._size = 0

    def takes(self, item: _Live) -> bool:
        """Whether a live batch can be opened together with those already here."""
        if not self.live:
            return True
        policy, first, size = self._policy, self.live[0], item.header.size
        return (
            item.header.codec == first.header.codec
            and self._is_cheap(first)
            and self._is_cheap(item)
            and self._size + size <= policy.rewrite_bytes
            and item.last_offset - first.first_offset < policy.rewrite_records
        )

    def add(self, item: _Live) -> None:
        self.live.append(item)
        self._size += item.header.size

    def close(self) -> Iterator[Step]:
        """Give the step for what is here, if anything is, and begin anew."""
        live, self.live, self._size = self.live, [], 0
        if len(live) == 1 and not live[0].must_open:
            yield Pass(live[0].header)
        elif live:
            yield Rewrite(tuple(item.header for item in live), live[0].first_offset, live[-1].last_offset)

    def _is_cheap(self, item: _Live) -> bool:
        return item.must_open or item.header.size < self._policy.small_batch_bytes


def _group(found: Sequence[_Live | Fill], policy: Policy) -> Iterator[Step]:
    """Turn what was found into steps: small neighbours joined, with the gaps between them if those become records."""
    group = _Group(policy)
    before: BatchHeader | None = None
    for index, item in enumerate(found):
        if isinstance(item, _Live):
            if not group.takes(item):
                yield from group.close()
            group.add(item)
            before = item.header
            continue
        after = found[index + 1] if index + 1 < len(found) else None
        if isinstance(after, _Live):
            if policy.fills_with_records and group.live and not item.lost and group.takes(after):
                continue
            near: BatchHeader | None = after.header
        else:
            near = _first_live(found, index) or before
        yield from group.close()
        yield Fill(item.first_offset, item.last_offset, item.lost, near)
    yield from group.close()


def _first_live(found: Sequence[_Live | Fill], index: int) -> BatchHeader | None:
    """The first live batch behind the gap at `index`: past one more gap at most, as all but a lost one are joined."""
    return next((item.header for item in found[index + 1 : index + 3] if isinstance(item, _Live)), None)
