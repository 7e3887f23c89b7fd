"""A clock for one Python process that a test sets. Only the time of day is moved; what measures how long a thing takes
(the monotonic clocks) is left alone, as on a machine whose clock is set.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_MOVED = '''\
"""Imported by Python before anything else, because it is on the path under this name."""

import threading
import time

_time, _time_ns, _ahead_s = time.time, time.time_ns, 0
_rest = time.sleep


def _follow():
    global _ahead_s
    while True:
        with open({file!r}) as file:
            _ahead_s = int(file.read())
        _rest(0.1)


time.time = lambda: _time() + _ahead_s
time.time_ns = lambda: _time_ns() + _ahead_s * 1_000_000_000
threading.Thread(target=_follow, name="clock", daemon=True).start()
'''


class Clock:
    """`environment` makes a process go by it; `jump` sets it while the process runs."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder, self._file = folder, folder / "ahead"
        (folder / "sitecustomize.py").write_text(_MOVED.format(file=str(self._file)))
        self.jump(0)

    @property
    def environment(self) -> Mapping[str, str]:
        before = os.environ.get("PYTHONPATH")
        return {"PYTHONPATH": os.pathsep.join([str(self._folder), *([before] if before else [])])}

    def jump(self, hours: int) -> None:
        """From now on the process is so many hours ahead of everybody else, or behind."""
        beside = self._file.with_suffix(".new")
        beside.write_text(str(hours * 3600))
        os.replace(beside, self._file)
