"""Part 3's figures: at 200 links and 2,000 mirrors a list answers in under 1 s, a describe in under 200 ms."""

from __future__ import annotations

import time

from tests.unit.api.calls import LINKS
from tests.unit.api.conftest import Client
from tests.unit.api.fake_plane import FakePlane


async def _seconds(client: Client, path: str) -> float:
    """Processor time of client and server together, so that other work on the machine does not count."""
    began = time.process_time()
    response = await client.get(path)
    await response.read()
    assert response.status == 200
    return time.process_time() - began


async def test_two_hundred_links_and_two_thousand_mirrors(client: Client, plane: FakePlane) -> None:
    for link in range(200):
        plane.add_link(f"link-{link:03}")
        for topic in range(10):
            plane.add_mirror(f"link-{link:03}", f"topic-{topic}", {0: (1, 2), 1: (2, 2)})
    assert await _seconds(client, LINKS) < 1
    assert await _seconds(client, f"{LINKS}/-/mirrors") < 1
    assert await _seconds(client, f"{LINKS}/link-100") < 0.2
    assert await _seconds(client, f"{LINKS}/link-100/mirrors/topic-5?include_partition_states=true") < 0.2
