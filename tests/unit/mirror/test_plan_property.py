"""The plan of a slice, property-tested: whatever the source's log looks like, a mirror that carries out the plans has
at each offset what a read_committed consumer of the source sees there (I1, I2, MIRROR-2, MIRROR-13..15).

`HYPOTHESIS_EXAMPLES=10000` makes a thorough run.
"""

from __future__ import annotations

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from pipeline.mirror.plan import Fill, Policy, Rewrite, plan_slice
from pipeline.wire.batch import BatchHeader
from pipeline.wire.records import ControlType, Record
from tests.unit.mirror.mirror_model import MirrorLog
from tests.unit.mirror.source_model import Batch, SourceLog, source_logs

pytestmark = pytest.mark.timeout(300 + settings().max_examples // 5)

POLICIES = st.builds(
    Policy,
    fills_with_records=st.booleans(),
    small_batch_bytes=st.sampled_from((0, 100, 5_000)),
    rewrite_bytes=st.sampled_from((100, 500, 100_000)),
    rewrite_records=st.sampled_from((1, 4, 1_000)),
)


def control_types(batches: list[Batch], asked: list[int]):  # type: ignore[no-untyped-def]
    """Open control batches, and keep account of it."""
    known = {batch.header: batch.control for batch in batches}

    def control_type(header: BatchHeader) -> ControlType:
        asked.append(header.producer_id)
        kind = known[header]
        assert kind is not None and header.count
        return kind

    return control_type


def assert_same(source: SourceLog, mirror: MirrorLog, first: int, policy: Policy) -> None:
    """Compare every offset from `first` to the mirror's end."""
    visible = source.visible
    for offset in range(max(first, mirror.log_start), mirror.next_offset):
        found = mirror.content[offset]
        if offset in visible:
            assert found == visible[offset], offset
        elif not policy.fills_with_records:
            assert found is None, offset


def assert_fillers_are_neighbours(source: SourceLog, mirror: MirrorLog) -> None:
    """A filler is a copy of the record before or after its gap, so tables built from both sides are the same.

    Where there is no record before it that consumers see, it may be the tombstone of one that they do not see.
    """
    visible = source.visible
    before: Record | None = None
    pending: list[Record] = []
    for offset in range(mirror.log_start, mirror.next_offset):
        found = mirror.content[offset]
        assert found is not None
        if offset not in visible:
            pending.append(found)
            continue
        for filler in pending:
            assert is_copy(filler, visible[offset]) or is_copy(filler, before), (filler, before)
        before, pending = visible[offset], []
    for filler in pending:
        assert is_copy(filler, before)


def is_copy(filler: Record, live: Record | None) -> bool:
    return filler.value is None if live is None else filler._replace(offset=live.offset) == live


@given(source=source_logs(), policy=POLICIES, data=st.data())
def test_one_slice_from_anywhere(source: SourceLog, policy: Policy, data: st.DataObject) -> None:
    """Resume at any offset, fetched from there or from before; cut at any border."""
    is_lost = data.draw(st.booleans(), "lost")
    fetched_at = source.log_start if is_lost else data.draw(st.integers(source.log_start, source.log_end), "fetched at")
    batches, aborted = source.fetch(fetched_at, data.draw(st.integers(1, 30), "batches"))
    reached = batches[-1].header.next_offset if batches else fetched_at
    next_offset = data.draw(st.integers(max(fetched_at - 5, 0) if is_lost else fetched_at, reached), "next")
    asked: list[int] = []
    plan = plan_slice(
        [batch.header for batch in batches],
        data.draw(st.permutations(aborted)),
        next_offset,
        control_types(batches, asked),
        policy,
        log_start=source.log_start,
        fetched_at=fetched_at,
    )
    mirror = MirrorLog(next_offset, policy.fills_with_records)
    mirror.carry_out(plan, batches)
    assert plan.next_offset == max(reached, next_offset)
    assert_same(source, mirror, next_offset, policy)
    assert mirror.lost == ([(next_offset, source.log_start - 1)] if next_offset < source.log_start else [])
    assert set(asked) <= {producer_id for producer_id, _ in aborted}
    for step in plan.steps:
        event(type(step).__name__)


@given(source=source_logs(), policy=POLICIES, data=st.data())
def test_slice_after_slice(source: SourceLog, policy: Policy, data: st.DataObject) -> None:
    """Copy a whole log from its start up to the last stable offset, in slices of any size."""
    mirror = MirrorLog(source.log_start, policy.fills_with_records)
    while mirror.next_offset < source.last_stable_offset:
        at = mirror.next_offset
        batches, aborted = source.fetch(at, data.draw(st.integers(1, 8), "batches"))
        plan = plan_slice(
            [batch.header for batch in batches],
            aborted,
            at,
            control_types(batches, []),
            policy,
            log_start=source.log_start,
            known_empty_to=0 if batches else source.last_stable_offset,
        )
        mirror.carry_out(plan, batches)
        assert mirror.next_offset > at
    assert mirror.next_offset == max(source.last_stable_offset, source.log_start)
    assert_same(source, mirror, source.log_start, policy)


@given(source=source_logs(), data=st.data())
def test_fillers_are_copies_of_neighbours(source: SourceLog, data: st.DataObject) -> None:
    policy = Policy(fills_with_records=True, rewrite_records=data.draw(st.sampled_from((1, 5, 100))))
    batches, aborted = source.fetch(source.log_start, 100)
    headers = [batch.header for batch in batches]
    plan = plan_slice(headers, aborted, source.log_start, control_types(batches, []), policy)
    mirror = MirrorLog(source.log_start, fills_with_records=True, source_start=source.log_start)
    mirror.carry_out(plan, batches)
    assert_fillers_are_neighbours(source, mirror)


@given(source=source_logs(), policy=POLICIES)
def test_steps_are_worth_their_while(source: SourceLog, policy: Policy) -> None:
    """Nothing is opened without a reason, nothing is joined beyond the limits, and gaps are joined."""
    batches, aborted = source.fetch(source.log_start, 100)
    headers = [batch.header for batch in batches]
    plan = plan_slice(headers, aborted, source.log_start, control_types(batches, []), policy)
    before = None
    for step in plan.steps:
        if isinstance(step, Rewrite):
            first = step.headers[0]
            if len(step.headers) == 1:
                assert not first.is_dense or first.is_log_append_time or step.first_offset > first.base_offset
            else:
                assert sum(header.size for header in step.headers) <= policy.rewrite_bytes
                assert step.last_offset - step.first_offset < policy.rewrite_records
                assert {header.codec for header in step.headers} == {step.codec}
        assert not (isinstance(step, Fill) and isinstance(before, Fill) and not before.lost)
        before = step


@given(source=source_logs(), policy=POLICIES, data=st.data())
def test_an_end_is_never_passed(source: SourceLog, policy: Policy, data: st.DataObject) -> None:
    """`end` leaves out every batch that reaches it, and nothing else."""
    end = data.draw(st.integers(source.log_start, source.log_end), "end")
    batches, aborted = source.fetch(source.log_start, 100)
    headers = [batch.header for batch in batches]
    plan = plan_slice(headers, aborted, source.log_start, control_types(batches, []), policy, end=end)
    within = [header.next_offset for header in headers if header.last_offset < end]
    assert plan.next_offset == max(within, default=source.log_start)
    mirror = MirrorLog(source.log_start, policy.fills_with_records)
    mirror.carry_out(plan, batches)
    assert_same(source, mirror, source.log_start, policy)
