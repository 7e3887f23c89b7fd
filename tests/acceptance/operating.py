"""An operator at the command line: the real program in a process of its own, against a real worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests.support.workers import WorkerProcess

WITHIN_S = 200.0
PROGRAM = (sys.executable, "-c", "from pipeline.cli.main import main; main()")


class Operator:
    """Says things to `clusterlink`."""

    def __init__(self, worker: WorkerProcess) -> None:
        self._worker = worker

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run it, and give what came of it: exit code, output and errors."""
        return subprocess.run(
            [*PROGRAM, *words],
            env={**os.environ, "CLUSTERLINK_URL": self._worker.url, "COLUMNS": "250"},
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )

    def says(self, *words: str) -> str:
        """Run what has to succeed; its output."""
        done = self.run(*words)
        assert done.returncode == 0, f"clusterlink {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def knows(self, *words: str) -> Any:
        """What it says as JSON."""
        return json.loads(self.says(*words, "-o", "json"))

    def is_refused(self, *words: str) -> str:
        """Run what has to fail; all that it says about it."""
        done = self.run(*words)
        assert done.returncode != 0, f"clusterlink {' '.join(words)} succeeded:\n{done.stdout}"
        return done.stdout + done.stderr
