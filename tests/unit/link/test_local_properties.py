"""How the dialling side reaches its own cluster for the other (MODE-40, MODE-42, LINK-42)."""

from __future__ import annotations

from pipeline.link.local_properties import listener_addresses, local_properties

WORKER = {"bootstrap.servers": "own:9092", "security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"}


def test_the_workers_own_way_counts_where_the_link_says_nothing() -> None:
    assert local_properties({"bootstrap.servers": "there:9092", "security.protocol": "SSL"}, WORKER) == WORKER


def test_what_the_link_says_counts_as_a_whole() -> None:
    """A link with a security protocol of its own does not log in as the worker."""
    made = local_properties({"local.security.protocol": "PLAINTEXT"}, WORKER)
    assert made == {"bootstrap.servers": "own:9092", "security.protocol": "PLAINTEXT"}


def test_an_address_of_its_own_goes_with_either() -> None:
    address = {"local.bootstrap.servers": "inside:9093"}
    assert local_properties(address, WORKER) == {**WORKER, "bootstrap.servers": "inside:9093"}
    both = local_properties({**address, "local.security.protocol": "SSL"}, WORKER)
    assert both == {"bootstrap.servers": "inside:9093", "security.protocol": "SSL"}


def test_timing_is_the_links() -> None:
    made = local_properties({"request.timeout.ms": "5000", "sasl.jaas.config": "of the other cluster"}, WORKER)
    assert made == {**WORKER, "request.timeout.ms": "5000"}


def test_a_listener_of_the_own_cluster_gives_the_address_where_the_link_gives_none() -> None:
    """LINK-41."""
    told = listener_addresses("INSIDE://a:9093, OUT://[::1]:9094,CONTROLLER://:9095")
    assert told == {"INSIDE": "a:9093", "OUT": "[::1]:9094"}
    assert local_properties({}, WORKER, told["INSIDE"])["bootstrap.servers"] == "a:9093"
    address = {"local.bootstrap.servers": "inside:9093"}
    assert local_properties(address, WORKER, told["INSIDE"])["bootstrap.servers"] == "inside:9093"
