"""The OpenAPI document says what the server does: same paths, same parameters, same shapes."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from pipeline.api.mounting import openapi
from pipeline.api.operations import COMMANDS
from pipeline.api.routes import ROUTES
from pipeline.link import commands
from pipeline.link.models import TaskError
from pipeline.link.states import (
    LinkState,
    MirrorStatus,
    StateCategory,
    TaskErrorCode,
    TaskName,
    TaskState,
)
from tests.unit.api.calls import LINKS
from tests.unit.api.conftest import Client
from tests.unit.api.fake_plane import FakePlane

METHODS = ("get", "put", "post", "delete", "patch")
DOCUMENT: dict[str, Any] = yaml.safe_load(openapi())
SCHEMAS = DOCUMENT["components"]["schemas"]


def test_every_route_is_in_the_document_and_nothing_else() -> None:
    documented = {
        (method.upper(), path)
        for path, item in DOCUMENT["paths"].items()
        for method in METHODS
        if method in item and "servers" not in item
    }
    assert documented == {(route.method, route.path) for route in ROUTES}


def test_path_parameters_and_operation_ids() -> None:
    seen = set()
    for path, item in DOCUMENT["paths"].items():
        declared = {_resolved(parameter)["name"] for parameter in item.get("parameters", ()) if _in(parameter, "path")}
        assert declared == set(re.findall(r"{(\w+)}", path))
        for method in METHODS:
            if method in item:
                assert item[method]["operationId"] not in seen
                seen.add(item[method]["operationId"])
                assert "default" in item[method]["responses"]


def test_references_lead_somewhere() -> None:
    for reference in re.findall(r"'\$ref': '#/([^']+)'", str(DOCUMENT)):
        place: Any = DOCUMENT
        for part in reference.split("/"):
            place = place[part]


@pytest.mark.parametrize(
    "schema, kind",
    [
        ("CreateLinkRequestData", "link.create"),
        ("AlterConfigBatchRequestData", "link.update"),
        ("CreateMirrorTopicRequestData", "mirror.create"),
        ("AlterMirrorsRequestData", "mirror.promote"),
    ],
)
def test_bodies_have_the_fields_of_the_commands(schema: str, kind: str) -> None:
    fields = {argument.name for argument in commands.KINDS[kind].arguments} - {"validate_link"}
    assert SCHEMAS[schema]["properties"].keys() - {"validate_only"} == fields


@pytest.mark.parametrize(
    "documented, words",
    [
        (SCHEMAS["MirrorStatus"]["enum"], MirrorStatus),
        (SCHEMAS["KafkaLinkData"]["properties"]["link_state"]["enum"], LinkState),
        (SCHEMAS["Task"]["properties"]["task_name"]["enum"], TaskName),
        (SCHEMAS["Task"]["properties"]["state"]["enum"], TaskState),
        (SCHEMAS["CategoryCount"]["properties"]["state_category"]["enum"], StateCategory),
    ],
)
def test_enumerations(documented: list[str], words: type[Any]) -> None:
    assert documented == [str(word) for word in words]


async def test_the_document_is_served(client: Client) -> None:
    response = await client.get("/openapi.yaml")
    assert (response.status, response.content_type) == (200, "application/yaml")
    assert yaml.safe_load(await response.text()) == DOCUMENT


@pytest.mark.parametrize(
    "path, schema",
    [
        ("/kafka/v3/clusters", "KafkaClusterList"),
        (LINKS, "KafkaLinkDataList"),
        (f"{LINKS}/east?include_task_runs=true", "KafkaLinkData"),
        (f"{LINKS}/east", "KafkaLinkData"),
        (f"{LINKS}/east/configs", "KafkaLinkConfigDataList"),
        (f"{LINKS}/east/configs/acl.sync.ms", "KafkaLinkConfigData"),
        (f"{LINKS}/-/mirrors", "KafkaMirrorDataList"),
        (f"{LINKS}/east/mirrors", "KafkaMirrorDataList"),
        (
            f"{LINKS}/east/mirrors/t?include_state_transition_errors=true&include_partition_states=true",
            "KafkaMirrorData",
        ),
        (f"{LINKS}/nope", "Error"),
    ],
)
async def test_answers_have_the_documented_shape(client: Client, plane: FakePlane, path: str, schema: str) -> None:
    _furnish(plane)
    fits(await (await client.get(path)).json(), SCHEMAS[schema], schema)


@pytest.mark.parametrize("verb", COMMANDS)
async def test_operations_have_the_documented_shape(client: Client, plane: FakePlane, verb: str) -> None:
    _furnish(plane)
    response = await client.post(f"{LINKS}/east/mirrors:{verb}", json={"mirror_topic_names": ["t", "nope"]})
    fits(await response.json(), SCHEMAS["AlterMirrorStatusResponseDataList"], verb)


def fits(value: Any, schema: dict[str, Any], where: str) -> None:
    """Check a value against a schema, strictly: fields that are not documented are mistakes."""
    schema = _resolved(schema)
    if value is None:
        assert schema.get("nullable"), f"{where} is null"
        return
    match schema["type"]:
        case "object" if "additionalProperties" in schema:
            for name, item in value.items():
                fits(item, schema["additionalProperties"], f"{where}.{name}")
        case "object":
            assert value.keys() <= schema["properties"].keys(), where
            assert value.keys() >= set(schema.get("required", ())), where
            for name, item in value.items():
                fits(item, schema["properties"][name], f"{where}.{name}")
        case "array":
            assert isinstance(value, list), where
            for item in value:
                fits(item, schema["items"], f"{where}[]")
        case kind:
            assert type(value) is {"string": str, "integer": int, "boolean": bool}[kind], where
            assert value in schema.get("enum", (value,)), where


def _furnish(plane: FakePlane) -> None:
    plane.add_link("east")
    plane.add_mirror(
        "east",
        "t",
        {0: (1, 2), 1: (3, 3)},
        transition_errors=(TaskError(TaskErrorCode.INTERNAL_ERROR, "x"),),
    )
    plane.add_task("east", TaskName.ACL_SYNC, TaskState.IN_ERROR, TaskError(TaskErrorCode.INTERNAL_ERROR, "x"))


def _in(parameter: dict[str, Any], place: str) -> bool:
    return bool(_resolved(parameter)["in"] == place)


def _resolved(item: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in item:
        _, *parts = item["$ref"].split("/")
        item = DOCUMENT
        for part in parts:
            item = item[part]
    return item
