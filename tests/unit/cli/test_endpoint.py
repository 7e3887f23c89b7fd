"""How the command line reaches its endpoint: credentials, unreachable endpoints, wrong URLs, other programs on the
port.
"""

from __future__ import annotations

import socket

import pytest
from aiohttp import web

from pipeline.api.authentication import Authentication, Credential, Method, Role
from tests.unit.api.fake_plane import CLUSTER
from tests.unit.cli.conftest import Cli, Server


class TestWithAuthentication:
    @pytest.fixture
    def authentication(self) -> Authentication:
        alice = Credential.of(Method.BASIC, "alice", Role.OPERATOR, "s3cret")
        bob = Credential.of(Method.BEARER, "bob", Role.READER, "t0ken")
        return Authentication((alice, bob))

    def test_without_credentials(self, on: Cli) -> None:
        result = on.run("link", "list")
        assert result.exit_code == 1
        assert "Authentication failed" in result.stderr
        assert "CLUSTERLINK_PASSWORD" in result.stderr

    def test_basic_from_the_environment(self, on: Cli) -> None:
        env = {"CLUSTERLINK_USERNAME": "alice", "CLUSTERLINK_PASSWORD": "s3cret"}
        on.ok("link", "create", "east", env=env)
        assert on.plane.commands[0].principal == "User:alice"
        assert on.run("link", "list", "--no-authentication", env=env).exit_code == 1

    def test_a_reader_cannot_change(self, on: Cli) -> None:
        env = {"CLUSTERLINK_TOKEN": "t0ken"}
        on.ok("link", "list", env=env)
        result = on.run("link", "create", "east", env=env)
        assert (result.exit_code, "not authorized" in result.stderr) == (1, True)


def test_cluster_ids(on: Cli) -> None:
    assert on.ok("cluster", "id") == f"{CLUSTER}\n"
    assert on.json("cluster", "list")[0]["cluster_id"] == CLUSTER
    result = on.run("link", "list", "--cluster", "other")
    assert (result.exit_code, "Cluster other cannot be found." in result.stderr) == (1, True)


def test_nobody_there(on: Cli) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        result = on.run("link", "list", "--url", f"http://127.0.0.1:{closed.getsockname()[1]}")
    assert result.exit_code == 1
    assert "cannot reach" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("url", ["ftp://x", "nonsense", "http://[::1", "http://x:99999999"])
def test_a_url_that_is_none(on: Cli, url: str) -> None:
    assert on.run("link", "list", "--url", url).exit_code in (1, 2)


def test_someone_else_on_the_port(on: Cli) -> None:
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="<html>hello</html>")

    app = web.Application()
    app.router.add_get("/{tail:.*}", hello)
    server = Server(app)
    result = on.run("link", "list", "--url", server.url)
    server.stop()
    assert (result.exit_code, "not as a clusterlink worker does" in result.stderr) == (1, True)


def test_no_worker_alive(on: Cli) -> None:
    """REST-84."""
    on.plane.is_alive = False
    result = on.run("link", "create", "east")
    assert (result.exit_code, "No worker is alive" in result.stderr) == (1, True)


def test_warnings_are_shown(on: Cli) -> None:
    on.plane.add_link("east")
    on.plane.script["link.update"] = lambda command: {"warnings": ['"acl.filters" is not set']}
    result = on.run("link", "update", "east", "--config", "acl.sync.enable=true")
    assert result.exit_code == 0
    assert 'Warning: "acl.filters" is not set' in result.stderr
