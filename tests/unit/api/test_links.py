"""REST-1..4 and REST-50..57: links over REST."""

from __future__ import annotations

from pipeline.cluster.administration.acls import Acl
from pipeline.link.models import TaskError
from pipeline.link.states import LinkErrorCode, LinkMode, LinkState, MirrorStatus, TaskErrorCode, TaskName, TaskState
from tests.unit.api.calls import BASE, LINKS, error_of
from tests.unit.api.conftest import Client
from tests.unit.api.fake_plane import CLUSTER, SOURCE, FakePlane


async def test_a_link_shows_every_field(client: Client, plane: FakePlane) -> None:
    plane.add_link("link-1", mode=LinkMode.BIDIRECTIONAL)
    plane.add_mirror("link-1", "b", partitions=3)
    plane.add_mirror("link-1", "a", partitions=2, status=MirrorStatus.FAILED)
    plane.add_task("link-1", TaskName.TOPIC_CONFIGS_SYNC, TaskState.ACTIVE)
    missing = TaskError(TaskErrorCode.REMOTE_LINK_NOT_FOUND_ERROR, "Failed to get remote link config")
    plane.add_task("link-1", TaskName.CONSUMER_OFFSET_SYNC, TaskState.IN_ERROR, missing)
    response = await client.get(f"{LINKS}/link-1?include_tasks=true")
    assert response.status == 200
    assert await response.json() == {
        "kind": "KafkaLinkData",
        "metadata": {
            "self": f"http://{response.url.authority}{LINKS}/link-1",
            "resource_name": f"crn:///kafka={CLUSTER}/link=link-1",
        },
        "source_cluster_id": None,
        "destination_cluster_id": None,
        "remote_cluster_id": SOURCE,
        "link_name": "link-1",
        "link_id": "d27ab324-82e8-4806-8487-1c6dcb3377dc",
        "cluster_link_id": "0nqzJILoSAaEhxxtyzN33A",
        "topic_names": ["a", "b"],
        "link_error": "NO_ERROR",
        "link_error_message": "",
        "link_state": "ACTIVE",
        "tasks": [
            {
                "task_name": "ConsumerOffsetSync",
                "state": "IN_ERROR",
                "errors": [
                    {
                        "error_code": "REMOTE_LINK_NOT_FOUND_ERROR",
                        "error_message": "Failed to get remote link config",
                    }
                ],
            },
            {"task_name": "TopicConfigsSync", "state": "ACTIVE", "errors": []},
        ],
        "category_counts": [
            {"state_category": "PAUSED", "count": 0},
            {"state_category": "IN_ERROR", "count": 2},
            {"state_category": "PENDING", "count": 0},
            {"state_category": "ACTIVE", "count": 3},
            {"state_category": "NOT_APPLICABLE", "count": 0},
        ],
    }


async def test_tasks_only_on_request_and_runs_too(client: Client, plane: FakePlane) -> None:
    plane.add_link("east")
    plane.add_task("east", TaskName.ACL_SYNC, TaskState.ACTIVE)
    assert (await (await client.get(f"{LINKS}/east")).json())["tasks"] is None
    (task,) = (await (await client.get(f"{LINKS}/east?include_task_runs=true")).json())["tasks"]
    assert (task["last_run_ms"], task["duration_ms"], task["counts"]) == (1_000, 12, {"groups": 3})


async def test_the_remote_id_stands_where_the_mode_says(client: Client, plane: FakePlane) -> None:
    plane.add_link("d")
    plane.add_link("s", mode=LinkMode.SOURCE)
    names = ("source_cluster_id", "destination_cluster_id", "remote_cluster_id")
    rows = (await (await client.get(LINKS)).json())["data"]
    assert [[row[name] for name in names] for row in rows] == [[SOURCE, None, None], [None, SOURCE, None]]


async def test_a_list_is_sorted_and_whole(client: Client, plane: FakePlane) -> None:
    for name in ("b", "a"):
        plane.add_link(name)
    plane.add_mirror("b", "t")
    response = await client.get(LINKS)
    body = await response.json()
    assert (body["kind"], body["metadata"]["next"]) == ("KafkaLinkDataList", None)
    assert [(row["link_name"], row["topic_names"], row["tasks"]) for row in body["data"]] == [
        ("a", [], None),
        ("b", ["t"], None),
    ]


async def test_state_and_error_of_a_link(client: Client, plane: FakePlane) -> None:
    plane.add_link(
        "east", state=LinkState.UNAVAILABLE, error=LinkErrorCode.AUTHENTICATION_ERROR, error_message="check the key"
    )
    row = await (await client.get(f"{LINKS}/east")).json()
    assert (row["link_state"], row["link_error"], row["link_error_message"]) == (
        "UNAVAILABLE",
        "AUTHENTICATION_ERROR",
        "check the key",
    )


async def test_create_passes_name_body_and_caller_on(client: Client, plane: FakePlane) -> None:
    body = {"source_cluster_id": SOURCE, "configs": [{"name": "bootstrap.servers", "value": "a:9092"}]}
    response = await client.post(f"{LINKS}/?link_name=east", json=body)
    assert (response.status, await response.read()) == (204, b"")
    (command,) = plane.commands
    assert (command.kind, command.link, command.principal, command.validate_only) == (
        "link.create",
        "east",
        "User:ANONYMOUS",
        False,
    )
    assert command.arguments == {**body, "validate_link": True}
    assert plane.link("east") is not None


async def test_create_with_validation_only_or_off(client: Client, plane: FakePlane) -> None:
    response = await client.post(f"{LINKS}?link_name=east&validate_only=true&validate_link=false", json={"configs": []})
    assert response.status == 204
    (command,) = plane.commands
    assert (command.validate_only, command.arguments["validate_link"]) == (True, False)
    assert plane.link("east") is None


async def test_booleans_and_numbers_become_strings(client: Client, plane: FakePlane) -> None:
    """REST-34."""
    configs = [{"name": "acl.sync.enable", "value": True}, {"name": "acl.sync.ms", "value": 5000}]
    assert (await client.post(f"{LINKS}?link_name=east", json={"configs": configs})).status == 204
    assert [pair["value"] for pair in plane.commands[0].arguments["configs"]] == ["true", "5000"]


async def test_create_needs_a_name_that_is_legal(client: Client, plane: FakePlane) -> None:
    assert (await error_of(await client.post(LINKS, json={})))[:2] == (400, 400)
    status, code, message = await error_of(await client.post(f"{LINKS}?link_name=a%2Fb", json={}))
    assert (status, code) == (400, 400)
    assert message.startswith("Invalid Cluster Link Name.")
    assert not plane.commands


async def test_delete(client: Client, plane: FakePlane) -> None:
    plane.add_link("east")
    response = await client.delete(f"{LINKS}/east")
    assert (response.status, await response.read()) == (200, b"")
    assert plane.commands[0].arguments == {"force": False}
    assert (await error_of(await client.delete(f"{LINKS}/east")))[:2] == (404, 404)


async def test_delete_of_a_link_in_use_unless_forced(client: Client, plane: FakePlane) -> None:
    plane.add_link("east")
    plane.add_mirror("east", "t")
    assert (await error_of(await client.delete(f"{LINKS}/east")))[:2] == (403, 40301)
    assert (await client.delete(f"{LINKS}/east?force=true&validate_only=true")).status == 200
    assert plane.link("east") is not None
    assert (await client.delete(f"{LINKS}/east?force=true")).status == 200
    assert plane.link("east") is None


async def test_clusters(client: Client) -> None:
    """REST-21."""
    (row,) = (await (await client.get("/kafka/v3/clusters")).json())["data"]
    assert (row["kind"], row["cluster_id"]) == ("KafkaCluster", CLUSTER)
    assert await (await client.get(BASE)).json() == row
    assert await error_of(await client.get("/kafka/v3/clusters/other")) == (404, 404, "Cluster other cannot be found.")


async def test_acls_that_a_link_created_are_listed(client: Client, plane: FakePlane) -> None:
    """TASK-32."""
    plane.add_link("link-1")
    plane.acls["link-1"] = [Acl("TOPIC", "orders", "PREFIXED", "User:ann", "*", "READ", "ALLOW")]
    response = await client.get(f"{LINKS}/link-1/acls")
    answer = await response.json()
    assert (response.status, answer["kind"]) == (200, "KafkaLinkAclDataList")
    assert answer["metadata"]["self"] == f"http://{response.url.authority}{LINKS}/link-1/acls"
    assert answer["data"] == [
        {
            "kind": "KafkaLinkAclData",
            "resource_type": "TOPIC",
            "resource_name": "orders",
            "pattern_type": "PREFIXED",
            "principal": "User:ann",
            "host": "*",
            "operation": "READ",
            "permission": "ALLOW",
        }
    ]
    assert (await client.get(f"{LINKS}/nobody/acls")).status == 404
