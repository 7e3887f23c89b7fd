"""The probe on real brokers; what needs none is in tests/unit/cluster."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from contextlib import ExitStack

from pipeline.cluster.probe import probe
from pipeline.cluster.versions import Role
from pipeline.link.states import LinkErrorCode
from pipeline.local.cluster import LocalCluster
from pipeline.local.ports import HOST, PortLease
from tests.support.networks import Cable, Make, Network

ASK = """
import asyncio, sys
from pipeline.cluster.probe import probe
found = asyncio.run(probe({"bootstrap.servers": sys.argv[1]}))
print(found.link_error, found.cluster_id, found.message)
"""


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


async def test_a_cluster_that_gives_addresses_which_lead_nowhere(source: LocalCluster) -> None:
    """STATE-13: the bootstrap address is a way in, but what the brokers advertise is not reached by it."""
    advertised = source.bootstrap_servers
    way_in = PortLease()
    with ExitStack() as held:
        held.callback(way_in.release)
        private = held.enter_context(Network())

        def cable(_: int, inside: Make, here: Make) -> Cable:
            def listens(_: object) -> socket.socket:
                return inside(lambda: socket.create_server((HOST, way_in.port)))

            return Cable(int(advertised.rpartition(":")[2]), listens, here)

        held.callback(private.leads(way_in.port, cable).close)
        asked = [*private.command, sys.executable, "-c", ASK, f"{HOST}:{way_in.port}"]
        said = await asyncio.to_thread(subprocess.run, asked, capture_output=True, text=True, check=True, timeout=120)
    error, cluster_id, message = said.stdout.split(" ", 2)
    assert (error, cluster_id) == ("INVALID_BOOTSTRAP_INTERNAL_ENDPOINT_ERROR", source.cluster_id)
    assert advertised in message
