"""The quick way to plan small plain batches comes to what the general one does, and keeps out of everything else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from pipeline.mirror import plan
from pipeline.mirror.plan import Pass, Policy, Rewrite, plan_slice
from pipeline.mirror.small_batches import runs_to_join
from pipeline.wire import plain_batches
from pipeline.wire.batch import CONTROL, LOG_APPEND_TIME, TRANSACTIONAL, BatchHeader, scan
from pipeline.wire.plain_batches import find
from pipeline.wire.records import Record
from tests.unit.wire.batches import log_of

SMALL, MOST_BYTES, MOST_RECORDS = 1_000, 5_000, 50
POLICY = Policy(small_batch_bytes=SMALL, rewrite_bytes=MOST_BYTES, rewrite_records=MOST_RECORDS)


def batch(base_offset: int, count: int = 1, size: int = 170, attributes: int = 0) -> BatchHeader:
    return BatchHeader(0, size, base_offset, 0, 2, 0, attributes, count - 1, 0, 0, -1, -1, -1, count)


@st.composite
def slices(draw: st.DrawFn) -> tuple[int, list[BatchHeader]]:
    """Batches as a fetch brings them, mostly small and plain, and the offset that is needed next."""
    start = position = draw(st.integers(0, 100))
    found = []
    for _ in range(draw(st.integers(0, 40))):
        count = draw(st.sampled_from((1, 1, 1, 2, 30)))
        size = draw(st.sampled_from((170, 170, 900, SMALL, SMALL - 1)))
        found.append(batch(position, count, size, draw(st.sampled_from((0, 0, 0, 0, 0, 0, 0, 3)))))
        position += count + draw(st.sampled_from((0,) * 30 + (1,)))
    return draw(st.sampled_from((start, start, start, start + 1))), found


@given(slices())
def test_both_ways_come_to_the_same_steps(drawn: tuple[int, list[BatchHeader]]) -> None:
    next_offset, batches = drawn
    found = plan_slice(batches, (), next_offset, _never, POLICY)
    event(f"quick: {runs_to_join(batches, next_offset, SMALL, MOST_BYTES, MOST_RECORDS) is not None}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "runs_to_join", lambda *_: None)
        assert plan_slice(batches, (), next_offset, _never, POLICY) == found


def test_small_batches_are_joined_up_to_the_limits() -> None:
    batches = [batch(offset) for offset in range(120)]
    steps = plan_slice(batches, (), 0, _never, POLICY).steps
    assert [(step.first_offset, step.last_offset) for step in steps] == [
        (0, 28),
        (29, 57),
        (58, 86),
        (87, 115),
        (116, 119),
    ]
    assert all(isinstance(step, Rewrite) for step in steps)
    assert plan_slice(batches[:1], (), 0, _never, POLICY).steps == (Pass(batches[0]),)


@pytest.mark.parametrize(
    "strange",
    [
        batch(1, size=SMALL),
        batch(1, attributes=3),
        batch(1, attributes=LOG_APPEND_TIME),
        batch(1, attributes=TRANSACTIONAL),
        batch(1, attributes=CONTROL),
        batch(2),
        batch(1)._replace(last_offset_delta=1),
    ],
    ids=lambda header: f"at {header.base_offset}, attributes {header.attributes}, {header.size} bytes",
)
def test_one_other_batch_is_enough_to_leave_it_to_the_general_way(strange: BatchHeader) -> None:
    assert runs_to_join([batch(0)], 0, SMALL, MOST_BYTES, MOST_RECORDS) == [(0, 1)]
    assert runs_to_join([batch(0), strange, batch(3)], 0, SMALL, MOST_BYTES, MOST_RECORDS) is None
    assert runs_to_join([batch(0)], 1, SMALL, MOST_BYTES, MOST_RECORDS) is None


@given(
    st.lists(st.sampled_from((1, 1, 1, 2, 5)), min_size=1, max_size=60),
    st.sampled_from((SMALL, 200)),
    st.integers(100, 3_000),
    st.integers(1, 40),
    st.sampled_from((0, 0, 0, 1)),
)
def test_a_table_of_batches_is_planned_as_their_headers_are(
    counts: list[int], small: int, most_bytes: int, most_records: int, ahead: int
) -> None:
    some, offset = [], 100
    for count in counts:
        some.append([Record(offset + n, 5, b"k", b"v" * (count * 20 % 70)) for n in range(count)])
        offset += count
    log = log_of(some, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain_batches, "LEAST_BYTES", 1)
        found = find(memoryview(log))
    assert found is not None
    policy = Policy(small_batch_bytes=small, rewrite_bytes=most_bytes, rewrite_records=most_records)
    by_table, one_by_one = (
        [
            replace(step, headers=tuple(step.headers)) if isinstance(step, Rewrite) else step
            for step in plan_slice(headers, (), 100 + ahead, _never, policy).steps
        ]
        for headers in (found, scan(log))
    )
    assert by_table == one_by_one
    event(f"runs: {runs_to_join(found, 100 + ahead, small, most_bytes, most_records) is not None}")


def _never(_: Any) -> Any:
    raise AssertionError("there is no control batch to open")
