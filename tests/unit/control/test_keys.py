"""Where links and mirror partitions live: the same place for every worker, and for producers that use Kafka's hash."""

from __future__ import annotations

from collections import Counter

import pytest

from pipeline.control.keys import link_partition, mirror_key, position_key, work_partition


@pytest.mark.parametrize(
    ("link", "hashed"),
    [("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536), ("abc", 479470107)],
)
def test_links_are_where_kafkas_default_partitioner_puts_them(link: str, hashed: int) -> None:
    """murmur2 as Kafka's own tests have it, its sign cut off. A change would move every link of every installation."""
    for partitions in (1, 4, 8, 50, 1024):
        assert link_partition(link, partitions) == (hashed & 0x7FFFFFFF) % partitions


def test_the_partitions_of_a_mirror_follow_each_other() -> None:
    first = work_partition("l", "orders", 0, 8)
    assert [work_partition("l", "orders", n, 8) for n in range(20)] == [(first + n) % 8 for n in range(20)]


def test_small_mirrors_spread_over_all_partitions() -> None:
    """Many topics of one partition must not all be one worker's."""
    found = Counter(work_partition("l", f"topic-{n}", 0, 8) for n in range(800))
    assert set(found) == set(range(8)) and max(found.values()) < 200


def test_one_source_over_two_links_is_two_mirrors() -> None:
    assert mirror_key("l", "t") == "l/t"
    assert position_key("l", "t", 3) == "l/t/3"
    assert {work_partition(link, "t", 0, 1024) for link in ("one", "two")} != {work_partition("one", "t", 0, 1024)}


def test_one_partition_holds_everything() -> None:
    assert {link_partition(f"l{n}", 1) for n in range(50)} == {0}
