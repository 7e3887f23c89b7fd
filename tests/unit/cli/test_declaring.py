"""`clusterlink apply` and `export` as thin clients of REST."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.unit.api.fake_plane import SOURCE
from tests.unit.cli.conftest import Cli

JAAS = "org.apache.kafka.common.security.plain.PlainLoginModule required username='k' password='s3cret';"
FILE = f"""
links:
  - name: fresh
    source_cluster_id: {SOURCE}
    configs: {{bootstrap.servers: "a:9092", sasl.jaas.config: {{env: FRESH_JAAS}}}}
    mirrors: [{{name: orders, replication_factor: 2}}]
"""


def test_the_difference_is_shown_and_a_dry_run_is_checked_by_the_server(on: Cli, tmp_path: Path) -> None:
    path = tmp_path / "links.yaml"
    path.write_text(FILE)
    printed = on.ok("apply", "-f", str(path), "--dry-run", env={"FRESH_JAAS": JAAS})
    assert printed.splitlines() == [
        "+ create link fresh",
        "    bootstrap.servers = a:9092",
        "    sasl.jaas.config = [secret]",
        "+ create mirror orders of link fresh",
    ]
    assert [c.kind for c in on.plane.commands] == ["link.create"] and on.plane.commands[0].validate_only


def test_what_differs_is_done_in_order(on: Cli, tmp_path: Path) -> None:
    path = tmp_path / "links.yaml"
    path.write_text(FILE)
    printed = on.ok("apply", "-f", str(path), env={"FRESH_JAAS": JAAS})
    assert "s3cret" not in printed
    create, mirror = on.plane.commands
    assert {"name": "sasl.jaas.config", "value": JAAS} in create.arguments["configs"]
    assert mirror.arguments["replication_factor"] == 2


def test_problems_are_shown_together_and_nothing_is_done(on: Cli, tmp_path: Path) -> None:
    path = tmp_path / "links.yaml"
    path.write_text("links:\n  - name: 'a b'\n    colour: red\n")
    result = on.run("apply", "-f", str(path))
    assert result.exit_code == 1 and not on.plane.commands
    assert f"{path}:2: links[0].name" in result.output and f"{path}:3: links[0].colour" in result.output


def test_a_file_from_stdin(on: Cli) -> None:
    assert on.ok("apply", "-f", "-", input="links: []").strip() == "Nothing differs."


def test_what_is_exported_can_be_applied(on: Cli, tmp_path: Path) -> None:
    on.plane.add_link("east", configs={"bootstrap.servers": "a:9092"}, remote_cluster_id=SOURCE)
    on.plane.add_mirror("east", "orders")
    text = on.ok("export")
    (link,) = yaml.safe_load(text)["links"]
    assert link["source_cluster_id"] == SOURCE and link["mirrors"][0]["name"] == "orders"
    path = tmp_path / "links.yaml"
    path.write_text(text)
    assert on.ok("apply", "-f", str(path), "--prune", "--force").strip() == "Nothing differs."
    assert on.run("export", "nothing").exit_code == 1
