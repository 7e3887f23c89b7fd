"""What a real API server refused, or what would go wrong behind it (docs/deployment.md), held in the rendered chart."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.support.helm import environment, only, pod, rendered, template

pytestmark = pytest.mark.timeout(1000)
KAFKA: dict[str, Any] = {"kafka": {"bootstrapServers": "kafka:9092"}}
LONGEST_RELEASE = "a" * 53
"""Helm takes no longer name."""
LONGEST_LABEL = 63
ENDS_WITHIN_S = 10
"""A worker, after SIGTERM."""
REVISION = "-0123456789"
"""What Kubernetes appends to a StatefulSet's name for a label of its Pods."""


@pytest.mark.parametrize("release", ["test", "clusterlink", LONGEST_RELEASE, "a.b", "2nd", "9.clusterlink"])
def test_names_are_those_that_a_service_may_have(release: str, tmp_path: Path) -> None:
    objects = rendered(
        {**KAFKA, "podMonitor": {"enabled": True}, "networkPolicy": {"enabled": True}}, tmp_path, release
    )
    for each in objects:
        name = each["metadata"]["name"]
        longest = LONGEST_LABEL - (len(REVISION) if each["kind"] == "StatefulSet" else 0)
        assert name[0].isalpha() and "." not in name and len(name) <= longest, name


def test_fractions_stay_fractions(tmp_path: Path) -> None:
    """A limit of half a request a second must not become 0, which is none."""
    given = environment(rendered({**KAFKA, "settings": {"rest_rate_limit": 0.5, "partitions": 16}}, tmp_path))
    assert (given["CLUSTERLINK_REST_RATE_LIMIT"], given["CLUSTERLINK_PARTITIONS"]) == ("0.5", "16")


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({**KAFKA, "networkpolicy": {"enabled": True}}, "networkpolicy is not allowed"),
        ({**KAFKA, "settings": {"web_port": 9000}}, "web_port"),
        ({**KAFKA, "settings": {"password_encoder_secret": "in the clear"}}, "password_encoder_secret"),
        ({**KAFKA, "rest": {"authentication": "digest"}}, "rest.authentication"),
        ({**KAFKA, "replicas": 9}, "at most settings.partitions, which is 8"),
        ({**KAFKA, "replicas": 3, "settings": {"partitions": 2}}, "at most settings.partitions, which is 2"),
    ],
)
def test_values_that_no_worker_could_use_are_refused(values: dict[str, Any], why: str, tmp_path: Path) -> None:
    done = template(values, tmp_path)
    assert done.returncode != 0 and why in done.stderr


def test_the_key_of_secrets_can_be_changed(tmp_path: Path) -> None:
    """With both keys in the Secret, and where the settings point to; without the old one neither."""
    old = "CLUSTERLINK_PASSWORD_ENCODER_OLD_SECRET_FILE"
    both = rendered({**KAFKA, "secrets": {"encoderKey": "the-new-key", "oldEncoderKey": "the-old-key"}}, tmp_path)
    assert base64.b64decode(only(both, "Secret")["data"]["old-encoder-key"]) == b"the-old-key"
    (volume,) = (each["secret"] for each in pod(both)["volumes"] if each["name"] == "encoder")
    assert Path(environment(both)[old]).name in {item["path"] for item in volume["items"]}
    after = rendered({**KAFKA, "secrets": {"encoderKey": "the-new-key"}}, tmp_path)
    assert old not in environment(after) and only(after, "Secret")["data"].keys() == {"encoder-key"}


def test_secrets_are_files_of_the_workers_group_only(tmp_path: Path) -> None:
    values = {
        "kafka": {"bootstrapServers": "kafka:9092", "existingSecret": "mine"},
        "secrets": {"existingSecret": "mine"},
        "rest": {"authentication": "basic", "existingSecret": "mine"},
        "tls": {"existingSecret": "tls"},
        "files": {"existingSecret": "trust"},
    }
    volumes = [each["secret"] for each in pod(rendered(values, tmp_path))["volumes"] if "secret" in each]
    assert {each["defaultMode"] for each in volumes} == {0o440} and len(volumes) == 5


def test_a_new_secret_restarts_workers_and_a_new_version_of_the_chart_alone_does_not(tmp_path: Path) -> None:
    def made_of(key: str) -> dict[str, Any]:
        objects = rendered({**KAFKA, "secrets": {"encoderKey": key}}, tmp_path)
        metadata: dict[str, Any] = only(objects, "StatefulSet")["spec"]["template"]["metadata"]
        return metadata

    first = made_of("the-first-key")
    assert made_of("another-key")["annotations"] != first["annotations"] == made_of("the-first-key")["annotations"]
    assert "helm.sh/chart" not in first["labels"]


def test_machines_can_be_emptied_of_workers_that_are_not_ready(tmp_path: Path) -> None:
    assert only(rendered(KAFKA, tmp_path), "PodDisruptionBudget")["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_a_pod_stays_until_nobody_sends_it_requests_and_then_has_time_to_end(tmp_path: Path) -> None:
    spec = pod(rendered(KAFKA, tmp_path))
    program, seconds = spec["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert program == "sleep"
    assert spec["terminationGracePeriodSeconds"] > int(seconds) + ENDS_WITHIN_S
