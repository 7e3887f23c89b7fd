"""Hold a running server to the OpenAPI document: requests drawn from it, right and wrong ones, by schemathesis."""

from __future__ import annotations

from typing import Any

import schemathesis
import yaml
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pipeline.api.mounting import openapi

DOCUMENT: dict[str, Any] = yaml.safe_load(openapi())
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
TRACES = ("Traceback", 'File "', "aiohttp.")


def hold(case: Any, url: str, known: dict[str, str]) -> None:
    """Send a drawn request and check its answer. `known`: names that exist, put in the place of most of the drawn
    ones, so that not every request ends at an unknown link.
    """
    for name, value in known.items():
        if name in case.path_parameters and (name == "cluster_id" or len(str(case.path_parameters[name])) % 4):
            case.path_parameters[name] = value
    own = DOCUMENT["paths"][case.path].get("servers", DOCUMENT["servers"])
    answer = case.call(base_url=url + own[0]["url"])
    case.validate_response(answer, checks=CHECKS)
    assert not any(trace in answer.text for trace in TRACES), answer.text
    if answer.status_code >= 400:
        assert answer.json().keys() == {"error_code", "message"}, answer.text
