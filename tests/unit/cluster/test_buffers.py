"""Buffers are used again only when nobody looks at them: otherwise a record could change under its reader (I1)."""

from __future__ import annotations

import random

from pipeline.cluster.buffers import SMALLEST, STEP, Buffers

LARGE = 3 * STEP + 1


def test_a_buffer_is_used_again_once_its_last_view_is_gone() -> None:
    buffers = Buffers()
    first = buffers.take(LARGE)
    part = first[7:9]
    del first
    second = buffers.take(LARGE)
    assert buffers.kept_bytes == 8 * STEP, "a view of two bytes holds on to the whole buffer"
    del part, second
    third = buffers.take(LARGE - 5)
    assert buffers.kept_bytes == 8 * STEP
    assert len(third) == LARGE - 5


def test_nobody_sees_his_bytes_change() -> None:
    chance = random.Random(7)
    buffers = Buffers(most_bytes=6 * STEP)
    held: list[tuple[memoryview, int]] = []
    for number in range(500):
        view = buffers.take(chance.randrange(SMALLEST, 4 * STEP))
        mark = number % 251
        view[0] = view[-1] = mark
        held.append((view[:1], mark) if chance.random() < 0.5 else (view, mark))
        while len(held) > chance.randrange(1, 6):
            held.pop(chance.randrange(len(held)))
        assert all(seen[0] == mark and seen[-1] == mark for seen, mark in held)
        assert buffers.kept_bytes <= 6 * STEP


def test_small_frames_and_what_is_too_much_are_not_kept() -> None:
    buffers = Buffers(most_bytes=2 * STEP)
    small = buffers.take(SMALLEST - 1)
    assert (len(small), buffers.kept_bytes) == (SMALLEST - 1, 0)
    assert len(buffers.take(0)) == 0
    huge = buffers.take(5 * STEP)
    assert (len(huge), buffers.kept_bytes) == (5 * STEP, 0)


def test_free_buffers_make_room_for_other_sizes() -> None:
    buffers = Buffers(most_bytes=4 * STEP)
    buffers.take(STEP)
    buffers.take(3 * STEP)
    kept = buffers.take(4 * STEP)
    assert buffers.kept_bytes == len(kept) == 4 * STEP
