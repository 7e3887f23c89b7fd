"""compose.yaml, the systemd unit and the Dockerfile, read by the programs they are for where these run without an
engine; none of the images was built here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from pipeline.setting_table import SETTINGS
from tests.support.packages import need

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (DEPLOY / "docker" / "Dockerfile").read_text(encoding="utf-8")
ENVIRONMENT = {row.env for row in SETTINGS}


def test_compose_takes_its_file() -> None:
    """`docker-compose config` needs no engine."""
    need({"docker-compose": "docker-compose"})
    done = subprocess.run(
        ["docker-compose", "-f", str(DEPLOY / "compose.yaml"), "config", "-q"],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr


def test_compose_mounts_what_there_is() -> None:
    for name, service in SERVICES.items():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], (
                name,
                source,
            )


def test_compose_opens_its_ports_to_this_machine_only() -> None:
    """REST asks nobody who he is there, and published ports get past a machine's firewall."""
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert published and all(port.startswith("127.0.0.1:") for port in published)


def test_compose_has_two_clusters_and_what_prometheus_scrapes() -> None:
    assert SERVICES["source"]["environment"]["CLUSTER_ID"] != SERVICES["destination"]["environment"]["CLUSTER_ID"]
    scraped = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    hosts = {target.partition(":")[0] for target in scraped[0]["static_configs"][0]["targets"]}
    assert scraped[0]["job_name"] == "clusterlink"  # the rules ask for it
    assert hosts == {name for name in SERVICES if name.startswith("worker")}
    for name in hosts:
        assert SERVICES[name]["environment"].keys() <= ENVIRONMENT


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """With a program that is there in the place of the installed one."""
    need({"systemd-analyze": "systemd"})
    unit = tmp_path / "clusterlink.service"
    text = (DEPLOY / "systemd" / "clusterlink.service").read_text(encoding="utf-8")
    program = Path(sys.executable).with_name("clusterlink")
    assert program.exists()
    unit.write_text(text.replace("/opt/clusterlink/bin/clusterlink", str(program)), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0 and not done.stderr.strip(), done.stderr


def test_settings_in_files_are_settings() -> None:
    for path in (DEPLOY / "systemd" / "worker.env", DEPLOY / "systemd" / "clusterlink.service"):
        named = set(re.findall(r"\b(CLUSTERLINK_[A-Z_]+)=", path.read_text(encoding="utf-8")))
        assert named and named <= ENVIRONMENT, path.name
    assert set(re.findall(r"\b(CLUSTERLINK_[A-Z_]+)=", DOCKERFILE)) <= ENVIRONMENT


def test_the_image_is_built_from_what_it_needs_and_runs_as_nobody() -> None:
    """No engine runs here, so this is as far as it goes: what is copied exists and gets through .dockerignore."""
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(stages) == 2
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE) and "HEALTHCHECK" in DOCKERFILE
    copied = [
        word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()
    ]
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied and all((ROOT / each).exists() and each in allowed for each in copied)


def test_the_health_check_of_the_image_runs() -> None:
    """Its line of Python is one, and fails where nobody answers."""
    found = re.search(r'CMD \["python", "-c", "(.*)"\]', DOCKERFILE)
    assert found is not None
    line = found[1].replace("8090", "1")
    done = subprocess.run(
        [sys.executable, "-c", line], capture_output=True, text=True, check=False, timeout=200, env=dict(os.environ)
    )
    assert done.returncode != 0 and "URLError" in done.stderr
