"""docs/quickstart.md, word for word: its commands in their order, on real clusters."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from pipeline.local.cluster import LocalCluster
from pipeline.local.ports import PortLease
from tests.support.clients import create_topic
from tests.support.producing import numbered, produce
from tests.support.workers import wait_until

DOCUMENT = Path(__file__).parents[2] / "docs" / "quickstart.md"
PARTS = re.compile(r"^```sh(?P<kind>[^\n]*)\n(?P<block>.*?)^```|^<!-- until: (?P<until>.*?) -->", re.M | re.S)


@contextmanager
def running(command: str, environment: dict[str, str], log: Path) -> Iterator[None]:
    """A command of the document that goes on until it is ended."""
    with log.open("w") as output:
        process = subprocess.Popen(["bash", "-c", f"exec {command}"], env=environment, stdout=output, stderr=output)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def say(script: str, environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euc", script],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.timeout(900)
def test_quickstart(
    source: LocalCluster, destination: LocalCluster, unique: Callable[[str], str], tmp_path: Path
) -> None:
    app, lease = unique("quickstart"), PortLease()
    port = lease.port
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    program = bin_folder / "clusterlink"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'from pipeline.cli.main import main; main()' \"$@\"\n")
    program.chmod(0o755)
    topic = unique("orders")  # the clusters are shared with other tests, which may have an `orders` of their own
    environment = {
        **os.environ,
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "A": source.bootstrap_servers,
        "B": destination.bootstrap_servers,
        "CLUSTERLINK_URL": f"http://localhost:{port}",
        "CLUSTERLINK_WEB_PORT": str(port),
        "CLUSTERLINK_APP_ID": app,
        "CLUSTERLINK_DATA_DIR": str(tmp_path / "data"),
    }
    create_topic(source, topic, 3)
    for partition in range(3):
        produce(source, topic, numbered(100, partition=partition))
    text = DOCUMENT.read_text()
    parts = list(PARTS.finditer(text))
    (worker,) = [part for part in parts if part["kind"] == " worker"]
    command = worker["block"].split("clusterlink worker")[0]
    assert command == 'CLUSTERLINK_BOOTSTRAP_SERVERS="$B" '
    environment["CLUSTERLINK_BOOTSTRAP_SERVERS"] = environment["B"]
    with running("clusterlink worker", environment, tmp_path / "worker.log"):
        ready = f"http://localhost:{port}/readyz"
        wait_until(lambda: _answers(ready), f"{ready} answers 200", 240)
        for part in parts:
            if part["until"]:
                script = part["until"].replace("orders", topic)
                wait_until(lambda s=script: say(s, environment, tmp_path).returncode == 0, script, 180, 0.5)  # type: ignore[misc]
            elif part["kind"] != " worker":
                script = part["block"].replace("orders", topic)
                done = say(script, environment, tmp_path)
                assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    lease.release()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.HTTPError:
        return False
