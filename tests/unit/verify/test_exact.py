"""The strict comparison on streams made by hand (CLI-55, I1, I2)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.verify.exact import compare
from tests.unit.verify.streams import Rec, chunked, offsets_only, records


def run(source: list[Rec], mirror: list[Rec], committed: list[Rec] | None = None, size: int = 3):
    seen = []
    found = compare(
        5,
        chunked(source, size),
        chunked(mirror, size + 1),
        offsets_only(mirror if committed is None else committed, size + 2),
        lambda chunk: seen.extend(chunk.offsets),
    )
    return found, seen


def test_equal_streams_are_equal_however_they_are_cut():
    source = records(20)
    for size in (1, 2, 7, 50):
        assert run(source, source, size=size) == (None, [each.offset for each in source])


def test_empty_ranges_are_equal():
    assert run([], []) == (None, [])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key", b""),
        ("value", b"v11!"),
        ("value", None),
        ("headers", [("h", None)]),
        ("headers", None),
        ("timestamp", 1),
    ],
)
def test_a_changed_field_is_named_with_its_offset(field, value):
    source = records(20)
    mirror = [replace(each, **{field: value}) if each.offset == 11 else each for each in source]
    found, seen = run(source, mirror)
    assert (found.partition, found.offset, found.field) == (5, 11, field)
    assert max(seen) < 11


def test_a_missing_record_is_told_from_an_added_one():
    whole = records(20)
    without = [each for each in whole if each.offset != 7]
    missing, _ = run(whole, without)
    assert (missing.offset, missing.field, missing.source, missing.view) == (7, "record", "has it", "read_uncommitted")
    added, _ = run(without, whole)
    assert (added.offset, added.mirror) == (7, "has one")


def test_a_shifted_record_is_found():
    source = records(20)
    mirror = [replace(each, offset=each.offset + 1) if each.offset >= 13 else each for each in source]
    found, _ = run(source, mirror)
    assert (found.offset, found.field) == (13, "record")


def test_a_missing_tail_is_found():
    source = records(20)
    found, _ = run(source, source[:15])
    assert (found.offset, found.source) == (15, "has it")


def test_a_record_that_read_committed_does_not_see_on_the_mirror_is_found():
    source = records(20)
    found, _ = run(source, source, [each for each in source if each.offset != 4])
    assert (found.offset, found.view) == (4, "read_committed")
    found, _ = run(source, source, source[:-1])
    assert (found.offset, found.view) == (19, "read_committed")


@given(
    offsets=st.sets(st.integers(0, 60), min_size=1),
    change=st.data(),
    size=st.integers(1, 9),
)
def test_any_single_change_is_found_at_its_offset(offsets, change, size):
    source = [Rec(offset) for offset in sorted(offsets)]
    at = change.draw(st.integers(0, len(source) - 1))
    mirror = list(source)
    kind = change.draw(st.sampled_from(["drop", "alter"]))
    mirror[at : at + 1] = [] if kind == "drop" else [replace(source[at], value=b"other")]
    found, _ = run(source, mirror, size=size)
    assert found is not None
    assert found.offset == source[at].offset
