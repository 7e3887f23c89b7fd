"""The probe on real brokers; what needs none is in tests/unit/cluster."""

from __future__ import annotations

from pipeline.cluster.probe import probe
from pipeline.cluster.versions import Role
from pipeline.link.states import LinkErrorCode
from pipeline.local.cluster import LocalCluster


async def test_a_cluster_that_can_be_both_ends(source: LocalCluster) -> None:
    found = await probe(source.client_properties(), roles=Role.SOURCE | Role.DESTINATION)
    assert found.ok, found.message
    assert found.cluster_id == source.cluster_id
    assert found.message == ""
    assert 18 in found.versions[1]


async def test_a_cluster_with_another_id(source: LocalCluster) -> None:
    found = await probe(source.client_properties(), expected_cluster_id="AAAAAAAAAAAAAAAAAAAAAA")
    assert found.link_error is LinkErrorCode.CLUSTER_ID_MISMATCH_ERROR
    assert source.cluster_id in found.message


async def test_a_wrong_password(secure_source: LocalCluster) -> None:
    good = secure_source.client_properties("link")
    assert (await probe(good)).ok
    wrong = good | {"sasl.jaas.config": good["sasl.jaas.config"].replace("link-secret", "not-it")}
    found = await probe(wrong)
    assert found.link_error is LinkErrorCode.AUTHENTICATION_ERROR
    assert "not-it" not in found.message
