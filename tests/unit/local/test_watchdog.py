"""The watchdog ends what was left to it, and nothing that was taken back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.local import watchdog


def test_orders_are_followed_to_the_end() -> None:
    orders = ["+process 1\n", "+process 2\n", "-process 1\n", "+folder /a b\n", "+folder /c\n", "-folder /c\n"]
    assert watchdog.watch(orders) == ({2}, {"/a b"})


def test_taking_back_what_was_never_given_is_no_error() -> None:
    assert watchdog.watch(["-process 5\n", "-folder /x\n"]) == (set(), set())


def test_an_unknown_order_is_an_error() -> None:
    with pytest.raises(ValueError, match="remove everything"):
        watchdog.watch(["remove everything\n"])


def test_it_ends_processes_and_removes_folders_when_its_input_ends(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "deep").mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as sleeper:
        subprocess.run(
            [sys.executable, "-I", watchdog.__file__],
            input=f"+process {sleeper.pid}\n+folder {folder}\n",
            text=True,
            check=True,
            timeout=200,
        )
        assert sleeper.wait(60) == -9
    assert not folder.exists()


def test_a_process_that_is_gone_already_is_no_error(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait(200)
    watchdog.clean_up({gone.pid}, {str(tmp_path / "never-there")})
