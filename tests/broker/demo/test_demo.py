"""The demo as a user runs it: it ends with an equal mirror and leaves nothing behind; so does Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import ROOT

MIRRORING = "made by two records"
RUN_S, END_S = 600.0, 120.0
pytestmark = pytest.mark.timeout(RUN_S + END_S + 30)


class Demo:
    """A running demo, its output in a file, its temporary files in a folder of its own."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.scratch = folder / "tmp"
        self.process = process
        self._log = folder / "shown.log"

    @property
    def shown(self) -> str:
        return self._log.read_text()

    def wait_for(self, text: str) -> None:
        give_up_at = time.monotonic() + RUN_S
        while text not in self.shown:
            assert self.process.poll() is None, self.shown
            assert time.monotonic() < give_up_at, self.shown
            time.sleep(0.05)

    def left_behind(self) -> list[str]:
        """Files below its temporary folder, and processes whose command names that folder."""
        found = [str(each) for each in self.scratch.iterdir() if not each.name.startswith("hsperfdata")]
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and str(self.scratch).encode() in (entry / "cmdline").read_bytes():
                    found.append(f"process {entry.name}")
            except OSError:  # it has ended, or is not ours to see
                continue
        return found


@contextmanager
def demo(folder: Path, *arguments: str) -> Iterator[Demo]:
    (folder / "tmp").mkdir()
    environment = {**os.environ, "TMPDIR": str(folder / "tmp"), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "pipeline.demo", *arguments]
    with (
        (folder / "shown.log").open("wb") as log,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            yield Demo(folder, process)
        finally:
            process.kill()  # nothing, where it has ended; else its watchdog clears up behind it


def test_the_demo_verifies_its_mirror_and_cleans_up(tmp_path: Path):
    with demo(tmp_path, "--seconds", "3") as running:
        code = running.process.wait(RUN_S)
        assert code == 0, running.shown
        assert "Result:     equal" in running.shown
        assert "\x1b" not in running.shown, "escape sequences in a log"
        assert running.left_behind() == []


def test_what_a_kept_demo_says_can_be_typed(tmp_path: Path):
    with demo(tmp_path, "--keep", "--seconds", "1") as running:
        running.wait_for("REST  ")
        typed = running.shown.partition("second terminal:")[2].partition("Source cluster")[0]
        assert typed.count("clusterlink ") == 4
        subprocess.run(["bash", "-euc", typed], check=True, timeout=RUN_S, cwd=tmp_path)
        running.process.send_signal(signal.SIGINT)
        running.process.wait(END_S)
        assert "nothing is left behind" in running.shown
        assert running.left_behind() == []


def test_an_interrupted_demo_cleans_up(tmp_path: Path):
    with demo(tmp_path, "--keep", "--seconds", "60") as running:
        running.wait_for(MIRRORING)
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(END_S)
        assert "nothing is left behind" in running.shown
        assert running.left_behind() == []
