"""Programs of the system that some tests need (a browser, Prometheus, a Kerberos server), installed when missing.

No test is skipped because something could be installed and was not: on Debian and its relatives, as root, the packages
are installed; elsewhere the test fails with the sentence that says which packages to install.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

LOCK = Path(tempfile.gettempdir()) / "clusterlink-test-packages.lock"


def need(programs: dict[str, str]) -> None:
    """Make sure that programs are on the path: {program: the Debian package that brings it}.

    Raises RuntimeError naming what is missing.
    """
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # apt allows one at a time
        packages = sorted({package for program, package in programs.items() if not _found(program)})
        if not packages:
            return
        if shutil.which("apt-get") is None or os.geteuid() != 0:
            raise RuntimeError(f"this test needs {', '.join(packages)}; install the packages, then run it again")
        _install(packages)
    missing = [program for program in programs if not _found(program)]
    if missing:
        raise RuntimeError(f"{', '.join(packages)} installed, but {', '.join(missing)} is not on the path")


def _found(program: str) -> bool:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def _install(packages: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    patient = ["apt-get", "-o", "Acquire::Retries=5", "-o", "DPkg::Lock::Timeout=300"]
    install = [*patient, "install", "-y", "-qq", "--no-install-recommends", *packages]
    for command in ([*patient, "update", "-qq"], install):
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=600)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed: {done.stderr[-2000:] or done.stdout[-2000:]}")
