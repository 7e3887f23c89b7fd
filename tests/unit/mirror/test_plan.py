"""Plans by example: what is passed, what is opened and why, what is a gap. All layouts are in the property test."""

from __future__ import annotations

import pytest

from pipeline.mirror.plan import Fill, Pass, Policy, Rewrite, Step, plan_slice
from pipeline.wire.batch import CONTROL, LOG_APPEND_TIME, TRANSACTIONAL, BatchHeader, CorruptBatch
from pipeline.wire.records import ControlType

PLAIN = Policy(small_batch_bytes=0)
COMPACTED = Policy(fills_with_records=True)


def batch(
    first: int, last: int, *, size: int = 100, attributes: int = 0, producer_id: int = -1, count: int | None = None
) -> BatchHeader:
    records = last - first + 1 if count is None else count
    return BatchHeader(0, size, first, 0, 2, 0, attributes, last - first, 0, 0, producer_id, 0, 0, records)


def plan(
    batches: list[BatchHeader],
    next_offset: int,
    policy: Policy = PLAIN,
    aborted: tuple[tuple[int, int], ...] = (),
    kinds: dict[int, ControlType] | None = None,
    **rest: int,
) -> tuple[Step, ...]:
    return plan_slice(batches, aborted, next_offset, lambda h: (kinds or {})[h.base_offset], policy, **rest).steps


def test_whole_batches_pass() -> None:
    batches = [batch(10, 19), batch(20, 29)]
    assert plan(batches, 10) == (Pass(batches[0]), Pass(batches[1]))


@pytest.mark.parametrize(
    ("header", "next_offset"),
    [(batch(10, 19, count=9), 10), (batch(10, 19, attributes=LOG_APPEND_TIME), 10), (batch(10, 19), 14)],
    ids=["a hole inside", "LogAppendTime", "begins below"],
)
def test_what_a_header_alone_cannot_carry_is_opened(header: BatchHeader, next_offset: int) -> None:
    assert plan([header], next_offset) == (Rewrite((header,), next_offset, 19),)


def test_what_the_mirror_has_already_is_left_out() -> None:
    batches = [batch(10, 19), batch(20, 29)]
    assert plan(batches, 20) == (Pass(batches[1]),)
    assert plan(batches, 30) == ()


def test_holes_before_and_between_batches_are_gaps_and_nothing_is_known_behind_the_last() -> None:
    batches = [batch(12, 19), batch(25, 29)]
    assert plan(batches, 10) == (
        Fill(10, 11, near=batches[0]),
        Pass(batches[0]),
        Fill(20, 24, near=batches[1]),
        Pass(batches[1]),
    )


def test_markers_and_aborted_data_that_follow_each_other_are_one_gap() -> None:
    batches = [
        batch(10, 10, attributes=TRANSACTIONAL, producer_id=5),
        batch(11, 11, attributes=CONTROL | TRANSACTIONAL, producer_id=5),
        batch(12, 12, attributes=CONTROL | TRANSACTIONAL, producer_id=6),
        batch(13, 13),
    ]
    found = plan(batches, 10, aborted=((5, 10),), kinds={11: ControlType.ABORT})
    assert found == (Fill(10, 12, near=batches[3]), Pass(batches[3]))


def test_the_same_producer_is_committed_after_its_abort_marker() -> None:
    batches = [
        batch(10, 10, attributes=TRANSACTIONAL, producer_id=5),
        batch(11, 11, attributes=CONTROL | TRANSACTIONAL, producer_id=5),
        batch(12, 12, attributes=TRANSACTIONAL, producer_id=5),
    ]
    found = plan(batches, 10, aborted=((5, 10),), kinds={11: ControlType.ABORT})
    assert found == (Fill(10, 11, near=batches[2]), Pass(batches[2]))


def test_an_abort_marker_below_the_next_offset_counts() -> None:
    """The answer to a fetch in the middle of things: the walk begins with its first batch, the plan later."""
    batches = [
        batch(10, 11, attributes=TRANSACTIONAL, producer_id=5),
        batch(12, 12, attributes=CONTROL | TRANSACTIONAL, producer_id=5),
        batch(13, 13, attributes=TRANSACTIONAL, producer_id=5),
    ]
    assert plan(batches, 13, aborted=((5, 4),), kinds={12: ControlType.ABORT}) == (Pass(batches[2]),)


def test_an_empty_control_batch_ends_nothing_and_is_not_opened() -> None:
    """What the cleaner leaves of a marker so that the producer stays known."""
    batches = [
        batch(10, 10, attributes=CONTROL | TRANSACTIONAL, producer_id=5, count=0),
        batch(11, 11, attributes=TRANSACTIONAL, producer_id=5),
        batch(12, 12),
    ]
    assert plan(batches, 10, aborted=((5, 4),), kinds={}) == (Fill(10, 11, near=batches[2]), Pass(batches[2]))


def test_aborted_transactions_count_from_where_they_begin_in_whatever_order_they_are_listed() -> None:
    batches = [
        batch(10, 10, attributes=TRANSACTIONAL, producer_id=5),
        batch(11, 11, attributes=TRANSACTIONAL, producer_id=6),
        batch(12, 12, attributes=TRANSACTIONAL, producer_id=5),
    ]
    for aborted in (((6, 11), (5, 12)), ((5, 12), (6, 11))):
        assert plan(batches, 10, aborted=aborted) == (Pass(batches[0]), Fill(11, 12, near=batches[0]))


def test_an_end_leaves_out_the_batch_that_reaches_it() -> None:
    batches = [batch(10, 19), batch(20, 29)]
    assert plan(batches, 10, end=30) == (Pass(batches[0]), Pass(batches[1]))
    assert plan(batches, 10, end=29) == (Pass(batches[0]),)
    assert plan(batches, 10, end=19, known_empty_to=25) == ()


def test_a_batch_without_records_is_a_gap() -> None:
    batches = [batch(10, 19, count=0), batch(20, 20)]
    assert plan(batches, 12) == (Fill(12, 19, near=batches[1]), Pass(batches[1]))


def test_a_slice_of_gaps_only_has_nothing_to_copy() -> None:
    assert plan([batch(10, 10, attributes=CONTROL)], 8) == (Fill(8, 10),)


def test_a_gap_at_the_end_is_near_what_came_before() -> None:
    batches = [batch(9, 9), batch(10, 10, attributes=CONTROL)]
    assert plan(batches, 9)[-1] == Fill(10, 10, near=batches[0])


def test_a_lost_head_is_told_apart_from_the_hole_behind_it() -> None:
    batches = [batch(40, 49)]
    assert plan(batches, 10, log_start=30) == (
        Fill(10, 29, lost=True, near=batches[0]),
        Fill(30, 39, near=batches[0]),
        Pass(batches[0]),
    )
    assert plan([], 10, log_start=30) == (Fill(10, 29, lost=True),)


def test_a_log_that_begins_inside_a_batch() -> None:
    header = batch(20, 39)
    assert plan([header], 10, log_start=30) == (Fill(10, 29, lost=True, near=header), Rewrite((header,), 30, 39))


def test_what_is_known_to_be_empty_is_a_gap() -> None:
    assert plan([], 10, known_empty_to=15) == (Fill(10, 14),)
    assert plan([], 10) == ()


def test_a_fetch_that_skipped_something_is_no_proof_of_a_gap() -> None:
    with pytest.raises(ValueError, match="fetched at 12, but the mirror needs 10"):
        plan([batch(12, 19)], 10, fetched_at=12)


@pytest.mark.parametrize("second", [batch(19, 25), batch(5, 9), batch(10, 19)])
def test_batches_that_overlap_are_refused(second: BatchHeader) -> None:
    with pytest.raises(CorruptBatch):
        plan([batch(10, 19), second], 10)


def test_small_neighbours_are_put_together_within_limits() -> None:
    policy = Policy(small_batch_bytes=1_000, rewrite_bytes=250, rewrite_records=100)
    batches = [batch(n, n) for n in range(5)]
    assert plan(batches, 0, policy) == (
        Rewrite((batches[0], batches[1]), 0, 1),
        Rewrite((batches[2], batches[3]), 2, 3),
        Pass(batches[4]),
    )


def test_the_most_offsets_of_what_is_put_together() -> None:
    batches = [batch(n, n) for n in range(4)]
    assert plan(batches, 0, Policy(rewrite_records=2)) == (
        Rewrite((batches[0], batches[1]), 0, 1),
        Rewrite((batches[2], batches[3]), 2, 3),
    )


def test_large_batches_and_other_codecs_are_not_put_together() -> None:
    policy = Policy(small_batch_bytes=1_000)
    batches = [batch(0, 0, attributes=3), batch(1, 1, attributes=4), batch(2, 2, attributes=4, size=5_000)]
    assert plan(batches, 0, policy) == tuple(Pass(header) for header in batches)


def test_a_gap_divides_what_is_put_together_unless_it_becomes_records() -> None:
    batches = [batch(0, 0), batch(2, 2), batch(3, 3)]
    assert plan(batches, 0, Policy()) == (
        Pass(batches[0]),
        Fill(1, 1, near=batches[1]),
        Rewrite((batches[1], batches[2]), 2, 3),
    )
    assert plan(batches, 0, COMPACTED) == (Rewrite(tuple(batches), 0, 3),)


def test_a_long_gap_stays_a_step_of_its_own() -> None:
    batches = [batch(0, 0), batch(1_000_000, 1_000_000)]
    assert plan(batches, 0, COMPACTED) == (
        Pass(batches[0]),
        Fill(1, 999_999, near=batches[1]),
        Pass(batches[1]),
    )


def test_many_small_batches_are_planned_in_linear_time() -> None:
    """100,000 one-record batches, half of them markers: joined without comparing each with all others."""
    batches = [batch(n, n, attributes=CONTROL * (n % 2)) for n in range(100_000)]
    assert len(plan(batches, 0, Policy(rewrite_bytes=2**40, rewrite_records=2**40))) == 100_000
    plain = [batch(n, n) for n in range(100_000)]
    assert len(plan(plain, 0, Policy(rewrite_bytes=2**40, rewrite_records=2**40))) == 1
