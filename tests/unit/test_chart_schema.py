"""The chart's values and their schema, against each other and against the table of settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from pipeline.setting_table import SETTINGS

CHART = Path(__file__).resolve().parents[2] / "deploy" / "helm" / "clusterlink"
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
STATEFUL_SET = (CHART / "templates" / "statefulset.yaml").read_text(encoding="utf-8")
SET_BY_THE_CHART = {
    "bootstrap_servers",
    "command_config",
    "data_dir",
    "password_encoder_old_secret_file",
    "password_encoder_secret_file",
    "rest_authentication",
    "rest_credentials_file",
    "web_certificate_file",
    "web_client_authority_file",
    "web_key_file",
}
FIXED = {"web_host", "web_port"}
"""Probes, Services and policies ask at port 8090."""


def test_every_setting_can_be_given_but_secrets_and_what_the_chart_sets() -> None:
    """A name given twice would be refused by the API server, a secret would be readable in the StatefulSet."""
    allowed = SCHEMA["properties"]["settings"]["propertyNames"]["enum"]
    assert allowed == [row.field for row in SETTINGS if row.field not in SET_BY_THE_CHART | FIXED and not row.is_secret]
    for field in SET_BY_THE_CHART:
        assert f"CLUSTERLINK_{field.upper()}\n" in STATEFUL_SET, field


def test_the_schema_knows_just_the_values_that_there_are() -> None:
    assert SCHEMA["properties"].keys() == VALUES.keys() | {"global"}
    for name, value in VALUES.items():
        rules = SCHEMA["properties"][name]
        if "properties" in rules:
            assert rules["additionalProperties"] is False
            assert rules["properties"].keys() == value.keys(), name


def test_the_chart_knows_how_many_workers_can_share_the_work() -> None:
    (partitions,) = (row.default for row in SETTINGS if row.field == "partitions")
    assert f".Values.settings.partitions | default {partitions} |" in STATEFUL_SET
