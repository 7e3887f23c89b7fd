"""The server keeps to its document, whatever is sent: drawn requests on a plane in memory, right and wrong ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, settings
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from pipeline.api.authentication import Authentication
from pipeline.api.mounting import mount
from pipeline.console.mounting import mount_console
from pipeline.declared.exporting import link_row
from pipeline.declared.models import CurrentLink, CurrentMirror
from pipeline.declared.schema import schema
from tests.support.openapi import DOCUMENT, SCHEMA, hold
from tests.unit.api.fake_plane import CLUSTER, FakePlane
from tests.unit.cli.conftest import Server

KNOWN = {"cluster_id": CLUSTER, "link_name": "east", "mirror_topic_name": "orders", "config_name": "acl.sync.ms"}


def test_the_document_is_openapi() -> None:
    validate(DOCUMENT)


def test_the_schema_of_files_is_a_schema_and_takes_what_is_exported() -> None:
    Draft202012Validator.check_schema(schema())
    filters = '{"groupFilters":[{"name":"*","patternType":"LITERAL","filterType":"INCLUDE"}]}'
    configs = {"bootstrap.servers": "a:9", "acl.sync.ms": "7000", "consumer.offset.group.filters": filters}
    mirrors = (CurrentMirror("orders", "orders", "PAUSED"),)
    link = CurrentLink("east", {"source_cluster_id": "s"}, configs, frozenset({"sasl.jaas.config"}), {}, mirrors)
    validator = Draft202012Validator(schema())
    validator.validate({"links": [link_row(link)]})
    assert not validator.is_valid({"links": [{"name": "east", "configs": {"acl.sync.mss": 1}}]})


PLANE = FakePlane()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    app = web.Application()
    mount(app, PLANE, Authentication.off())
    mount_console(app, PLANE, Authentication.off())
    server = Server(app)
    yield server.url
    server.stop()


@SCHEMA.parametrize()
@settings(max_examples=15, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_documented(case: Any, url: str) -> None:
    PLANE.add_link("east", configs={"bootstrap.servers": "a:9092"})
    PLANE.add_mirror("east", "orders")
    hold(case, url, KNOWN)
