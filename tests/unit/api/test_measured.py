"""How long requests take, by the route of the document and not by the path that was asked for (MET-26)."""

from __future__ import annotations

import pytest

from pipeline.metrics.meter import METER
from tests.unit.api.calls import BASE, LINKS
from tests.unit.api.conftest import Client


@pytest.fixture(autouse=True)
def meter() -> None:
    METER.__init__()  # type: ignore[misc]


async def test_requests_are_measured_by_route_and_status(client: Client) -> None:
    for path in (LINKS, f"{LINKS}/nobody", f"{LINKS}/nobody-else", "/kafka/v3/clusters/"):
        await client.get(path)
    await client.get(f"{BASE}/nothing/here")
    found = METER.distributions["clusterlink_rest_request_seconds"]
    counts = {labels: sum(each.counts) for labels, each in found.items()}
    links = "/clusters/{cluster_id}/links"
    assert counts == {
        ("GET", links, "200"): 1,
        ("GET", f"{links}/{{link_name}}", "404"): 2,
        ("GET", "/clusters", "200"): 1,
        ("GET", "(none)", "404"): 1,
    }
