"""`clusterlink apply` and `export` on real clusters: difference first, only what differs, nothing removed unasked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from pipeline.local.cluster import LocalCluster
from tests.acceptance.operating import Operator
from tests.support.asking import Rest
from tests.support.clients import create_topic

pytestmark = pytest.mark.timeout(300)


def test_links_and_mirrors_become_what_a_file_says(
    operator: Operator, rest: Rest, source: LocalCluster, unique: Callable[[str], str], tmp_path: Path
) -> None:
    link, orders, bills = unique("east"), unique("orders"), unique("bills")
    for topic in (orders, bills):
        create_topic(source, topic)
    file = tmp_path / "links.yaml"

    def write(interval: int, *mirrors: dict[str, str]) -> None:
        configs = {"bootstrap.servers": source.bootstrap_servers, "consumer.offset.sync.ms": interval}
        row = {"name": link, "source_cluster_id": source.cluster_id, "configs": configs, "mirrors": list(mirrors)}
        file.write_text(yaml.safe_dump({"links": [row]}))

    def applied(*words: str) -> str:
        return operator.says("apply", "-f", str(file), *words)

    write(5000, {"name": orders}, {"name": bills, "state": "pause"})
    shown = applied("--dry-run")
    assert f"+ create link {link}" in shown and f"~ pause mirror {bills}" in shown
    assert link not in rest.links()

    assert applied() == shown
    rest.wait_for_status(link, orders)
    rest.wait_for_status(link, bills, "PAUSED")
    assert applied().strip() == "Nothing differs."

    write(7000, {"name": orders, "state": "pause"})
    assert "consumer.offset.sync.ms: 5000 -> 7000" in applied("--dry-run")
    applied()
    rest.wait_for_status(link, orders, "PAUSED")
    assert rest.mirror(link, bills)["mirror_status"] == "PAUSED", "what the file no longer names stays"

    exported = tmp_path / "exported.yaml"
    exported.write_text(operator.says("export", link))
    assert operator.says("apply", "-f", str(exported)).strip() == "Nothing differs."

    assert f"failover mirror {bills}" in applied("--dry-run", "--prune")
    applied("--prune", "--force")
    rest.wait_for_status(link, bills, "STOPPED")
    assert rest.mirror(link, orders)["mirror_status"] == "PAUSED"

    write(1, {"name": orders, "state": "gone"})
    refused = operator.is_refused("apply", "-f", str(file))
    assert "below the minimum" in refused and "must be one of active" in refused and "2 problems" in refused
