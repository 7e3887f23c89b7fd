"""Short forms for tests: paths below the cluster, and what an error answer must look like."""

from __future__ import annotations

from typing import Any

from aiohttp import ClientResponse

from tests.unit.api.fake_plane import CLUSTER

BASE = f"/kafka/v3/clusters/{CLUSTER}"
LINKS = f"{BASE}/links"


async def error_of(response: ClientResponse) -> tuple[int, int, str]:
    """(status, error_code, message) of an answer whose body is exactly the one of spec 8.4."""
    assert response.content_type == "application/json", await response.text()
    body: dict[str, Any] = await response.json()
    assert body.keys() == {"error_code", "message"}
    assert isinstance(body["message"], str)
    assert "Traceback" not in body["message"]
    return response.status, body["error_code"], body["message"]
