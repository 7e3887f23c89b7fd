"""What every worker knows, rebuilt from changelogs: rows come, change and go, in any order of tables."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.control.read_model import ReadModel
from pipeline.control.tail import Entry
from pipeline.control.topics import ControlTopics
from pipeline.link.errors import Malformed
from pipeline.link.models import Link, Mirror, Position, TaskStatus
from pipeline.link.states import MirrorStatus, TaskName

TOPICS = ControlTopics("t", 4, 1)
LINK = Link("l", "", "")
MIRROR = Mirror("l", "m", "s", partitions=2, status=MirrorStatus.ACTIVE)
REQUEST = {"id": "r", "link": "l", "command": {}, "partition": 1, "offset": 5, "stage": "", "result": None}


@pytest.fixture
def model() -> ReadModel:
    return ReadModel(TOPICS)


def put(model: ReadModel, table: str, key: str, row: Any, version: int = 1) -> None:
    value = None if row is None else json.dumps({"version": version, "row": row}).encode()
    model.apply(Entry(TOPICS.changelog(table), 0, 0, 0, json.dumps(key).encode(), value))


def test_links_come_change_and_go(model: ReadModel) -> None:
    put(model, "links", "l", LINK.to_json(), 3)
    assert model.links == {"l": LINK} and model.version("links", "l") == 3
    put(model, "links", "l", {**LINK.to_json(), "error_message": "gone"}, 4)
    assert model.links["l"].error_message == "gone" and model.version("links", "l") == 4
    put(model, "links", "l", None)
    assert model.links == {} and model.version("links", "l") == 0
    put(model, "links", "l", None)  # a tombstone that compaction has left over


def test_a_value_of_null_is_a_tombstone_too(model: ReadModel) -> None:
    put(model, "links", "l", LINK.to_json())
    model.apply(Entry(TOPICS.changelog("links"), 0, 1, 0, b'"l"', b"null"))
    assert model.links == {}


def test_mirrors_are_found_by_their_link(model: ReadModel) -> None:
    for name in ("b", "a"):
        put(model, "mirrors", f"l/{name}", {**MIRROR.to_json(), "mirror_topic": name})
    put(model, "mirrors", "other/c", {**MIRROR.to_json(), "link": "other", "mirror_topic": "c"})
    assert [mirror.mirror_topic for mirror in model.mirrors_of("l")] == ["a", "b"]
    put(model, "mirrors", "l/a", None)
    assert [mirror.mirror_topic for mirror in model.mirrors_of("l")] == ["b"]
    assert model.mirrors_of("nobody") == []


def test_positions_are_in_order_and_end_with_the_mirrors_partitions(model: ReadModel) -> None:
    """A position may come before its mirror, and stay behind for a moment when a mirror of fewer partitions follows."""
    for number in (1, 0, 7):
        put(model, "positions", f"l/m/{number}", Position("l", "m", number, log_end_offset=number).to_json())
    assert model.positions_of("l", "m") == []
    put(model, "mirrors", "l/m", MIRROR.to_json())
    assert [position.partition for position in model.positions_of("l", "m")] == [0, 1]
    put(model, "positions", "l/m/0", None)
    assert [position.partition for position in model.positions_of("l", "m")] == [1]


def test_requests_wait_in_the_order_in_which_they_were_given(model: ReadModel) -> None:
    for name, offset in (("second", 6), ("first", 5), ("third", 7)):
        put(model, "requests", name, {**REQUEST, "id": name, "offset": offset})
    put(model, "requests", "elsewhere", {**REQUEST, "id": "elsewhere", "link": "other"})
    assert [request.id for request in model.pending("l")] == ["first", "second", "third"]
    assert len(model.pending()) == 4
    put(model, "requests", "second", {**REQUEST, "id": "second", "offset": 6, "result": {"status": 200}}, 2)
    assert [request.id for request in model.pending("l")] == ["first", "third"]
    assert model.requests["second"].is_done
    put(model, "requests", "first", None)
    assert [request.id for request in model.pending("l")] == ["third"]


def test_tasks_are_kept_by_link_and_name(model: ReadModel) -> None:
    status = TaskStatus("l", TaskName.ACL_SYNC)
    put(model, "tasks", "l/AclSync", status.to_json())
    assert list(model.tasks.values()) == [status]


def test_other_topics_and_records_without_a_key_are_passed_over(model: ReadModel) -> None:
    model.apply(Entry("t.claims", 0, 0, 0, b'"l"', b"{}"))
    model.apply(Entry(TOPICS.changelog("links"), 0, 0, 0, None, b"{}"))
    assert model.links == {}


def test_a_row_that_cannot_be_read_changes_nothing(model: ReadModel) -> None:
    """The tail logs it and goes on (`Tail`); what was known stays."""
    put(model, "links", "l", LINK.to_json(), 3)
    with pytest.raises((Malformed, KeyError, TypeError, ValueError)):
        put(model, "links", "l", {"name": 7}, 4)
    assert model.links == {"l": LINK} and model.version("links", "l") == 3


async def test_changes_of_a_link_wake_those_who_wait_for_it(model: ReadModel) -> None:
    """Its row, its mirrors, tasks and requests; positions come all the time and wake nobody."""
    rows = {
        "links": ("l", LINK.to_json()),
        "mirrors": ("l/m", MIRROR.to_json()),
        "requests": ("r", REQUEST),
        "tasks": ("l/AclSync", TaskStatus("l", TaskName.ACL_SYNC).to_json()),
    }
    for table, (key, row) in rows.items():
        mine, other = model.changed("l"), model.changed("other")
        put(model, table, key, row)
        assert mine.is_set() and not other.is_set(), table
        assert model.changed("l") is not mine
    mine = model.changed("l")
    put(model, "positions", "l/m/0", Position("l", "m", 0).to_json())
    assert not mine.is_set()


def test_watchers_are_told_every_row(model: ReadModel) -> None:
    seen: list[tuple[str, str]] = []
    model.watch(lambda table, key: seen.append((table, key)))
    put(model, "links", "l", LINK.to_json())
    put(model, "links", "l", None)
    put(model, "positions", "l/m/0", Position("l", "m", 0).to_json())
    assert seen == [("links", "l"), ("links", "l"), ("positions", "l/m/0")]
