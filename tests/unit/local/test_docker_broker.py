"""Containers: what they are told to run, and how their life follows a broker's. Docker itself is stood in for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import pytest

from pipeline.local import docker_broker
from pipeline.local.docker_broker import DockerBackend
from pipeline.local.errors import ToolMissing
from pipeline.local.options import ClusterOptions, Protocol
from pipeline.local.properties import server_properties
from tests.unit.local.test_properties import NO_SECRETS


class FakeContainer:
    """Both sides of testcontainers' DockerContainer: what is asked of it, and the container it wraps."""

    def __init__(self, image: str) -> None:
        self.calls: list[str] = [f"image {image}"]
        self.env: dict[str, str] = {}
        self.ports: dict[str, Any] = {}
        self.command: list[str] = []
        self.status = "created"
        self.output = b""

    def with_name(self, name: str) -> Self:
        return self

    with_network = with_network_aliases = with_name

    def with_command(self, command: list[str]) -> Self:
        self.command = command
        return self

    def with_kwargs(self, **kwargs: Any) -> Self:
        assert kwargs == {"entrypoint": ["/bin/bash"]}
        return self

    def get_wrapped_container(self) -> Self:
        return self

    def start(self) -> None:
        self.calls.append("start")
        self.status = "running"
        self.output += b"Kafka Server started\n"

    def stop(self, timeout: int | None = None) -> None:
        self.calls.append("remove" if timeout is None else "stop")
        self.status = "exited"

    def kill(self, signal: str) -> None:
        self.calls.append(signal)
        self.status = "exited"

    def logs(self) -> bytes:
        return self.output

    def reload(self) -> None: ...

    def wait(self) -> None: ...


class FakeNetwork:
    removed = 0

    def create(self) -> Self:
        return self

    def remove(self) -> None:
        FakeNetwork.removed += 1


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch) -> FakeContainer:
    made = FakeContainer("none")
    monkeypatch.setattr(docker_broker, "library", lambda: (lambda image: made, FakeNetwork))
    return made


def backend_and_broker(options: ClusterOptions) -> tuple[DockerBackend, Any]:
    backend = DockerBackend()
    place = backend.place(1, {"CONTROLLER": 21001, "INTERNAL": 21002, options.protocols[0].value: 21003}, Path())
    properties = server_properties(options, place, [place], NO_SECRETS)
    return backend, backend.broker(options, place, properties, "cluster-id-of-22-chars", Path())


def test_clients_reach_it_by_loopback_and_peers_by_name(container: FakeContainer) -> None:
    backend_and_broker(ClusterOptions())
    assert container.ports["21003/tcp"] == ("127.0.0.1", 21003)
    told = container.env["CLUSTERLINK_PROPERTIES"]
    assert "advertised.listeners=INTERNAL://broker-1:21002,PLAINTEXT://127.0.0.1:21003\n" in told
    assert "controller.quorum.voters=1@broker-1:21001\n" in told


def test_it_formats_with_the_clusters_id_and_users(container: FakeContainer) -> None:
    options = ClusterOptions(protocols=(Protocol.SASL_PLAINTEXT,), users={"alice": "secret"})
    backend_and_broker(options)
    assert container.command[3:5] == ["-t", "cluster-id-of-22-chars"]
    assert "SCRAM-SHA-256=[name=alice,password=secret]" in container.command


def test_a_second_start_logs_anew_and_keeps_the_container(container: FakeContainer) -> None:
    backend, broker = backend_and_broker(ClusterOptions())
    assert not broker.is_running()
    assert broker.log() == ""
    broker.launch()
    broker.stop(hard=True)
    broker.stop(hard=True)
    assert not broker.is_running()
    broker.launch()
    assert broker.log() == "Kafka Server started\n"
    broker.stop(hard=False)
    backend.close()
    assert container.calls[1:] == ["start", "SIGKILL", "start", "stop", "remove"]
    assert FakeNetwork.removed == 1


def test_a_docker_that_fails_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoDaemon:
        def create(self) -> None:
            raise ConnectionError("no daemon")

    monkeypatch.setattr(docker_broker, "library", lambda: (FakeContainer, NoDaemon))
    with pytest.raises(ToolMissing, match="no daemon"):
        backend_and_broker(ClusterOptions())
