"""Every row of the transition table over REST, legal and not: each operation in each state (MIRROR-37, MIRROR-50..54).

REST, the commands' rules, the handlers and the outcomes are the real ones; only Kafka is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from pipeline.api.authentication import Authentication
from pipeline.api.mounting import mount
from pipeline.lifecycle.handling import HANDLERS
from pipeline.lifecycle.leading import LinkLeader
from pipeline.link.mirror_rules import TWO_WAY
from pipeline.link.models import Command, Link, Mirror, Position, Result, TaskStatus
from pipeline.link.states import LinkMode, MirrorStatus, PendingOperation
from pipeline.link.transitions import PENDING, TRANSITIONS, Before, Event
from tests.unit.lifecycle.rows import LINK, Rows, mirror

CLUSTER = "6UyhTfbkTkmxYpNHiBnHXQ"
OPERATIONS = {
    "pause": Event.PAUSE,
    "resume": Event.RESUME,
    "promote": Event.PROMOTE,
    "failover": Event.FAILOVER,
    "reverse-and-start-mirror": Event.REVERSE_AND_START,
    "reverse-and-pause-mirror": Event.REVERSE_AND_PAUSE,
    "truncate-and-restore": Event.TRUNCATE_AND_RESTORE,
}
NEEDS_COUNTERPART = ("truncate-and-restore",)
CASES = [
    (operation, status, pending)
    for operation in OPERATIONS
    for status in MirrorStatus
    for pending in (tuple(PendingOperation) if status is MirrorStatus.PENDING_STOPPED else (None,))
    if pending is not PendingOperation.TRUNCATE_AND_RESTORE
]


class Partner:
    """An other side whose topics are all regular ones."""

    def mirror(self, topic: str) -> None:
        return None

    def mirrors(self) -> list[Mirror]:
        return []


async def paired_partner(link: Link) -> Partner:
    return Partner()


class Plane:
    """REST's view of the rows; commands are led as a worker leads them."""

    cluster_id, worker = CLUSTER, "w"

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def links(self) -> Mapping[str, Link]:
        return self.rows.model.links

    def link(self, name: str) -> Link | None:
        return self.rows.model.links.get(name)

    def mirrors(self, link: str | None = None) -> list[Mirror]:
        return list(self.rows.model.mirrors.values())

    def mirror(self, link: str, mirror_topic: str) -> Mirror | None:
        return self.rows.model.mirrors.get(f"{link}/{mirror_topic}")

    def positions(self, link: str, mirror_topic: str) -> list[Position]:
        return self.rows.model.positions_of(link, mirror_topic)

    def tasks(self, link: str) -> list[TaskStatus]:
        return []

    async def submit(self, command: Command, timeout_s: float = 60) -> Result:
        self.rows.ask(command)
        context = self.rows.context()
        context.paired_partner = paired_partner  # type: ignore[method-assign,assignment]
        leader = LinkLeader(context, command.link, HANDLERS, ())
        task = asyncio.create_task(leader.run())
        while not self.rows.model.requests[command.id].is_done:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return Result.from_json(self.rows.model.requests[command.id].result)


@pytest.fixture
def rows() -> Rows:
    return Rows(replace(LINK, mode=LinkMode.BIDIRECTIONAL))


@pytest.fixture
async def client(rows: Rows) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application()
    mount(app, Plane(rows), Authentication.off())
    async with TestClient(TestServer(app)) as made:
        yield made


async def ask(client: TestClient[web.Request, web.Application], operation: str, **params: str) -> dict[str, Any]:
    """The row of the one topic; HTTP stays 200 whatever it says (MIRROR-52)."""
    path = f"/kafka/v3/clusters/{CLUSTER}/links/l/mirrors:{operation}"
    answer = await client.post(path, json={"mirror_topic_names": ["m"]}, params=params)
    assert answer.status == 200, await answer.text()
    (row,) = (await answer.json())["data"]
    return dict(row)


def expected(status: MirrorStatus, event: Event, pending: PendingOperation | None) -> MirrorStatus | None:
    """The status that the table gives, None for a refusal."""
    if pending is not None:
        if PENDING.get(event) is pending:
            return status
        return status if event is Event.FAILOVER and pending is PendingOperation.PROMOTE else None
    target = TRANSITIONS.get((status, event))
    assert not isinstance(target, Before)
    return target


@pytest.mark.parametrize(("operation", "status", "pending"), CASES)
async def test_each_operation_in_each_state(
    rows: Rows,
    client: TestClient[web.Request, web.Application],
    operation: str,
    status: MirrorStatus,
    pending: PendingOperation | None,
) -> None:
    before = mirror(status=status, pending=pending)
    rows.put_mirror(before)
    wanted = expected(status, OPERATIONS[operation], pending)

    dry = await ask(client, operation, validate_only="true")
    assert rows.mirror() == before, "a dry run changes nothing (MIRROR-53)"
    wet = await ask(client, operation)
    assert (dry["error_code"], dry["error_message"]) == (wet["error_code"], wet["error_message"])
    if wanted is None:
        assert wet["error_code"] == 400
        assert str(status) in wet["error_message"] or "already stopped" in wet["error_message"]
        assert rows.mirror() == before
    elif operation in NEEDS_COUNTERPART:
        assert wet["error_code"] == 40002, "legal, but the other side has no stopped mirror of the topic"
        assert "REMOTE_MIRROR_NOT_FOUND_ERROR" in wet["error_message"]
        assert rows.mirror() == before
    else:
        assert wet["error_code"] is None
        assert rows.mirror().status is wanted


@pytest.mark.parametrize("operation", ["promote", "failover"])
async def test_repeating_what_is_done_and_what_is_on_its_way(
    rows: Rows, client: TestClient[web.Request, web.Application], operation: str
) -> None:
    """MIRROR-54."""
    rows.put_mirror(mirror())
    assert (await ask(client, operation))["error_code"] is None
    once = rows.mirror()
    assert (await ask(client, operation))["error_code"] is None
    assert rows.mirror() == once
    rows.put_mirror(mirror(status=MirrorStatus.STOPPED))
    again = await ask(client, operation)
    assert (again["error_code"], again["error_message"]) == (
        400,
        "Topic 'm' has already stopped its mirror from 'l'",
    )


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if OPERATIONS[name] in TWO_WAY])
async def test_two_way_operations_name_the_mode_of_a_one_way_link(
    rows: Rows, client: TestClient[web.Request, web.Application], operation: str
) -> None:
    rows.put("links", "l", LINK.to_json())
    rows.put_mirror(mirror())
    path = f"/kafka/v3/clusters/{CLUSTER}/links/l/mirrors:{operation}"
    answer = await client.post(path, json={"mirror_topic_names": ["m"]})
    body = await answer.json()
    assert (answer.status, body["error_code"]) == (400, 40002)
    assert "DESTINATION" in body["message"]
    assert rows.mirror().status is MirrorStatus.ACTIVE


async def test_one_refusal_stops_no_other_and_patterns_name_many(
    rows: Rows, client: TestClient[web.Request, web.Application]
) -> None:
    """MIRROR-50, MIRROR-52."""
    for name, status in (("a1", MirrorStatus.ACTIVE), ("a2", MirrorStatus.STOPPED), ("b", MirrorStatus.ACTIVE)):
        rows.put_mirror(mirror(name, status=status))
    path = f"/kafka/v3/clusters/{CLUSTER}/links/l/mirrors:failover"
    answer = await client.post(path, json={"mirror_topic_name_pattern": "a.*"})
    found = {row["mirror_topic_name"]: row["error_code"] for row in (await answer.json())["data"]}
    assert found == {"a1": None, "a2": 400}
    assert [rows.mirror(n).status for n in ("a1", "a2", "b")] == [
        MirrorStatus.PENDING_STOPPED,
        MirrorStatus.STOPPED,
        MirrorStatus.ACTIVE,
    ]
