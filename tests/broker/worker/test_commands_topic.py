"""The commands topic is a public door (CLI-65): any producer may use it, and nothing that comes in can break it."""

from __future__ import annotations

import gzip
import json
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from pipeline.control.keys import link_partition
from pipeline.control.read_model import TABLES
from pipeline.control.topics import CHANGELOG
from pipeline.local.cluster import LocalCluster
from tests.support.asking import CommandsTopic, Rest, checked
from tests.support.clients import configuration, create_topic
from tests.support.workers import WorkerProcess, wait_until


def link_create(link: str, source: LocalCluster, **more: Any) -> dict[str, Any]:
    arguments = {"configs": [{"name": "bootstrap.servers", "value": source.bootstrap_servers}]}
    return {"id": uuid.uuid4().hex, "link": link, "kind": "link.create", "arguments": arguments, **more}


def still_works(commands: CommandsTopic, source: LocalCluster) -> None:
    """On every partition of the commands topic a good command is answered, so its agent goes on."""
    names = {link_partition(name, commands.partitions): name for name in (f"dry-{n}" for n in range(100))}
    sent = []
    for name in names.values():
        command = link_create(name, source, validate_only=True)
        commands.send(json.dumps(command).encode(), name.encode())
        sent.append(command["id"])
    assert len(sent) == commands.partitions
    assert [commands.result(command_id)["status"] for command_id in sent] == [200] * len(sent)


POISON = {
    "nothing": b"",
    "a tombstone": None,
    "not JSON": b"create me a link, please",
    "not text": b"\xff\xfe\x00\x80",
    "cut off": b'{"id": "x", "link": ',
    "a list": b"[]",
    "a number": b"42",
    "a word": b'"link.create"',
    "null": b"null",
    "deep": b"[" * 200_000,
    "deep objects": b'{"a":' * 200_000,
    "empty object": b"{}",
    "id of a wrong type": b'{"id": 1, "link": "l", "kind": "link.create"}',
    "empty id": b'{"id": "", "link": "l", "kind": "link.create"}',
    "long id": json.dumps({"id": "x" * 10_000, "link": "l", "kind": "link.create"}).encode(),
    "link of a wrong type": b'{"id": "poison-1", "link": ["l"], "kind": "link.create"}',
    "bad link": b'{"id": "poison-2", "link": "a/b", "kind": "link.create"}',
    "no link": b'{"id": "poison-3", "kind": "link.create"}',
    "half a character": b'{"id": "poison-\\ud800", "link": "\\udfff", "kind": "\\ud800"}',
    "unknown kind": b'{"id": "poison-4", "link": "l", "kind": "link.destroy"}',
    "arguments of a wrong type": b'{"id": "poison-5", "link": "l", "kind": "link.create", "arguments": [1]}',
    "unknown argument": b'{"id": "poison-6", "link": "l", "kind": "link.create", "arguments": {"colour": "red"}}',
    "wrong argument": b'{"id": "poison-7", "link": "l", "kind": "link.create", "arguments": {"configs": 7}}',
    "huge number": b'{"id": "poison-8", "link": "l", "kind": "link.create", "time_ms": ' + b"9" * 5_000 + b"}",
    "not a number": b'{"id": "poison-9", "link": "l", "kind": "link.create", "time_ms": NaN}',
    "bad regular expression": json.dumps(
        {
            "id": "poison-10",
            "link": "l",
            "kind": "mirror.pause",
            "arguments": {"mirror_topic_name_pattern": "(" * 50 + "a+" * 50},
        }
    ).encode(),
}


def readable_id(value: bytes | None) -> str:
    """The id that a bad record can be answered under; empty where it has none."""
    try:
        given = json.loads(value or b"")["id"][:249]
        given.encode()
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    return str(given)


@pytest.mark.timeout(300)
def test_poison_is_answered_and_nobody_stumbles(
    commands: CommandsTopic, rest: Rest, worker: WorkerProcess, source: LocalCluster
) -> None:
    """Every record gets a 400 under its own id, else under its partition and offset, and the agents go on."""
    links = rest.links()
    expected = []
    for number, (name, value) in enumerate(POISON.items()):
        place = commands.send(value, name.encode(), number % commands.partitions)
        expected.append((name, readable_id(value) or place))
    for name, command_id in expected:
        result = commands.result(command_id)
        assert (result["status"], result["error_code"]) == (400, 400), (name, result)
        assert result["message"], name
    still_works(commands, source)
    assert rest.links() == links
    assert worker.is_running() and "crashed" not in worker.log().lower()


@pytest.mark.timeout(300)
def test_a_command_of_10_mb_is_refused(
    commands: CommandsTopic, destination: LocalCluster, source: LocalCluster
) -> None:
    """Compressed it is small enough for the broker, so it is ours to refuse."""
    command = link_create("too-large", source)
    raw = json.dumps(command).encode() + b" " * (10 << 20)
    assert len(gzip.compress(raw)) < 1 << 20
    sender = Producer(configuration(destination, **{"compression.type": "gzip", "message.max.bytes": 20 << 20}))
    sender.produce(commands.topic, raw, b"too-large")
    assert sender.flush(30) == 0
    result = commands.result(command["id"])
    assert (result["status"], result["error_code"]) == (400, 400)
    assert "more than" in result["message"]
    still_works(commands, source)


def test_an_id_is_not_used_for_two_links(commands: CommandsTopic, rest: Rest, unique: Callable[[str], str]) -> None:
    """Also where the links live on different partitions."""
    first = commands.command("link.delete", unique("none"), {})
    assert commands.result(first)["error_code"] == 404
    others = [unique("other") for _ in range(4)]
    for other in others:
        given = {"id": first, "link": other, "kind": "link.delete", "arguments": {}}
        commands.send(json.dumps(given).encode(), other.encode())
    wait_until(lambda: commands.poll() and len(commands.results_of(first)) == 5, "all are answered")
    assert {r["error_code"] for r in commands.results_of(first) if r["link"] in others} == {40002}


@pytest.mark.timeout(300)
def test_librdkafkas_partitioner_puts_commands_elsewhere_and_they_are_done_all_the_same(
    commands: CommandsTopic, rest: Rest, source: LocalCluster, unique: Callable[[str], str]
) -> None:
    """CRC-32 of the key is not Kafka's murmur2: the record is sent on to its link's partition, and done once."""
    moved = 0
    while not moved:
        command = link_create(unique("link"), source)
        place = commands.send(json.dumps(command).encode(), command["link"].encode())
        result = commands.result(command["id"])
        assert result["status"] == 200, result
        wait_until(lambda c=command: c["link"] in rest.links(), "it is listed (REST-96)")  # type: ignore[misc]
        moved += int(place.partition("-")[0]) != link_partition(command["link"], commands.partitions)
        assert len(commands.results_of(command["id"])) == 1


@pytest.mark.timeout(300)
def test_a_command_that_comes_again_has_no_second_effect(
    commands: CommandsTopic, rest: Rest, source: LocalCluster, unique: Callable[[str], str]
) -> None:
    """A producer that was not sure, a topic that was restored: the stored result again, and nothing done."""
    link = unique("link")
    create, delete = link_create(link, source), {"id": uuid.uuid4().hex, "link": link, "kind": "link.delete"}
    for command in (create, delete, link_create(link, source)):
        commands.send(json.dumps(command).encode(), link.encode())
        assert commands.result(command["id"])["status"] == 200
    first = commands.result(delete["id"])
    commands.send(json.dumps(delete).encode(), link.encode())
    wait_until(lambda: commands.poll() and len(commands.results_of(delete["id"])) == 2, "the stored result")
    assert commands.results_of(delete["id"]) == [first, first]
    still_works(commands, source)
    wait_until(lambda: link in rest.links(), "it is listed (REST-96)")


@pytest.mark.timeout(300)
def test_a_command_that_comes_twice_at_once_is_done_once(
    commands: CommandsTopic, rest: Rest, link: str, source: LocalCluster, topic: str
) -> None:
    """Several copies of one mirror.create, the later ones while the first is under way."""
    create_topic(source, topic)
    command = {
        "id": uuid.uuid4().hex,
        "link": link,
        "kind": "mirror.create",
        "arguments": {"source_topic_name": topic},
    }
    for _ in range(5):
        commands.send(json.dumps(command).encode(), link.encode())
    assert commands.result(command["id"])["status"] == 200
    rest.wait_for_status(link, topic)
    still_works(commands, source)
    results = commands.results_of(command["id"])
    assert results == [results[0]] * len(results)
    assert rest.mirrors(link).count(topic) == 1


@pytest.mark.timeout(300)
def test_commands_of_one_link_are_done_in_their_order(
    commands: CommandsTopic, rest: Rest, source: LocalCluster, unique: Callable[[str], str]
) -> None:
    link = unique("link")
    partition = link_partition(link, commands.partitions)
    sent = []
    for number in range(3):
        for command in (link_create(link, source), {"id": uuid.uuid4().hex, "link": link, "kind": "link.delete"}):
            commands.send(json.dumps(command).encode(), link.encode(), partition)
            sent.append((number, command["id"]))
    assert [commands.result(command_id)["status"] for _, command_id in sent] == [200] * len(sent)
    wait_until(lambda: link not in rest.links(), "it is listed no more (REST-96)")
    assert checked(rest.ask("GET", "")).is_success


@pytest.mark.timeout(300)
def test_two_links_that_want_the_same_mirror_at_once(
    commands: CommandsTopic, rest: Rest, link: str, source: LocalCluster, unique: Callable[[str], str]
) -> None:
    """MIRROR-8: one of them makes the topic, the other is told that it exists; it never is the mirror of both."""
    other = unique("link")
    checked(rest.create_link(other, source))
    for _ in range(5):
        topic = unique("topic")
        create_topic(source, topic)
        sent = {name: commands.command("mirror.create", name, {"source_topic_name": topic}) for name in (link, other)}
        results = {name: commands.result(command_id) for name, command_id in sent.items()}
        assert sorted(result["status"] for result in results.values()) == [200, 400], results
        winner = next(name for name, result in results.items() if result["status"] == 200)
        rest.wait_for_status(winner, topic)
        assert {name: topic in rest.mirrors(name) for name in sent} == {name: name == winner for name in sent}


INTERNAL = ("outcomes", "progress", "results", "claims", "producers")
GARBAGE = (
    b"",
    None,
    b"not JSON",
    b"\xff\xfe",
    b"[]",
    b"7",
    b"null",
    b"{}",
    b'{"link": 5, "changes": [], "worker": "w", "result": {"status": 200}, "request": null}',
    b'{"link": "l", "changes": [{"table": "nothing", "key": "k", "expects": 0, "row": {}}], "worker": "w"}',
    b'{"link": "l", "changes": {"links": 1}, "worker": "w"}',
    b'{"kind": "claim"}',
)


@pytest.mark.timeout(300)
def test_garbage_on_the_internal_topics_stops_nobody(
    commands: CommandsTopic, rest: Rest, worker: WorkerProcess, destination: LocalCluster, source: LocalCluster
) -> None:
    """Nobody but workers should write there (SEC-12 says whom to let); who does breaks no worker."""
    links = rest.links()
    sender = Producer(configuration(destination))
    for name in INTERNAL:
        for key in (b"k", None, b"\xff"):
            for value in GARBAGE:
                sender.produce(f"{worker.app_id}.{name}", value, key, partition=0)
    assert sender.flush(30) == 0
    still_works(commands, source)
    assert rest.links() == links
    assert worker.is_running() and "crashed" not in worker.log().lower()


NO_ROWS = (
    *(value for value in GARBAGE if value is not None),
    b'{"version": "x", "row": {}}',
    b'{"version": 1, "row": 5}',
)
KEYS = (b"k", b"\xff", b"[]", b"7", b'"l"', b'"l/m"', b'"l/m/0"')


@pytest.mark.timeout(300)
def test_garbage_in_changelogs_stops_nobody_not_even_who_starts_with_it(
    destination: LocalCluster, source: LocalCluster, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    """The last thing in each of them, and on a link's own row too: others go on, and a worker with an empty disk."""
    hit, other = unique("hit"), unique("other")
    with WorkerProcess(destination.bootstrap_servers, tmp_path) as worker:
        with Rest(worker, destination) as rest, CommandsTopic(destination, worker.app_id) as commands:
            for link in (hit, other):
                checked(rest.create_link(link, source))
            sender = Producer(configuration(destination, **{"message.max.bytes": 20 << 20, "compression.type": "gzip"}))
            for table in TABLES:
                changelog = f"{worker.app_id}-{table}{CHANGELOG}"
                sender.produce(changelog, b" " * (10 << 20), b"large", partition=0)
                for key in (*KEYS, json.dumps(hit).encode()):
                    for value in NO_ROWS:
                        sender.produce(changelog, value, key, partition=link_partition(hit, commands.partitions))
            assert sender.flush(60) == 0
            still_works(commands, source)
        worker.kill()
        shutil.rmtree(worker.folder / "data")
        worker.launch()
        worker.wait_until_ready()
        with Rest(worker, destination) as rest, CommandsTopic(destination, worker.app_id) as commands:
            still_works(commands, source)
            wait_until(lambda: other in rest.links(), "the other link is known")
            checked(rest.ask("DELETE", f"/{other}"))
        assert worker.is_running() and "crashed" not in worker.log().lower()
