"""Alive and ready: what is wrong is said in words."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from pipeline.api.authentication import Authentication, read_authentication
from pipeline.cluster.errors import Unreachable
from pipeline.control.read_model import ReadModel
from pipeline.faust_vitals import SILENT_S, FaustVitals
from pipeline.metrics.metric import Detail
from pipeline.observing.serving import mount_observing
from pipeline.observing.vitals import LoopLag, Vitals
from tests.unit.lifecycle.rows import TOPICS
from tests.unit.observing.worlds import shot


class Cluster:
    error: Exception | None = None

    async def ask(self) -> str:
        if self.error is not None:
            raise self.error
        return "id"


def test_the_longest_delay_of_the_window_counts() -> None:
    lag = LoopLag()
    for at, late in ((0.0, 0.5), (1.0, 2.0), (2.0, 0.1)):
        lag.note(at, late)
    assert lag.longest_s == 2.0
    lag.note(16.5, 0.2)
    assert lag.longest_s == 0.2


async def answers(vitals: Vitals, authentication: Authentication | None = None) -> dict[str, tuple[int, str]]:
    application = web.Application()
    model = ReadModel(TOPICS)
    mount_observing(application, vitals, authentication or Authentication.off(), lambda: shot(model), Detail.PARTITION)
    async with TestClient(TestServer(application)) as client:
        found = {}
        for path in ("/healthz", "/readyz", "/metrics"):
            async with client.get(path) as answer:
                found[path] = (answer.status, await answer.text())
        return found


async def test_a_worker_is_ready_when_nothing_is_wrong_and_its_cluster_answers() -> None:
    vitals = Vitals({"loop": lambda: ""}, {"assigned": lambda: ""}, Cluster().ask)
    assert (await answers(vitals))["/readyz"][0] == 503  # not asked yet
    task = asyncio.create_task(vitals.run())
    async with asyncio.timeout(60):
        while not vitals.is_ready:
            await asyncio.sleep(0.01)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    found = await answers(vitals)
    assert [found[path][0] for path in ("/healthz", "/readyz", "/metrics")] == [200, 200, 200]
    assert "clusterlink_worker_info" in found["/metrics"][1]


@pytest.mark.parametrize("error", [Unreachable("no route"), OSError("a defect")])
async def test_a_worker_without_its_cluster_lives_but_is_not_ready(error: Exception) -> None:
    cluster = Cluster()
    cluster.error = error
    vitals = Vitals({"loop": lambda: ""}, {}, cluster.ask)
    task = asyncio.create_task(vitals.run())
    async with asyncio.timeout(60):
        while "not been asked" in vitals.readiness()["own_cluster"]:
            await asyncio.sleep(0.01)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    found = await answers(vitals)
    assert found["/healthz"][0] == 200
    assert found["/readyz"][0] == 503 and str(error) in found["/readyz"][1]


async def test_what_is_wrong_with_its_life_is_said() -> None:
    found = await answers(Vitals({"faust": lambda: "it is dead"}, {}, Cluster().ask))
    assert found["/healthz"][0] == 503 and "it is dead" in found["/healthz"][1]
    assert found["/readyz"][0] == 503 and "it is dead" in found["/readyz"][1]


async def test_metrics_want_credentials_and_health_does_not() -> None:
    authentication = read_authentication("basic", ["reader:prometheus:secret-secret"])
    found = await answers(Vitals({}, {}, Cluster().ask), authentication)
    assert found["/metrics"][0] == 401 and "clusterlink_worker" not in found["/metrics"][1]
    assert found["/healthz"][0] == 200


class Thread:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.thread_loop = loop
        self.crashed = False


class Consumer:
    crashed = False

    def __init__(self, thread: Thread) -> None:
        self._thread = thread


class App:
    started = True

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer


async def test_a_consumer_whose_thread_does_not_answer_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    thread = Thread(asyncio.get_running_loop())
    vitals = FaustVitals(App(Consumer(thread)))
    now = 0.0
    monkeypatch.setattr("pipeline.faust_vitals.time.monotonic", lambda: now)
    vitals.beat()
    await asyncio.sleep(0)
    now = SILENT_S + 1
    assert "silent" in vitals.ailment()
    vitals.beat()
    await asyncio.sleep(0)
    assert vitals.ailment() == ""
    thread.crashed = True
    assert "crashed" in vitals.ailment()
