"""Thousands of mirrors in one scrape: everything is there, and what happens on the event loop is little."""

from __future__ import annotations

from pipeline.metrics.metric import Detail
from pipeline.observing.exposition import render
from tests.unit.observing.worlds import fresh_meter, many, scraped, shot

MIRRORS = 2_000


def test_a_scrape_of_two_thousand_mirrors_is_whole() -> None:
    fresh_meter()
    rows, statuses = many(MIRRORS)
    found = scraped(shot(rows.model, *statuses))
    topics = [labels for name, labels in found if name == "clusterlink_mirror_bytes_total"]
    partitions = [labels for name, labels in found if name == "clusterlink_mirror_lag_records"]
    assert len(topics) == len(partitions) == MIRRORS


def test_less_detail_makes_it_small() -> None:
    fresh_meter()
    rows, statuses = many(MIRRORS)
    sizes = [len(render(shot(rows.model, *statuses), detail)) for detail in Detail]
    assert sizes[0] * 50 < sizes[1] < sizes[2]
