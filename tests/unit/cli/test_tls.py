"""Mutual TLS end to end: `clusterlink` over HTTPS, known by its certificate (REST-95, CLI-60)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from pipeline.api.authentication import read_authentication
from pipeline.api.mounting import mount
from pipeline.api.tls import server_context
from tests.unit.api.fake_plane import FakePlane
from tests.unit.cli.certificates import Authority, Pem
from tests.unit.cli.conftest import Cli, Server


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def on(plane: FakePlane, authority: Authority) -> Iterator[Cli]:
    app = web.Application()
    mount(app, plane, read_authentication("mtls", ["operator:CN=ops", "reader:CN=viewer"]))
    own = authority.issue("worker")
    server = Server(app, server_context(own.certificate, own.key, authority.path))
    yield Cli(server.url, plane)
    server.stop()


def _options(authority: Authority, client: Pem | None) -> tuple[str, ...]:
    trust = ("--certificate-authority-path", authority.path)
    return (*trust, "--client-cert-path", client.certificate, "--client-key-path", client.key) if client else trust


def test_an_operator_by_certificate(on: Cli, authority: Authority) -> None:
    on.ok("link", "create", "east", *_options(authority, authority.issue("ops")))
    assert on.plane.commands[0].principal == "User:CN=ops"


def test_a_reader_by_certificate(on: Cli, authority: Authority) -> None:
    options = _options(authority, authority.issue("viewer"))
    on.ok("link", "list", *options)
    result = on.run("link", "create", "east", *options)
    assert (result.exit_code, "not authorized" in result.stderr) == (1, True)


@pytest.mark.parametrize("name", [None, "stranger"])
def test_nobody_else(on: Cli, authority: Authority, name: str | None) -> None:
    result = on.run("link", "list", *_options(authority, authority.issue(name) if name else None))
    assert (result.exit_code, "Authentication failed" in result.stderr) == (1, True)


def test_a_certificate_of_another_authority(on: Cli, authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other")
    result = on.run("link", "list", *_options(authority, other.issue("ops")))
    assert (result.exit_code, "cannot reach" in result.stderr) == (1, True)


def test_an_endpoint_that_is_not_trusted(on: Cli, authority: Authority, tmp_path: Path) -> None:
    result = on.run("link", "list", *_options(Authority(tmp_path, "other"), None))
    assert (result.exit_code, "cannot reach" in result.stderr) == (1, True)
