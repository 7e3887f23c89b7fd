"""A real Prometheus for a test: it scrapes workers every second and evaluates the shipped rules.

    with Prometheus(tmp_path, [worker.url]) as prometheus:
        prometheus.wait_for_alert("ClusterlinkLinkUnavailable", link="l")

The shipped rules wait for minutes; `quickened` shortens that, and the limits, and changes nothing else.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import yaml

from pipeline.local.ports import HOST, PortLease
from pipeline.local.process import GUARD
from tests.support.packages import need
from tests.support.workers import wait_until

RULES = Path(__file__).resolve().parents[2] / "deploy" / "prometheus" / "rules.yml"
EVERY_S = 1
QUICKER = (
    (re.compile(r"for: \d+m"), "for: 1s"),
    (re.compile(r"> 300$", re.MULTILINE), "> 3"),
    (re.compile(r"> 1000000$", re.MULTILINE), "> 1000"),
    (re.compile(r"\[5m\]"), "[10s]"),
)


def quickened(rules: str) -> str:
    """The rules with short times and low limits; fails where there is nothing of a kind to shorten any more."""
    for pattern, short in QUICKER:
        rules, count = pattern.subn(short, rules)
        assert count, f"the rules have no {pattern.pattern}"
    return rules


class Prometheus:
    """Debian's Prometheus, as a child process."""

    def __init__(self, folder: Path, workers: Sequence[str]) -> None:
        """`workers` are the URLs that they serve."""
        self._folder = folder / "prometheus"
        self._targets = [urlsplit(url).netloc for url in workers]
        self._process: subprocess.Popen[bytes] | None = None
        self._lease = PortLease()

    def __enter__(self) -> Self:
        need({"prometheus": "prometheus"})
        self._folder.mkdir(parents=True)
        (self._folder / "rules.yml").write_text(quickened(RULES.read_text(encoding="utf-8")), encoding="utf-8")
        config = {
            "global": {"scrape_interval": f"{EVERY_S}s", "evaluation_interval": f"{EVERY_S}s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": "clusterlink", "static_configs": [{"targets": self._targets}]}],
        }
        (self._folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={self._folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    f"--web.listen-address={HOST}:{self._lease.port}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        GUARD.add_process(self._process.pid)
        wait_until(self._is_ready, "Prometheus is ready", 60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            GUARD.drop_process(self._process.pid)
        self._lease.release()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Series of an expression now, each with `metric` (its labels) and `value`."""
        answer = httpx.get(f"{self._url}/api/v1/query", params={"query": expression}, timeout=90)
        assert answer.is_success, answer.text
        return list(answer.json()["data"]["result"])

    def value(self, expression: str) -> float | None:
        """The value of an expression that has one series; None where it has none."""
        found = self.query(expression)
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None

    def firing(self, alert: str, **labels: str) -> bool:
        """Whether an alert fires for these labels."""
        answer = httpx.get(f"{self._url}/api/v1/alerts", timeout=90)
        assert answer.is_success, answer.text
        wanted = {"alertname": alert, **labels}.items()
        return any(
            each["state"] == "firing" and wanted <= each["labels"].items() for each in answer.json()["data"]["alerts"]
        )

    def wait_for_alert(self, alert: str, within_s: float = 120.0, **labels: str) -> None:
        wait_until(lambda: self.firing(alert, **labels), f"{alert} fires for {labels}", within_s, 0.25)

    def wait_for_silence(self, alert: str, within_s: float = 120.0, **labels: str) -> None:
        """Wait until an alert that fired does so no more."""
        wait_until(lambda: not self.firing(alert, **labels), f"{alert} ends for {labels}", within_s, 0.25)

    def scrapes_again(self) -> None:
        """Wait until what is true now has been scraped from every worker that is up."""
        now = time.time() + 0.1
        wait_until(
            lambda: all(float(row["value"][1]) > now for row in self.query("timestamp(up)")),
            "workers were scraped again",
        )

    @property
    def _url(self) -> str:
        return f"http://{HOST}:{self._lease.port}"

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text(errors="replace")[-2000:]
        try:
            return httpx.get(f"{self._url}/-/ready", timeout=2).is_success
        except httpx.TransportError:
            return False
