"""What the live table shows is computed from two answers of REST."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest
from rich.console import Console

from pipeline.demo.producing import Produced
from pipeline.demo.showing import line, show_while, table
from pipeline.demo.watching import Look, Watch, look


def row(records: int, lag: int = 0, **more: Any) -> dict[str, Any]:
    state = {
        "partition": 0,
        "local_log_end_offset": records,
        "last_fetch_source_high_watermark": records + lag,
        "lag": lag,
        "records": records,
        "bytes": 10 * records,
        "gap_offsets": 3,
        "marker_path": "direct",
        "error": "NO_ERROR",
        "error_message": "",
    }
    mirror = {"mirror_status": "ACTIVE", "mirror_topic_error": "NO_ERROR", "mirror_topic_error_message": ""}
    return {**mirror, **more, "partition_states": [state]}


@pytest.mark.parametrize(("waits", "is_shown"), [(60.0, True), (0.0, False)])
def test_a_mirror_that_rest_does_not_show_yet_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, waits: float, is_shown: bool
):
    monkeypatch.setattr("pipeline.demo.watching.SHOWN_WITHIN_S", waits)
    monkeypatch.setattr("pipeline.demo.watching.AGAIN_S", 0.01)
    answers = iter([httpx.Response(404), httpx.Response(404), httpx.Response(200, json=row(7))])
    watch = Watch("http://there", "cluster", "l", "m")
    watch._client = httpx.Client(transport=httpx.MockTransport(lambda _: next(answers)))
    if is_shown:
        assert watch.look().mirror_ends == 7
        return
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        watch.look()


def test_rates_are_between_two_looks():
    first = look(row(100), 10.0, None)
    assert first.records_per_s == 0
    second = look(row(300, lag=7), 12.0, first)
    assert (second.records_per_s, second.lines[0].bytes_per_s, second.lag, second.mirror_ends) == (100, 1000, 7, 300)


def test_a_worker_that_counts_anew_gives_no_negative_rate():
    assert look(row(5), 12.0, look(row(100), 10.0, None)).records_per_s == 0


def test_errors_are_shown_by_code_and_message():
    failed = look(row(1, mirror_topic_error="RECORD_TOO_LARGE", mirror_topic_error_message="too large"), 0.0, None)
    assert failed.error == "RECORD_TOO_LARGE too large"
    assert "too large" in line(failed, Produced(), 1.0)


def test_without_a_terminal_there_are_plain_lines(monkeypatch):
    monkeypatch.setattr("pipeline.demo.showing.LINE_EVERY_S", 0.0)
    console = Console(force_terminal=False, width=140, file=io.StringIO())
    looks = iter([look(row(at), float(at), None) for at in range(4)])
    last: Look = show_while(console, lambda: next(looks), Produced(), lambda now: now.mirror_ends < 3, every_s=0)
    assert last.mirror_ends == 3
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert text.count("\n") == 3
    assert "\x1b" not in text


def test_the_table_has_a_row_for_each_partition():
    shown = table(look(row(1_000_000), 0.0, None), Produced(records=5))
    assert shown.row_count == 1
