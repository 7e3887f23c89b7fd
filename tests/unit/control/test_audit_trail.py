"""What is kept of the audit log to look at: bounded, newest first, nothing that is not ours."""

from __future__ import annotations

import json

from pipeline.control.audit_trail import LINES_KEPT, MOST_LINKS, Trail


def _line(link: str, time_ms: object) -> bytes:
    return json.dumps({"link": link, "time_ms": time_ms, "kind": "mirror.pause"}).encode()


def test_newest_first_by_link_and_over_all() -> None:
    trail = Trail()
    for link, time_ms in (("a", 1), ("b", 3), ("a", 2)):
        trail.add(_line(link, time_ms))
    assert [line["time_ms"] for line in trail.latest("a")] == [2, 1]
    assert [line["link"] for line in trail.latest()] == ["b", "a", "a"]
    assert trail.latest("c") == []


def test_what_is_no_line_is_left_out() -> None:
    trail = Trail()
    for raw in (b"", b"\xff", b"[]", b"{}", b"null", b'"x"'):
        trail.add(raw)
    trail.add(_line("a", "soon"))
    assert [line["time_ms"] for line in trail.latest()] == ["soon"]


def test_it_is_bounded() -> None:
    trail = Trail()
    for number in range(LINES_KEPT + 10):
        trail.add(_line("a", number))
    assert len(trail.latest("a")) == LINES_KEPT
    assert trail.latest("a")[-1]["time_ms"] == 10
    for number in range(MOST_LINKS):
        trail.add(_line(f"link-{number}", number))
    assert trail.latest("a") == []
    assert len(trail.latest()) == LINES_KEPT
