"""What cannot be done is refused with the codes of spec 8.4, through every door, and leaves nothing behind."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Protocol

import pytest
from click.testing import CliRunner

from pipeline.cli.main import cli
from pipeline.local.cluster import LocalCluster
from pipeline.local.ports import HOST
from tests.support.asking import CommandsTopic, Rest, checked, refusal
from tests.support.clients import create_topic, topic_names
from tests.support.producing import numbered, produce
from tests.support.workers import WorkerProcess

LONG = "x" * 249


class Door(Protocol):
    """Asks for a link or a mirror; returns HTTP status, error_code and message of the refusal."""

    def create_link(self, link: str, servers: str, cluster_id: str) -> tuple[int, int, str]: ...

    def create_mirror(self, link: str, topic: str) -> tuple[int, int, str]: ...


class RestDoor:
    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def create_link(self, link: str, servers: str, cluster_id: str) -> tuple[int, int, str]:
        configs = [{"name": "bootstrap.servers", "value": servers}]
        answer = self._rest.ask("POST", "", {"source_cluster_id": cluster_id, "configs": configs}, link_name=link)
        return *refusal(answer), answer.json()["message"]

    def create_mirror(self, link: str, topic: str) -> tuple[int, int, str]:
        answer = self._rest.create_mirror(link, topic)
        return *refusal(answer), answer.json()["message"]


class TopicDoor:
    def __init__(self, commands: CommandsTopic) -> None:
        self._commands = commands

    def create_link(self, link: str, servers: str, cluster_id: str) -> tuple[int, int, str]:
        configs = [{"name": "bootstrap.servers", "value": servers}]
        return self._run("link.create", link, {"source_cluster_id": cluster_id, "configs": configs})

    def create_mirror(self, link: str, topic: str) -> tuple[int, int, str]:
        return self._run("mirror.create", link, {"source_topic_name": topic})

    def _run(self, kind: str, link: str, arguments: dict[str, Any]) -> tuple[int, int, str]:
        command_id = self._commands.command(kind, link, arguments)
        result = self._commands.result(command_id)
        assert len(self._commands.results_of(command_id)) == 1
        return result["status"], result["error_code"], result["message"]


class CliDoor:
    """The command line shows the message and its exit code; the codes are REST's, which it calls."""

    def __init__(self, worker: WorkerProcess, rest: RestDoor) -> None:
        self._url, self._rest = worker.url, rest

    def create_link(self, link: str, servers: str, cluster_id: str) -> tuple[int, int, str]:
        self._run("link", "create", link, "--source-cluster", cluster_id, "--source-bootstrap-server", servers)
        return self._rest.create_link(link, servers, cluster_id)

    def create_mirror(self, link: str, topic: str) -> tuple[int, int, str]:
        self._run("mirror", "create", topic, "--link", link)
        return self._rest.create_mirror(link, topic)

    def _run(self, *words: str) -> None:
        result = CliRunner().invoke(cli, [*words, "--url", self._url], catch_exceptions=False)
        assert result.exit_code == 1, result.output
        assert "Traceback" not in result.output


@pytest.fixture(params=["rest", "topic", "cli"])
def door(request: pytest.FixtureRequest, rest: Rest, commands: CommandsTopic, worker: WorkerProcess) -> Door:
    doors: dict[str, Callable[[], Door]] = {
        "rest": lambda: RestDoor(rest),
        "topic": lambda: TopicDoor(commands),
        "cli": lambda: CliDoor(worker, RestDoor(rest)),
    }
    return doors[request.param]()


@pytest.fixture
def nothing_left(rest: Rest, link: str, destination: LocalCluster) -> Callable[[], Any]:
    """Gives a block that must leave topics, links and mirrors as they were."""

    def everything() -> tuple[set[str], list[str], list[str]]:
        return topic_names(destination), rest.links(), rest.mirrors(link)

    @contextmanager
    def block() -> Iterator[None]:
        before = everything()
        yield
        assert everything() == before

    return block


@pytest.fixture
def dead_port() -> Iterator[str]:
    """An address at which nobody listens, kept from others."""
    with closing(socket.socket()) as nobody:
        nobody.bind((HOST, 0))
        yield "{}:{}".format(*nobody.getsockname())


def test_unknown_source_topic(*, door: Door, link: str, topic: str, nothing_left: Callable[[], Any]) -> None:
    """REST-77."""
    with nothing_left():
        status, code, message = door.create_mirror(link, topic)
    assert (status, code) == (404, 40403)
    assert topic in message


def test_a_topic_of_the_mirrors_name_exists(
    *,
    door: Door,
    link: str,
    topic: str,
    source: LocalCluster,
    destination: LocalCluster,
    nothing_left: Callable[[], Any],
) -> None:
    """MIRROR-56; the topic that is there stays as it is."""
    create_topic(source, topic)
    create_topic(destination, topic, 2)
    produce(destination, topic, numbered(3))
    with nothing_left():
        status, code, message = door.create_mirror(link, topic)
    assert (status, code) == (400, 40002)
    assert f"'{topic}' already exists" in message


def test_a_mirror_of_the_name_exists(
    *, door: Door, link: str, topic: str, rest: Rest, source: LocalCluster, nothing_left: Callable[[], Any]
) -> None:
    create_topic(source, topic)
    checked(rest.create_mirror(link, topic))
    rest.wait_for_status(link, topic)
    with nothing_left():
        status, code, message = door.create_mirror(link, topic)
    assert (status, code) == (400, 40002)
    assert "already exists" in message


def test_unreachable_source(
    *, door: Door, source: LocalCluster, dead_port: str, unique: Callable[[str], str], nothing_left: Callable[[], Any]
) -> None:
    """STATE-14."""
    with nothing_left():
        status, code, message = door.create_link(unique("link"), dead_port, source.cluster_id)
    assert (status, code) == (400, 40002)
    assert "BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR" in message


def test_wrong_cluster_id(
    *,
    door: Door,
    source: LocalCluster,
    destination: LocalCluster,
    unique: Callable[[str], str],
    nothing_left: Callable[[], Any],
) -> None:
    """LINK-15: the ids of both are named."""
    other = "AAAAAAAAAAAAAAAAAAAAAA"
    with nothing_left():
        status, code, message = door.create_link(unique("link"), source.bootstrap_servers, other)
        assert (status, code) == (400, 40002)
        assert other in message and source.cluster_id in message
        status, code, message = door.create_link(unique("link"), destination.bootstrap_servers, destination.cluster_id)
        assert (status, code) == (400, 40002)
        assert "itself" in message


def test_oversized_names(*, door: Door, link: str, source: LocalCluster, nothing_left: Callable[[], Any]) -> None:
    """LINK-17, MIRROR-20: 249 characters are the most that Kafka takes."""
    with nothing_left():
        status, code, message = door.create_link(LONG + "x", source.bootstrap_servers, source.cluster_id)
        assert (status, code) == (400, 400)
        assert "Invalid Cluster Link Name" in message and "250" in message
        status, code, message = door.create_mirror(link, LONG + "x")
        assert (status, code) == (400, 40002)
        assert "250" in message


def test_a_name_that_is_too_long_with_the_prefix(
    *, door: Door, rest: Rest, source: LocalCluster, unique: Callable[[str], str], nothing_left: Callable[[], Any]
) -> None:
    """STATE-41: the source topic is fine, its mirror's name is not."""
    name = unique("l")[-40:]
    checked(rest.create_link(name, source, cluster_link_prefix=f"{name}."))
    topic = name + LONG[len(name) :]
    create_topic(source, topic)
    with nothing_left():
        status, code, _ = door.create_mirror(name, topic)
    assert (status, code) == (400, 40002)
    assert rest.mirrors(name) == []


def test_unknown_link(*, door: Door, topic: str, source: LocalCluster, nothing_left: Callable[[], Any]) -> None:
    """REST-76."""
    create_topic(source, topic)
    with nothing_left():
        status, code, message = door.create_mirror("nobody-made-this", topic)
    assert (status, code) == (404, 404)
    assert "'nobody-made-this' does not exist" in message


def test_a_link_of_the_name_exists(
    *, door: Door, link: str, source: LocalCluster, nothing_left: Callable[[], Any]
) -> None:
    """REST-79."""
    with nothing_left():
        status, code, _ = door.create_link(link, source.bootstrap_servers, source.cluster_id)
    assert (status, code) == (409, 40902)


def test_a_source_that_has_gone_since_the_link_was_made(
    *, door: Door, rest: Rest, dead_port: str, topic: str, unique: Callable[[str], str], nothing_left: Callable[[], Any]
) -> None:
    name = unique("link")
    configs = [{"name": "bootstrap.servers", "value": dead_port}]
    checked(rest.ask("POST", "", {"configs": configs}, link_name=name, validate_link="false"))
    with nothing_left():
        status, code, message = door.create_mirror(name, topic)
    assert (status, code) == (400, 40002)
    # before the first probe of the link, or after it
    assert "BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR" in message or "is UNAVAILABLE" in message
    assert "onnection refused" in message
    assert rest.mirrors(name) == []
