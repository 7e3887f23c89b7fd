"""What the console's own paths answer: overview, pages of mirrors, tables, audit; all as the document says."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from pipeline.api.mounting import openapi
from pipeline.console.properties import COMMON
from pipeline.console.routes import ROUTES
from pipeline.link.models import TaskError
from pipeline.link.properties import PROPERTIES
from pipeline.link.states import (
    LinkErrorCode,
    LinkMode,
    LinkState,
    MirrorStatus,
    PendingOperation,
    TaskErrorCode,
    TaskName,
    TaskState,
)
from tests.unit.api.calls import error_of
from tests.unit.api.fake_plane import FakePlane
from tests.unit.api.test_document import SCHEMAS, fits
from tests.unit.console.conftest import Client

BASE = "/clusterlink/v1"
S = MirrorStatus


@pytest.fixture(autouse=True)
def _furnish(plane: FakePlane) -> None:
    plane.add_link("east")
    plane.add_link("west", state=LinkState.FAILED, error=LinkErrorCode.AUTHENTICATION_ERROR, error_message="no")
    plane.add_mirror("east", "orders", {0: (5, 9), 1: (3, 3)})
    plane.add_mirror("east", "archive", {0: (5, 105)}, status=S.PAUSED, status_time_ms=7)
    plane.add_mirror("west", "bills", {0: (1, 1)}, status=S.LINK_FAILED, partitions=6)
    plane.add_mirror("west", "old", {0: (1, 1)}, status=S.STOPPED)
    plane.add_task("west", TaskName.ACL_SYNC, TaskState.IN_ERROR, TaskError(TaskErrorCode.INTERNAL_ERROR, "x"))
    plane.audit_lines.append(
        {"time_ms": 5, "id": "7", "link": "east", "kind": "mirror.pause", "principal": "User:alice"}
        | {"status": 200, "error_code": None, "message": None, "worker": "w", "validate_only": False}
    )


async def _get(client: Client, path: str, **params: Any) -> dict[str, Any]:
    response = await client.get(f"{BASE}/{path}", params=params)
    assert response.status == 200, await response.text()
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    found: dict[str, Any] = await response.json()
    return found


def test_the_document_has_every_path() -> None:
    paths = yaml.safe_load(openapi())["paths"]
    ours = {path for path, item in paths.items() if item.get("servers") == [{"url": BASE}]}
    assert ours == {route.path for route in ROUTES}
    assert {route.method for route in ROUTES} == {"GET"}


@pytest.mark.parametrize(
    "path, schema",
    [
        ("overview", "Overview"),
        ("mirrors", "MirrorPage"),
        ("properties", "PropertyTable"),
        ("operations", "OperationTable"),
        ("audit", "AuditTrail"),
        ("source-topics?link=east", "SourceTopics"),
    ],
)
async def test_answers_have_the_documented_shape(client: Client, path: str, schema: str) -> None:
    fits(await (await client.get(f"{BASE}/{path}")).json(), SCHEMAS[schema], schema)


async def test_overview(client: Client) -> None:
    east, west = (await _get(client, "overview"))["links"]
    assert (east["link_state"], east["num_mirrors"], east["lag"]) == ("ACTIVE", 2, 104)
    assert east["mirror_status_counts"] == {"ACTIVE": 1, "PAUSED": 1}
    assert (west["link_error"], west["link_error_message"], west["tasks_in_error"]) == (
        "AUTHENTICATION_ERROR",
        "no",
        ["AclSync"],
    )


async def _names(client: Client, **params: Any) -> list[str]:
    return [row["mirror_topic_name"] for row in (await _get(client, "mirrors", **params))["mirrors"]]


async def test_mirrors_are_searched_filtered_and_sorted(client: Client) -> None:
    assert await _names(client) == ["archive", "bills", "old", "orders"]
    assert await _names(client, link="east") == ["archive", "orders"]
    assert await _names(client, search="ORD") == ["orders"]
    assert await _names(client, name="old") == ["old"]
    assert await _names(client, status="link_failed") == ["bills"]
    assert await _names(client, sort="lag", order="desc") == ["archive", "orders", "bills", "old"]
    assert await _names(client, sort="partitions", order="desc", limit=1) == ["bills"]
    for sort in ("link", "status", "speed", "since"):
        assert len(await _names(client, sort=sort)) == 4
    page = await _get(client, "mirrors", offset=1, limit=2, status="", search="")
    assert [row["mirror_topic_name"] for row in page["mirrors"]] == ["bills", "old"]
    assert (page["total"], page["offset"]) == (4, 1)
    assert page["status_counts"] == {"ACTIVE": 1, "LINK_FAILED": 1, "PAUSED": 1, "STOPPED": 1}


async def test_status_counts_are_of_the_search_not_of_the_filter(client: Client) -> None:
    page = await _get(client, "mirrors", search="o", status="STOPPED")
    assert (page["total"], page["status_counts"]) == (1, {"ACTIVE": 1, "STOPPED": 1})


@pytest.mark.parametrize(
    "params",
    [{"sort": "size"}, {"order": "up"}, {"limit": "-1"}, {"limit": "10001"}, {"offset": "x"}, {"status": "FINE"}],
)
async def test_what_cannot_be_read_is_named(client: Client, params: dict[str, str]) -> None:
    status, code, message = await error_of(await client.get(f"{BASE}/mirrors", params=params))
    assert (status, code) == (400, 400)
    assert next(iter(params)) in message


async def test_an_unknown_link_is_not_there(client: Client) -> None:
    for path in ("mirrors?link=nope", "source-topics?link=nope", "source-topics"):
        assert (await error_of(await client.get(f"{BASE}/{path}")))[0] == 404


async def test_a_row_offers_what_the_transition_table_has(client: Client, plane: FakePlane) -> None:
    plane.add_link("both", mode=LinkMode.BIDIRECTIONAL)
    plane.add_mirror("both", "t")
    plane.add_mirror("both", "going", status=S.PENDING_STOPPED, pending=PendingOperation.PROMOTE)
    plane.add_mirror("both", "gone", status=S.STOPPED)
    rows = (await _get(client, "mirrors", include_course="false"))["mirrors"]
    found = {row["mirror_topic_name"]: row["operations"] for row in rows}
    two_way = ["reverse-and-start-mirror", "reverse-and-pause-mirror"]
    assert found == {
        "orders": ["promote", "failover", "pause", "delete"],
        "archive": ["failover", "resume", "delete"],
        "bills": ["failover", "delete"],
        "old": ["delete"],
        "t": ["promote", "failover", "pause", *two_way, "delete"],
        "going": ["failover", "delete"],
        "gone": ["truncate-and-restore", "delete"],
    }
    assert all("lag_course" not in row for row in rows)


async def test_tables(client: Client) -> None:
    table = (await _get(client, "properties"))["properties"]
    assert [row["name"] for row in table[: len(COMMON)]] == list(COMMON)
    assert {row["name"] for row in table} == {row.name for row in PROPERTIES.values() if not row.refused}
    operations = (await _get(client, "operations"))["operations"]
    assert operations[0]["sentence"] == "Make regular topics of mirrors once they have caught up."
    assert [row["operation"] for row in operations][-1] == "delete"


async def test_audit(client: Client) -> None:
    assert len((await _get(client, "audit"))["audit"]) == 1
    assert (await _get(client, "audit", link="west"))["audit"] == []


async def test_source_topics_say_what_is_mirrored(client: Client) -> None:
    topics = (await _get(client, "source-topics", link="east"))["topics"]
    assert [(row["topic_name"], row["num_partitions"], row["is_mirrored"]) for row in topics] == [
        ("orders", 3, True),
        ("payments", 6, False),
    ]
