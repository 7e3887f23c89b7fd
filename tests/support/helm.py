"""Helm, to render the chart with: built from the Go module proxy into a cache folder, once."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.support.packages import need

VERSION = "v3.16.4"
KUBERNETES = "1.31"
ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("CLUSTERLINK_TOOLS_CACHE", ROOT / ".tools"))
CHART = ROOT / "deploy" / "helm" / "clusterlink"
BUILD_WITHIN_S = 900


def helm() -> str:
    """The program; builds it where it is not there yet, which takes a minute or two."""
    folder = CACHE / f"helm-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "helm").exists():
            need({"go": "golang-go"})
            done = subprocess.run(
                ["go", "install", f"helm.sh/helm/v3/cmd/helm@{VERSION}"],
                env={**os.environ, "GOBIN": str(folder), "GOFLAGS": "-mod=mod"},
                capture_output=True,
                text=True,
                check=False,
                timeout=BUILD_WITHIN_S,
            )
            assert done.returncode == 0, done.stderr[-3000:]
    return str(folder / "helm")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run it."""
    return subprocess.run([helm(), *words], capture_output=True, text=True, check=False, timeout=200)


def template(values: dict[str, Any], folder: Path, release: str = "test") -> subprocess.CompletedProcess[str]:
    """Render the chart with values."""
    path = folder / "values.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return run("template", release, str(CHART), "--kube-version", f"{KUBERNETES}.0", "-f", str(path))


def rendered(values: dict[str, Any], folder: Path, release: str = "test") -> list[dict[str, Any]]:
    """The objects that the chart makes."""
    done = template(values, folder, release)
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def only(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The one object of a kind."""
    found = [each for each in objects if each["kind"] == kind]
    assert len(found) == 1, kind
    return found[0]


def pod(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """What the StatefulSet makes its Pods with."""
    spec: dict[str, Any] = only(objects, "StatefulSet")["spec"]["template"]["spec"]
    return spec


def container(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """The worker in such a Pod."""
    spec: dict[str, Any] = pod(objects)["containers"][0]
    return spec


def environment(objects: list[dict[str, Any]]) -> dict[str, str]:
    """What a worker is told; no name comes twice."""
    given = {each["name"]: each["value"] for each in container(objects)["env"]}
    assert len(given) == len(container(objects)["env"])
    return given
