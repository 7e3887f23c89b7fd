"""The Helm chart, rendered by Helm and held against Kubernetes' own schemas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from pipeline.setting_table import SETTINGS
from tests.support.helm import CHART, KUBERNETES, container, environment, only, pod, rendered, run, template

pytestmark = pytest.mark.timeout(1000)
KAFKA = {"kafka": {"bootstrapServers": "kafka:9092"}}
EVERYTHING: dict[str, Any] = {
    "kafka": {"bootstrapServers": "kafka:9092", "clientProperties": "security.protocol=SSL\nssl.x=y\n"},
    "settings": {"partitions": 8, "fetch_memory_bytes": 134217728, "use_uvloop": False, "metrics_detail": "topic"},
    "secrets": {"encoderKey": "a-long-encoder-key", "oldEncoderKey": "an-older-encoder-key"},
    "files": {"existingSecret": "trust"},
    "rest": {"authentication": "basic", "credentials": "operator:ops:secret\nreader:prometheus:secret\n"},
    "podMonitor": {"enabled": True, "secret": "prometheus-login", "labels": {"release": "prometheus"}},
    "networkPolicy": {
        "enabled": True,
        "from": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
        "egress": [{"ports": [{"port": 9092, "protocol": "TCP"}]}],
    },
    "image": {"pullSecrets": [{"name": "registry"}]},
    "podAnnotations": {"a": "b"},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {}}
    ],
}
OWN_SECRETS = {
    "kafka": {"bootstrapServers": "kafka:9092", "existingSecret": "mine"},
    "secrets": {"existingSecret": "mine", "existingOldKey": True},
    "rest": {"authentication": "bearer", "existingSecret": "mine"},
    "podMonitor": {"enabled": True, "secret": "token"},
    "persistence": {"enabled": False},
    "podDisruptionBudget": {"enabled": False},
}
OVER_TLS: dict[str, Any] = {
    **KAFKA,
    "tls": {"existingSecret": "worker-tls", "clientAuthorityKey": "ca.crt"},
    "rest": {"authentication": "mtls", "credentials": "operator:CN=ops\nreader:CN=prometheus\n"},
    "podMonitor": {"enabled": True, "secret": "prometheus-tls"},
    "networkPolicy": {"enabled": True},
}
ALL = {"as it comes": KAFKA, "everything": EVERYTHING, "own secrets": OWN_SECRETS, "over TLS": OVER_TLS}


def test_helm_finds_nothing_to_complain_about() -> None:
    done = run("lint", str(CHART), "--strict", "--set", "kafka.bootstrapServers=kafka:9092")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ALL)
def test_what_is_rendered_is_valid(name: str, tmp_path: Path) -> None:
    objects = rendered(ALL[name], tmp_path)
    for each in objects:
        if each["kind"] != "PodMonitor":  # of the Prometheus operator, which Kubernetes' schemas do not know
            kubernetes_validate.validate(each, KUBERNETES, strict=True)
    kinds = {each["kind"] for each in objects}
    expected = {
        "as it comes": {"PodDisruptionBudget"},
        "everything": {"PodDisruptionBudget", "PodMonitor", "NetworkPolicy", "Secret"},
        "own secrets": {"PodMonitor"},
        "over TLS": {"PodDisruptionBudget", "PodMonitor", "NetworkPolicy", "Secret"},
    }
    assert kinds == {"Service", "StatefulSet"} | expected[name]


@pytest.mark.parametrize("name", ALL)
def test_selectors_find_the_pods(name: str, tmp_path: Path) -> None:
    objects = rendered(ALL[name], tmp_path)
    labels = only(objects, "StatefulSet")["spec"]["template"]["metadata"]["labels"].items()
    assert only(objects, "StatefulSet")["spec"]["serviceName"] in {each["metadata"]["name"] for each in objects}
    for each in objects:
        spec = each.get("spec", {})
        selector = spec.get("podSelector") or spec.get("selector") or {}
        assert selector.get("matchLabels", selector).items() <= labels, each["kind"]


@pytest.mark.parametrize("name", ALL)
def test_a_worker_gets_settings_that_there_are(name: str, tmp_path: Path) -> None:
    """And what is mounted is what the settings point to."""
    objects = rendered(ALL[name], tmp_path)
    worker = container(objects)
    given = environment(objects)
    known = {row.env: row for row in SETTINGS}
    assert given.keys() <= known.keys()
    for env, value in given.items():
        assert known[env].accepts(known[env].parse(value)), (env, value)
    mounts = [mount["mountPath"] for mount in worker["volumeMounts"]]
    for value in given.values():
        if value.startswith("/"):
            assert any(value.startswith(mount) for mount in mounts), value


def test_numbers_stay_whole(tmp_path: Path) -> None:
    given = environment(rendered(EVERYTHING, tmp_path))
    assert given["CLUSTERLINK_FETCH_MEMORY_BYTES"] == "134217728"
    assert given["CLUSTERLINK_USE_UVLOOP"] == "false"


def test_probes_ask_what_there_is(tmp_path: Path) -> None:
    worker = container(rendered(KAFKA, tmp_path))
    paths = {probe: worker[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    assert {worker[probe]["httpGet"]["port"] for probe in paths} == {worker["ports"][0]["name"]}


def test_secrets_are_in_secrets_only(tmp_path: Path) -> None:
    objects = rendered(EVERYTHING, tmp_path)
    rest = [each for each in objects if each["kind"] != "Secret"]
    assert all(word not in str(rest) for word in ("a-long-encoder-key", "an-older-encoder-key", "ops:secret"))
    assert only(objects, "Secret")["data"].keys() == {
        "client.properties",
        "encoder-key",
        "old-encoder-key",
        "credentials",
    }


def test_a_worker_has_no_rights_that_it_does_not_need(tmp_path: Path) -> None:
    spec = pod(rendered(KAFKA, tmp_path))
    assert spec["securityContext"]["runAsNonRoot"] is True and spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    own = spec["containers"][0]["securityContext"]
    assert own["readOnlyRootFilesystem"] is True and own["capabilities"] == {"drop": ["ALL"]}


def test_the_pod_monitor_scrapes_as_a_reader(tmp_path: Path) -> None:
    endpoint = only(rendered(EVERYTHING, tmp_path), "PodMonitor")["spec"]["podMetricsEndpoints"][0]
    assert endpoint["path"] == "/metrics" and endpoint["basicAuth"]["username"]["name"] == "prometheus-login"
    bearer = only(rendered(OWN_SECRETS, tmp_path), "PodMonitor")["spec"]["podMetricsEndpoints"][0]
    assert bearer["authorization"]["credentials"] == {"name": "token", "key": "token"}


def test_everything_asks_over_tls_where_it_is_served(tmp_path: Path) -> None:
    objects = rendered(OVER_TLS, tmp_path)
    worker = container(objects)
    (port,) = (each["name"] for each in worker["ports"])
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert (worker[probe]["httpGet"]["scheme"], worker[probe]["httpGet"]["port"]) == ("HTTPS", port)
    services = [each["spec"] for each in objects if each["kind"] == "Service"]
    assert {each["ports"][0]["targetPort"] for each in services} == {port}
    assert only(objects, "NetworkPolicy")["spec"]["ingress"][0]["ports"][0]["port"] == port
    endpoint = only(objects, "PodMonitor")["spec"]["podMetricsEndpoints"][0]
    assert (endpoint["scheme"], endpoint["port"]) == ("https", port)
    assert endpoint["tlsConfig"]["serverName"].split(".")[0] in {each["metadata"]["name"] for each in objects}
    assert endpoint["tlsConfig"]["cert"]["secret"] == {"name": "prometheus-tls", "key": "tls.crt"}
    # what is mounted is what the settings name
    (tls,) = (each["secret"] for each in pod(objects)["volumes"] if each["name"] == "tls")
    files = {f"/etc/clusterlink/tls/{item['path']}" for item in tls["items"]}
    given = environment(objects)
    assert {value for name, value in given.items() if name.startswith("CLUSTERLINK_WEB_")} == files
    plain = container(rendered(KAFKA, tmp_path))
    assert plain["readinessProbe"]["httpGet"]["scheme"] == "HTTP"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "kafka.bootstrapServers is required"),
        ({**KAFKA, "rest": {"authentication": "basic"}}, "rest.authentication needs"),
        ({**KAFKA, "rest": OVER_TLS["rest"]}, "mtls needs tls.existingSecret"),
        ({**OVER_TLS, "podMonitor": {"enabled": True}}, "podMonitor.secret is required"),
        (
            {**OWN_SECRETS, "podMonitor": {"enabled": True}},
            "podMonitor.secret is required",
        ),
    ],
)
def test_what_would_not_work_is_refused(values: dict[str, Any], why: str, tmp_path: Path) -> None:
    done = template(values, tmp_path)
    assert done.returncode != 0 and why in done.stderr
