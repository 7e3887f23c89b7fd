"""REST-10..20 and REST-59..63: mirrors and operations on them over REST."""

from __future__ import annotations

import pytest

from pipeline.api.operations import COMMANDS
from pipeline.link.models import FinalPosition, TaskError
from pipeline.link.states import MirrorError, MirrorStatus, TaskErrorCode
from tests.unit.api.calls import LINKS, error_of
from tests.unit.api.conftest import Client
from tests.unit.api.fake_plane import CLUSTER, FakePlane

MIRRORS = f"{LINKS}/link-1/mirrors"


@pytest.fixture(autouse=True)
def link(plane: FakePlane) -> None:
    plane.add_link("link-1")


async def test_a_mirror_shows_every_field(client: Client, plane: FakePlane) -> None:
    plane.add_mirror("link-1", "us_orders", {1: (94, 101)}, source_topic="orders")
    response = await client.get(f"{MIRRORS}/us_orders")
    assert await response.json() == {
        "kind": "KafkaMirrorData",
        "metadata": {
            "self": f"http://{response.url.authority}{MIRRORS}/us_orders",
            "resource_name": f"crn:///kafka={CLUSTER}/link=link-1/mirror=us_orders",
        },
        "link_name": "link-1",
        "mirror_topic_name": "us_orders",
        "source_topic_name": "orders",
        "num_partitions": 2,
        "mirror_lags": [
            {"partition": 0, "lag": 0, "last_source_fetch_offset": -1},
            {"partition": 1, "lag": 7, "last_source_fetch_offset": 93},
        ],
        "mirror_status": "ACTIVE",
        "mirror_topic_error": "NO_ERROR",
        "state_time_ms": 1612550939300,
    }


async def test_transition_errors_and_partition_states_only_on_request(client: Client, plane: FakePlane) -> None:
    busy = TaskError(TaskErrorCode.CONSUMER_GROUP_IN_USE_ERROR, "group g has members")
    plane.add_mirror(
        "link-1", "t", {0: (5, 9)}, transition_errors=(busy,), error=MirrorError.ILLEGAL_STATE, error_message="at 4"
    )
    body = await (
        await client.get(f"{MIRRORS}/t?include_state_transition_errors=true&include_partition_states=true")
    ).json()
    assert body["mirror_state_transition_errors"] == [
        {"error_code": "CONSUMER_GROUP_IN_USE_ERROR", "error_message": "group g has members"}
    ]
    assert body["mirror_topic_error_message"] == "at 4"
    (state,) = body["partition_states"]
    assert (state["local_log_end_offset"], state["last_fetch_source_high_watermark"], state["lag"]) == (5, 9, 4)


async def test_history_of_a_stopped_mirror(client: Client, plane: FakePlane) -> None:
    """MIRROR-79: lag and last fetch as they were at the stop."""
    final = (FinalPosition(0, 10, 2, 9), FinalPosition(1, 20, 0, 19))
    plane.add_mirror("link-1", "t", {0: (99, 99)}, status=MirrorStatus.STOPPED, final=final)
    body = await (await client.get(f"{MIRRORS}/t")).json()
    assert [(row["lag"], row["last_source_fetch_offset"]) for row in body["mirror_lags"]] == [(2, 9), (0, 19)]


async def test_lists_of_one_link_and_of_all(client: Client, plane: FakePlane) -> None:
    plane.add_link("link-2")
    plane.add_mirror("link-2", "a")
    plane.add_mirror("link-1", "c", status=MirrorStatus.PAUSED)
    plane.add_mirror("link-1", "b")
    every = await (await client.get(f"{LINKS}/-/mirrors")).json()
    assert every["kind"] == "KafkaMirrorDataList"
    assert [(row["link_name"], row["mirror_topic_name"]) for row in every["data"]] == [
        ("link-1", "b"),
        ("link-1", "c"),
        ("link-2", "a"),
    ]
    one = await (await client.get(f"{MIRRORS}?mirror_status=paused")).json()
    assert [row["mirror_topic_name"] for row in one["data"]] == ["c"]
    status, code, message = await error_of(await client.get(f"{MIRRORS}?mirror_status=tired"))
    assert (status, code) == (400, 400)
    assert "PENDING_RESTORE" in message


async def test_create(client: Client, plane: FakePlane) -> None:
    body = {
        "source_topic_name": "orders",
        "mirror_topic_name": "orders",
        "replication_factor": 1,
        "configs": [{"name": "retention.ms", "value": "1"}],
    }
    assert (await client.post(MIRRORS, json=body)).status == 204
    assert plane.commands[0].arguments == body
    assert (await error_of(await client.post(MIRRORS, json=body))) == (400, 40002, "Topic 'orders' already exists.")
    assert (await error_of(await client.post(MIRRORS, json={"source_topic_name": "absent"})))[:2] == (404, 40403)


@pytest.mark.parametrize("body", [{}, {"source_topic_name": 7}, {"source_topic_name": "t", "replication_factor": "x"}])
async def test_a_bad_create_names_the_field(client: Client, plane: FakePlane, body: dict[str, object]) -> None:
    status, code, message = await error_of(await client.post(MIRRORS, json=body))
    assert (status, code) == (400, 400)
    assert "source_topic_name" in message or "replication_factor" in message
    assert not plane.commands


async def test_delete_is_ours(client: Client, plane: FakePlane) -> None:
    plane.add_mirror("link-1", "t")
    assert (await client.delete(f"{MIRRORS}/t?validate_only=true")).status == 204
    assert (await client.delete(f"{MIRRORS}/t")).status == 204
    assert (await error_of(await client.delete(f"{MIRRORS}/t")))[:2] == (404, 40403)


async def test_an_operation_answers_per_topic(client: Client, plane: FakePlane) -> None:
    """The example of spec 8.3: one promoted, one that had stopped before; HTTP stays 200 (MIRROR-52)."""
    plane.add_mirror("link-1", "topic-1", {0: (1001, 1001)}, partitions=1)
    plane.add_mirror("link-1", "topic-2", status=MirrorStatus.STOPPED)
    response = await client.post(f"{MIRRORS}:promote", json={"mirror_topic_names": ["topic-1", "topic-2"]})
    body = await response.json()
    assert (response.status, body["kind"]) == (200, "KafkaPromoteMirror")
    for row in body["data"]:
        assert row.pop("kind") == "AlterMirrorsData"
        assert row.pop("metadata")["self"].endswith(f"{MIRRORS}/{row['mirror_topic_name']}")
    assert body["data"] == [
        {
            "mirror_topic_name": "topic-1",
            "error_code": None,
            "error_message": None,
            "mirror_lags": [{"partition": 0, "lag": 0, "last_source_fetch_offset": 1000}],
            "messages_truncated": None,
            "partition_level_truncation_data": [],
        },
        {
            "mirror_topic_name": "topic-2",
            "error_code": 400,
            "error_message": "Topic 'topic-2' has already stopped its mirror from 'link-1'",
            "mirror_lags": [],
            "messages_truncated": None,
            "partition_level_truncation_data": [],
        },
    ]


@pytest.mark.parametrize("verb", COMMANDS)
async def test_every_operation_is_a_command(client: Client, plane: FakePlane, verb: str) -> None:
    body = {"mirror_topic_name_pattern": ".*"}
    assert (await client.post(f"{MIRRORS}:{verb}?validate_only=true", json=body)).status == 200
    (command,) = plane.commands
    assert (command.kind, command.validate_only) == (COMMANDS[verb], True)
    assert command.arguments["mirror_topic_name_pattern"] == ".*"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"mirror_topic_names": ["t"], "mirror_topic_name_pattern": "t"},
        {"mirror_topic_name_pattern": "("},
        {"mirror_topic_names": []},
        {"mirror_topic_names": "t"},
    ],
)
async def test_names_or_a_pattern_but_not_both(client: Client, plane: FakePlane, body: dict[str, object]) -> None:
    """REST-41, REST-42."""
    assert (await error_of(await client.post(f"{MIRRORS}:pause", json=body)))[:2] == (400, 400)
    assert not plane.commands


async def test_truncation_is_reported_per_partition_on_request(client: Client, plane: FakePlane) -> None:
    part = {"partition_id": 0, "offset_truncated_to": 5, "messages_truncated": 2}
    asked: list[bool] = []

    def answer(command: object) -> dict[str, object]:
        wanted = plane.commands[-1].arguments["include_partition_level_truncation_data"]
        asked.append(wanted)
        rows = [
            {
                "mirror_topic_name": "t",
                "messages_truncated": 2,
                "partition_level_truncation_data": [part] if wanted else [],
            }
        ]
        return {"mirrors": rows}

    plane.script["mirror.truncate-and-restore"] = answer
    path, body = f"{MIRRORS}:truncate-and-restore", {"mirror_topic_names": ["t"]}
    (row,) = (await (await client.post(path, json=body)).json())["data"]
    assert (row["messages_truncated"], row["partition_level_truncation_data"]) == (2, [])
    (row,) = (await (await client.post(f"{path}?include_partition_level_truncation_data=true", json=body)).json())[
        "data"
    ]
    assert row["partition_level_truncation_data"] == [part]
    assert asked == [False, True]
