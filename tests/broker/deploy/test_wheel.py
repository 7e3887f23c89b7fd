"""The wheel, as a user installs it: everything is in it, and it brings a command that runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.packages import need

pytestmark = pytest.mark.timeout(600)
ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("pipeline", "agents", "tables")


def run(*words: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in words],
        env={**os.environ, "PYTHONPATH": "", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, since building leaves files beside its sources."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "source"
    copy.mkdir()
    for name in (*PACKAGES, "deploy"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, copy)
    return next(folder.glob("*.whl"))


def test_everything_is_in_it(wheel: Path) -> None:
    """Python and what lies beside it: the API's document, schemas, web files."""
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    wanted = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted <= inside, sorted(wanted - inside)
    assert "pipeline/api/openapi.yaml" in inside
    assert any(name.endswith("share/man/man1/clusterlink.1") for name in inside)


def test_it_brings_the_command_with_man_page_and_completion(wheel: Path, tmp_path: Path) -> None:
    """Installed by pipx, with its dependencies, for the Python that runs this."""
    need({"pipx": "pipx"})
    at = {"PIPX_HOME": str(tmp_path / "pipx"), "PIPX_BIN_DIR": str(tmp_path / "bin")}
    constraints = f"--pip-args=--disable-pip-version-check -c {ROOT / 'constraints.txt'}"
    run("pipx", "install", "--python", sys.executable, constraints, wheel, **at)
    home = tmp_path / "pipx" / "venvs" / "clusterlink"
    command = tmp_path / "bin" / "clusterlink"
    assert "Mirror topics between Kafka clusters" in run(command, "--help")
    assert run(command, "--version").startswith("clusterlink 0.")
    completed = run(command, _CLUSTERLINK_COMPLETE="bash_complete", COMP_WORDS="clusterlink mirror pro", COMP_CWORD="2")
    assert "plain,promote" in completed
    need({"man": "man-db"})
    assert "Mirror topics between Kafka clusters" in run("man", "-l", home / "share" / "man" / "man1" / "clusterlink.1")
    # what a worker is made of is there too: it stops at its missing settings, not at an import
    done = subprocess.run(
        [command, "worker"],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith(("CLUSTERLINK_", "PYTHON"))},
    )
    assert done.returncode != 0 and "CLUSTERLINK_BOOTSTRAP_SERVERS: missing" in done.stdout + done.stderr
