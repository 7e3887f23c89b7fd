"""CLI-55: what `mirror verify` compares, with which client properties, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import pipeline.verify
from pipeline.verify import Bounds, Difference, PartitionReport, Progress, Report, Unreachable
from tests.unit.cli.conftest import Cli

Call = tuple[Mapping[str, str], Mapping[str, str], str, str]


class Comparison:
    """Stands for `pipeline.verify.verify`: notes what it was asked and answers as told."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.options: list[dict[str, Any]] = []
        self.difference: Difference | None = None
        self.error: Exception | None = None

    async def __call__(
        self,
        source: Mapping[str, str],
        destination: Mapping[str, str],
        source_topic: str,
        mirror_topic: str,
        *,
        progress: Callable[[Progress], None],
        **options: Any,
    ) -> Report:
        self.calls.append((dict(source), dict(destination), source_topic, mirror_topic))
        self.options.append(options)
        progress(Progress(5, 10, 5, 500, 0.1))
        if self.error:
            raise self.error
        partition = PartitionReport(
            0, Bounds(0, 10, 10), Bounds(0, 10, 10), 0, 10, 10, 1000, difference=self.difference
        )
        return Report(source_topic, mirror_topic, (partition,), False, 1.0, 0.2)


@pytest.fixture
def comparison(monkeypatch: pytest.MonkeyPatch, on: Cli) -> Comparison:
    comparison = Comparison()
    monkeypatch.setattr(pipeline.verify, "verify", comparison)
    on.plane.add_link("east")
    on.plane.add_mirror("east", "e.orders", source_topic="orders")
    return comparison


def test_equal_is_exit_code_0_and_says_what_was_compared(on: Cli, comparison: Comparison) -> None:
    printed = on.ok(
        "mirror", "verify", "e.orders", "--bootstrap-server", "b:9092", "--from", "3", "--to", "9", "--sample", "0.5"
    )
    assert "orders with e.orders" in printed
    assert comparison.calls == [
        ({"bootstrap.servers": "a:9092"}, {"bootstrap.servers": "b:9092"}, "orders", "e.orders")
    ]
    assert comparison.options == [{"from_offset": 3, "to_offset": 9, "sample": 0.5, "committed_only": False}]


def test_a_difference_is_exit_code_1_and_named(on: Cli, comparison: Comparison) -> None:
    comparison.difference = Difference(0, 7, "value", "b'x'", "b'y'")
    result = on.run("mirror", "verify", "e.orders", "--bootstrap-server", "b:9092")
    assert result.exit_code == 1
    assert "partition 0 offset 7: value differs" in result.stdout
    result = on.run("mirror", "verify", "e.orders", "--bootstrap-server", "b:9092", "-o", "json")
    assert (result.exit_code, json.loads(result.stdout)["difference"]["offset"]) == (1, 7)


def test_each_side_has_its_own_client_properties(on: Cli, comparison: Comparison, tmp_path: Path) -> None:
    for side in "ab":
        (tmp_path / f"{side}.properties").write_text(f"bootstrap.servers={side}{side}:1\nsecurity.protocol=SSL\n")
    files = (
        "--command-config",
        str(tmp_path / "b.properties"),
        "--source-command-config",
        str(tmp_path / "a.properties"),
    )
    on.ok("mirror", "verify", "e.orders", *files, "--source-bootstrap-server", "other:1")
    ((source, destination, _, _),) = comparison.calls
    assert source == {"bootstrap.servers": "other:1", "security.protocol": "SSL"}
    assert destination == {"bootstrap.servers": "bb:1", "security.protocol": "SSL"}


def test_what_cannot_be_compared_is_exit_code_1(on: Cli, comparison: Comparison) -> None:
    comparison.error = Unreachable("no broker of b:9092 answered")
    result = on.run("mirror", "verify", "e.orders", "--bootstrap-server", "b:9092")
    assert (result.exit_code, "no broker of b:9092 answered" in result.stderr) == (1, True)


def test_the_clusters_must_be_known(on: Cli, comparison: Comparison) -> None:
    env = {"CLUSTERLINK_BOOTSTRAP_SERVERS": None, "CLUSTERLINK_COMMAND_CONFIG": None}
    assert on.run("mirror", "verify", "e.orders", env=env).exit_code == 2
    on.plane.add_link("east", configs={"bootstrap.servers": "a:9092", "security.protocol": "SASL_SSL"})
    result = on.run("mirror", "verify", "e.orders", "--bootstrap-server", "b:9092")
    assert (result.exit_code, "--source-command-config" in result.stderr) == (2, True)
    assert not comparison.calls
