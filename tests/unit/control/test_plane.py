"""Commands given to a worker: sealed before they are written, answered once the worker shows what was done."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiokafka.errors import UnknownTopicOrPartitionError

from pipeline.cluster.administration.acls import Acl
from pipeline.control import plane as plane_module
from pipeline.control.outcomes import ROWS_HEADER, Outcome, decide, rows_changed
from pipeline.control.plane import Plane
from pipeline.control.read_model import ReadModel
from pipeline.control.sealing import Sealing
from pipeline.control.tail import Entry
from pipeline.control.topics import ControlTopics
from pipeline.link.commands import build
from pipeline.link.errors import InvalidProperties, KafkaRetriable, Unavailable
from pipeline.link.models import Link, Result
from pipeline.secrets.encoder import Encoder
from pipeline.sync.acl_ownership import write_rows

TOPICS = ControlTopics("t", 4, 1)
JAAS = "x.PlainLoginModule required username='a' password='planted';"


class Written:
    """A sender that keeps what it was given."""

    def __init__(self) -> None:
        self.records: list[tuple[str, str, Any, int | None]] = []

    async def send(self, topic: str, key: str, value: Any, partition: int | None = None) -> int:
        self.records.append((topic, key, value, partition))
        return 0


def made(key: str = "the key", ready: bool = True) -> tuple[Plane, Written, ReadModel]:
    sender, model = Written(), ReadModel(TOPICS)
    sealing = Sealing(Encoder(lambda: key, iterations=1_000))
    return Plane(model, TOPICS, sender, "w", lambda: ready, sealing=sealing), sender, model  # type: ignore[arg-type]


def create(**configs: str) -> Any:
    rows = [{"name": name.replace("_", "."), "value": value} for name, value in configs.items()]
    return build("link.create", "l", {"configs": rows}, "id-1")


def result(rows: bytes = b"[]", **more: Any) -> Entry:
    value = json.dumps(Result("id-1", "l", "link.create", **more).to_json()).encode()
    return Entry(TOPICS.results, 0, 0, 0, b"l", value, ((ROWS_HEADER, rows),))


def row(model: ReadModel, version: int, link: Link | None) -> None:
    value = None if link is None else json.dumps({"version": version, "row": link.to_json()}).encode()
    model.apply(Entry(TOPICS.changelog("links"), 0, version, 0, b'"l"', value))


async def begun(plane: Plane, sender: Written, command: Any) -> asyncio.Task[Result]:
    task = asyncio.create_task(plane.submit(command, 5))
    async with asyncio.timeout(60):
        while not sender.records and not task.done():
            await asyncio.sleep(0.001)
    return task


async def test_a_command_is_written_sealed() -> None:
    """SEC-34."""
    plane, sender, _ = made()
    task = await begun(plane, sender, create(bootstrap_servers="a:1", sasl_jaas_config=JAAS))
    ((topic, key, value, partition),) = sender.records
    assert (topic, key) == (TOPICS.commands, "l") and partition is not None
    assert "planted" not in json.dumps(value)
    plane.apply_result(result())
    assert (await task).status == 200


async def test_an_answer_waits_for_the_rows_it_is_about() -> None:
    plane, sender, model = made()
    task = await begun(plane, sender, create(bootstrap_servers="a:1"))
    plane.apply_result(result(rows_changed([("links", "l", {"version": 7, "row": {}})])))
    await asyncio.sleep(0.01)
    assert not task.done()
    row(model, 6, Link("l", "u", "c"))
    await asyncio.sleep(0.01)
    assert not task.done()
    row(model, 7, Link("l", "u", "c"))
    assert (await task).status == 200 and plane.link("l") is not None


async def test_the_answer_to_a_deletion_waits_until_the_row_is_gone() -> None:
    plane, sender, model = made()
    row(model, 6, Link("l", "u", "c"))
    task = await begun(plane, sender, build("link.delete", "l", {}, "id-1"))
    plane.apply_result(result(rows_changed([("links", "l", None)])))
    await asyncio.sleep(0.01)
    assert not task.done()
    row(model, 7, None)
    assert (await task).status == 200 and plane.link("l") is None


async def test_an_answer_is_not_held_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plane_module, "SEEN_WITHIN_S", 0.01)
    plane, sender, _ = made()
    task = await begun(plane, sender, create(bootstrap_servers="a:1"))
    plane.apply_result(result(rows_changed([("links", "l", {"version": 7, "row": {}})])))
    assert (await task).status == 200


async def test_nothing_is_written_without_a_key_or_before_the_worker_is_ready() -> None:
    """SEC-30, REST-84."""
    for plane, sender, error in ((*made("")[:2], InvalidProperties), (*made(ready=False)[:2], Unavailable)):
        with pytest.raises(error):
            await plane.submit(create(bootstrap_servers="a:1", sasl_jaas_config=JAAS), 5)
        assert sender.records == []


async def test_silence_is_told_as_such() -> None:
    plane, _, _ = made()
    with pytest.raises(KafkaRetriable, match="may still be carried out"):
        await plane.submit(create(bootstrap_servers="a:1"), 0.01)


async def test_an_own_cluster_that_is_away_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """As aiokafka says it after 40 s without metadata."""
    plane, sender, _ = made()

    async def refuse(*_: Any, **__: Any) -> int:
        raise UnknownTopicOrPartitionError

    monkeypatch.setattr(sender, "send", refuse)
    with pytest.raises(KafkaRetriable, match=r"The own cluster did not take command id-1 .*does not answer"):
        await plane.submit(create(bootstrap_servers="a:1"), 5)


def test_rows_are_named_with_the_version_they_get() -> None:
    link = {"table": "links", "key": "l", "expects": 0, "row": {"name": "l"}}
    gone = {"table": "mirrors", "key": "l/m", "expects": 0, "row": None}
    writes = decide(Outcome.from_json({"link": "l", "worker": "w", "changes": [link, gone]}), lambda *_: None, 9)
    assert writes is not None
    assert json.loads(rows_changed(writes)) == [["links", "l", 9], ["mirrors", "l/m", 0]]


def test_acls_that_a_link_created_are_its_own_and_not_a_namesakes() -> None:
    """TASK-32, LINK-104."""
    plane, _, model = made()
    mine, before = (Acl("TOPIC", name, "LITERAL", "User:a", "*", "READ", "ALLOW") for name in ("mine", "before"))
    for link, cluster_link_id, entry in (("l", "now", mine), ("l", "gone", before), ("lower", "now", before)):
        for shard, stored in write_rows(cluster_link_id, {entry}, {entry}).items():
            value = json.dumps({"version": 1, "row": stored}).encode()
            key = json.dumps(f"{link}/{shard}").encode()
            model.apply(Entry(TOPICS.changelog("owned_acls"), 0, 1, 0, key, value))
    assert plane.created_acls("l") == [], "no such link"
    row(model, 1, Link("l", "uuid", "now"))
    assert plane.created_acls("l") == [mine]
