"""REST-5..9, REST-58, CONF-7, CONF-8: properties of a link over REST."""

from __future__ import annotations

import pytest

from tests.unit.api.calls import BASE, LINKS, error_of
from tests.unit.api.conftest import Client
from tests.unit.api.fake_plane import CLUSTER, FakePlane

CONFIGS = f"{LINKS}/link-1/configs"


@pytest.fixture(autouse=True)
def link(plane: FakePlane) -> None:
    plane.add_link(
        "link-1", configs={"bootstrap.servers": "a:9092", "sasl.jaas.config": "{secret}", "acl.sync.ms": "7000"}
    )


async def test_list_shows_defaults_and_hides_secrets(client: Client) -> None:
    response = await client.get(CONFIGS)
    body = await response.json()
    assert body["kind"] == "KafkaLinkConfigDataList"
    rows = {row["name"]: row for row in body["data"]}
    assert rows["consumer.offset.sync.ms"] == {
        "kind": "KafkaLinkConfigData",
        "metadata": {
            "self": f"http://{response.url.authority}{CONFIGS}/consumer.offset.sync.ms",
            "resource_name": f"crn:///kafka={CLUSTER}/link=link-1/config=consumer.offset.sync.ms",
        },
        "cluster_id": CLUSTER,
        "name": "consumer.offset.sync.ms",
        "value": "30000",
        "is_default": True,
        "is_read_only": False,
        "is_sensitive": False,
        "source": "DEFAULT_CONFIG",
        "synonyms": [],
        "link_name": "link-1",
    }
    assert (rows["sasl.jaas.config"]["value"], rows["sasl.jaas.config"]["is_sensitive"]) == (None, True)
    assert rows["acl.sync.ms"]["source"] == "DYNAMIC_CLUSTER_LINK_CONFIG"
    assert "{secret}" not in await response.text()


async def test_one_config(client: Client) -> None:
    assert (await (await client.get(f"{CONFIGS}/acl.sync.ms")).json())["value"] == "7000"
    status, code, message = await error_of(await client.get(f"{CONFIGS}/acl.sync"))
    assert (status, code) == (400, 400)
    assert message.startswith("Invalid Config Name.")


async def test_the_path_of_an_old_guide_gives_a_hint(client: Client) -> None:
    """CONF-8."""
    status, code, message = await error_of(await client.get(f"{LINKS}/link-1/acl.sync.ms"))
    assert (status, code) == (404, 404)
    assert "/configs/acl.sync.ms" in message


@pytest.mark.parametrize("partition", ["-", "0"])
async def test_the_status_of_replicas_is_told_elsewhere(client: Client, partition: str) -> None:
    """REST-22."""
    path = f"{BASE}/topics/orders/partitions/{partition}/replica-status"
    status, code, message = await error_of(await client.get(path))
    assert (status, code) == (404, 404)
    assert "kafka-topics.sh --describe" in message


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("field", ["data", "configs"])
async def test_alter_several(client: Client, plane: FakePlane, method: str, field: str) -> None:
    """REST-7, CONF-7."""
    changes = [{"name": "consumer.offset.sync.ms", "value": 10000}, {"name": "acl.sync.ms", "operation": "DELETE"}]
    response = await client.request(method, f"{CONFIGS}:alter", json={field: changes})
    assert (response.status, await response.read()) == (204, b"")
    (command,) = plane.commands
    assert command.arguments == {
        "data": [
            {"name": "consumer.offset.sync.ms", "value": "10000", "operation": "SET"},
            {"name": "acl.sync.ms", "value": None, "operation": "DELETE"},
        ]
    }


@pytest.mark.parametrize("query, body", [("?validate_only=true", {}), ("", {"validate_only": True})])
async def test_alter_can_only_validate(client: Client, plane: FakePlane, query: str, body: dict[str, bool]) -> None:
    """REST-36."""
    changes = {"data": [{"name": "acl.sync.ms", "value": "1000"}], **body}
    assert (await client.put(f"{CONFIGS}:alter{query}", json=changes)).status == 204
    assert plane.commands[0].validate_only


@pytest.mark.parametrize(
    "body",
    [{}, {"data": 1}, {"data": [{"value": "x"}]}, {"data": [{"name": "a", "operation": "BURN"}]}, {"data": [3]}],
)
async def test_a_bad_alter_names_the_field(client: Client, plane: FakePlane, body: dict[str, object]) -> None:
    status, code, message = await error_of(await client.put(f"{CONFIGS}:alter", json=body))
    assert (status, code) == (400, 400)
    assert "data" in message
    assert not plane.commands


async def test_set_and_reset_one(client: Client, plane: FakePlane) -> None:
    """REST-8, REST-9."""
    assert (await client.put(f"{CONFIGS}/acl.sync.ms", json={"value": "9000"})).status == 204
    assert (await (await client.get(f"{CONFIGS}/acl.sync.ms")).json())["value"] == "9000"
    assert (await client.delete(f"{CONFIGS}/acl.sync.ms")).status == 204
    row = await (await client.get(f"{CONFIGS}/acl.sync.ms")).json()
    assert (row["value"], row["is_default"]) == ("5000", True)


@pytest.mark.parametrize("body", [{}, {"value": "1", "operation": "DELETE"}, {"name": "x", "value": "1"}])
async def test_setting_one_takes_only_a_value(client: Client, plane: FakePlane, body: dict[str, object]) -> None:
    assert (await error_of(await client.put(f"{CONFIGS}/acl.sync.ms", json=body)))[:2] == (400, 400)
    assert not plane.commands


async def test_warnings_travel_in_headers(client: Client, plane: FakePlane) -> None:
    """FILT-47, FILT-48: accepted, with a warning."""
    plane.script["link.update"] = lambda command: {"warnings": ['set "acl.filters"\r\nX-Evil: 1', "café"]}
    response = await client.put(f"{CONFIGS}/acl.sync.enable", json={"value": "true"})
    assert response.status == 204
    assert response.headers.getall("Warning") == [
        '299 clusterlink "set \\"acl.filters\\" X-Evil: 1"',
        '299 clusterlink "caf\\\\xe9"',
    ]
    assert "X-Evil" not in response.headers
