"""The command line against a real server of the API, on a plane in memory, in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from pipeline.api.authentication import Authentication
from pipeline.api.mounting import mount
from pipeline.cli.main import cli
from tests.unit.api.fake_plane import FakePlane


@dataclass
class Cli:
    """Runs commands as a user would; `json` runs one with `-o json` and gives what it printed."""

    url: str
    plane: FakePlane

    def run(self, *words: str, **options: Any) -> Result:
        env = {"CLUSTERLINK_URL": self.url, "CLUSTERLINK_LINK": None, **options.pop("env", {})}
        return CliRunner().invoke(cli, words, env=env, catch_exceptions=False, **options)

    def ok(self, *words: str, **options: Any) -> str:
        result = self.run(*words, **options)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self.ok(*words, "-o", "json"))


class Server:
    """An aiohttp application on a free port, served from a thread until `stop`."""

    def __init__(self, app: web.Application, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._app, self._loop, self._ready = app, asyncio.new_event_loop(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(self._app)
        self._loop.run_until_complete(runner.setup())
        self._loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._tls).start())
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


@pytest.fixture
def plane() -> FakePlane:
    return FakePlane()


@pytest.fixture
def authentication() -> Authentication:
    return Authentication.off()


@pytest.fixture
def on(plane: FakePlane, authentication: Authentication) -> Iterator[Cli]:
    app = web.Application()
    mount(app, plane, authentication)
    server = Server(app)
    yield Cli(server.url, plane)
    server.stop()
