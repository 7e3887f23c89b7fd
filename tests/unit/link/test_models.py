"""What is kept survives JSON, older and newer versions included."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.link.errors import Malformed
from pipeline.link.jsonable import Jsonable
from pipeline.link.models import (
    Command,
    FinalPosition,
    Link,
    Mirror,
    Position,
    Result,
    TaskError,
    TaskStatus,
    at_most_ten,
)
from pipeline.link.states import LinkState, MirrorError, MirrorStatus, TaskErrorCode, TaskState

MIRROR = Mirror("l", "m", "s", partitions=2, status=MirrorStatus.ACTIVE)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("model", [Link, Mirror, Position, TaskStatus, Command, Result])
@settings(max_examples=30)
@given(data=st.data())
def test_every_model_survives_json(model: type[Jsonable], data: st.DataObject) -> None:
    texts = st.text(st.characters(codec="utf-8"))
    arguments: dict[str, st.SearchStrategy[Any]] = (
        {"arguments": st.dictionaries(texts, json_values)} if model is Command else {}
    )
    if model is Result:
        arguments = {"data": json_values}
    record = data.draw(st.builds(model, **arguments))
    assert model.from_json(json.loads(json.dumps(record.to_json()))) == record


@given(raw=json_values)
def test_anything_else_is_refused_by_field_and_never_crashes(raw: Any) -> None:
    with pytest.raises(Malformed):
        Mirror.from_json({"link": "l", "mirror_topic": "m", "source_topic": {"no": raw}})
    with pytest.raises(Malformed):
        Mirror.from_json([raw])


def test_refusals_name_the_field_by_its_path() -> None:
    with pytest.raises(Malformed, match=r"final\[1\].lag: expected an integer, not a string"):
        Mirror.from_json({**MIRROR.to_json(), "final": [{"partition": 0}, {"partition": 1, "lag": "3"}]})
    with pytest.raises(Malformed, match="source_topic: missing"):
        Mirror.from_json({"link": "l", "mirror_topic": "m"})


def test_fields_of_a_newer_version_are_ignored_and_those_of_an_older_have_defaults() -> None:
    assert Mirror.from_json({**MIRROR.to_json(), "invented_later": 1}) == MIRROR
    old = Mirror.from_json({"link": "l", "mirror_topic": "m", "source_topic": "s"})
    assert (old.status, old.final, old.resume_status) == (MirrorStatus.PENDING_MIRROR, (), None)


@pytest.mark.parametrize("field", ["status", "resume_status", "pending"])
def test_a_state_of_a_newer_version_reads_as_failed(field: str) -> None:
    """MIRROR-46."""
    mirror = Mirror.from_json({**MIRROR.to_json(), field: "PENDING_WHATEVER"})
    assert (mirror.status, mirror.error) == (MirrorStatus.FAILED, MirrorError.UNSUPPORTED_MIRROR_STATE)
    assert "PENDING_WHATEVER" in mirror.error_message
    assert not mirror.is_copying


def test_words_of_a_newer_version_read_as_unknown() -> None:
    """STATE-17: these enumerations are extensible. STATE-6, CONF-5: old words are understood."""
    link = Link("l", "u", "c").to_json()
    assert Link.from_json({**link, "state": "ASLEEP"}).state is LinkState.UNKNOWN
    assert Link.from_json({**link, "state": "AVAILABLE"}).state is LinkState.ACTIVE
    assert TaskState.read("LINK_UNAVAILBLE") is TaskState.LINK_UNAVAILABLE
    assert TaskErrorCode.read("NEW_ERROR") is TaskErrorCode.UNKNOWN


@given(end=st.integers(-1, 2**63 - 1), mark=st.integers(-1, 2**63 - 1))
def test_lag_is_never_negative(end: int, mark: int) -> None:
    """MIRROR-95."""
    lag = Position("l", "m", 0, log_end_offset=end, source_high_watermark=mark).lag
    assert lag == max(0, mark - max(end, 0)) >= 0


def test_final_position_keeps_what_history_shows() -> None:
    """MIRROR-79."""
    position = Position("l", "m", 3, log_end_offset=95, source_high_watermark=100, last_source_fetch_offset=94)
    assert position.final() == FinalPosition(3, 95, 5, 94)


def test_a_task_lists_ten_distinct_errors_and_counts_the_rest() -> None:
    """STATE-29."""
    errors = [TaskError(TaskErrorCode.TOPIC_EXISTS_ERROR, f"t{n}") for n in range(14)]
    listed = at_most_ten([*errors, errors[0]])
    assert listed[:10] == tuple(errors[:10])
    assert listed[10:] == (TaskError(TaskErrorCode.SUPPRESSED_ERRORS, "4 further errors"),)
    assert at_most_ten(errors[:3] * 2) == tuple(errors[:3])


def test_models_do_not_change_in_place() -> None:
    with pytest.raises(AttributeError):
        MIRROR.status = MirrorStatus.FAILED  # type: ignore[misc]
    assert replace(MIRROR, status=MirrorStatus.FAILED) != MIRROR
