"""promtool reads the rules, and its unit tests of every one of them pass (MET-61)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

from tests.support.packages import need

FOLDER = Path(__file__).resolve().parents[3] / "deploy" / "prometheus"


def promtool(*words: str) -> str:
    need({"promtool": "prometheus"})
    done = subprocess.run(["promtool", *words], cwd=FOLDER, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_rules() -> None:
    assert "SUCCESS" in promtool("check", "rules", "rules.yml")


def test_prometheus_takes_the_configuration() -> None:
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml")


def test_every_rule_does_what_it_says() -> None:
    assert "SUCCESS" in promtool("test", "rules", "rules_test.yml")


def test_no_rule_is_without_a_test() -> None:
    rules = yaml.safe_load((FOLDER / "rules.yml").read_text(encoding="utf-8"))
    tests = yaml.safe_load((FOLDER / "rules_test.yml").read_text(encoding="utf-8"))["tests"]
    fired = {case["alertname"] for t in tests for case in t.get("alert_rule_test", ()) if case.get("exp_alerts")}
    asked = {case["expr"] for t in tests for case in t.get("promql_expr_test", ())}
    names = [(rule.get("alert"), rule.get("record")) for group in rules["groups"] for rule in group["rules"]]
    assert fired == {alert for alert, _ in names if alert}
    assert asked == {record for _, record in names if record}
