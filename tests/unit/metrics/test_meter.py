"""What is counted where it happens, and what is forgotten."""

from __future__ import annotations

import pytest

from pipeline.metrics.meter import Meter

LINKS = {"kept"}


def forget(meter: Meter) -> None:
    meter.keep_only(LINKS.__contains__, lambda link, topic: (link, topic) == ("kept", "orders"))


def test_counters_grow_and_gauges_are_set() -> None:
    meter = Meter()
    meter.add("clusterlink_probe_failures_total", "l")
    meter.add("clusterlink_probe_failures_total", "l", by=2)
    meter.set("clusterlink_task_duration_seconds", 1.5, "l", "AclSync")
    meter.set("clusterlink_task_duration_seconds", 0.5, "l", "AclSync")
    assert meter.numbers["clusterlink_probe_failures_total"] == {("l",): 3}
    assert meter.numbers["clusterlink_task_duration_seconds"] == {("l", "AclSync"): 0.5}


def test_a_metric_that_is_not_in_the_table_cannot_be_counted() -> None:
    with pytest.raises(KeyError):
        Meter().add("clusterlink_invented_total")


def test_all_series_of_a_link_are_replaced_at_once() -> None:
    meter = Meter()
    meter.replace("clusterlink_consumer_offset_lag_records", "l", {"a": 1, "b": 2})
    meter.replace("clusterlink_consumer_offset_lag_records", "other", {"a": 9})
    meter.replace("clusterlink_consumer_offset_lag_records", "l", {"b": 3})
    assert meter.numbers["clusterlink_consumer_offset_lag_records"] == {("l", "b"): 3, ("other", "a"): 9}


def test_values_fall_into_the_bucket_whose_bound_they_do_not_exceed() -> None:
    meter = Meter()
    for value in (0.005, 0.006, 1000.0):
        meter.observe("clusterlink_command_seconds", value, "link.create", "ok")
    found = meter.distributions["clusterlink_command_seconds"]["link.create", "ok"]
    assert (found.counts[0], found.counts[1], found.counts[-1]) == (1, 1, 1)
    assert found.total == pytest.approx(1000.011)


def test_series_go_with_their_link_or_mirror() -> None:
    meter = Meter()
    for link in ("kept", "gone"):
        meter.add("clusterlink_probe_failures_total", link)
        meter.observe("clusterlink_fetch_throttle_seconds", 1, link)
        for topic in ("orders", "deleted"):
            meter.add("clusterlink_mirror_bytes_total", link, topic, by=10)
    meter.add("clusterlink_commands_total", "link.delete", "ok")
    forget(meter)
    assert list(meter.numbers["clusterlink_probe_failures_total"]) == [("kept",)]
    assert list(meter.numbers["clusterlink_mirror_bytes_total"]) == [("kept", "orders")]
    assert list(meter.distributions["clusterlink_fetch_throttle_seconds"]) == [("kept",)]
    assert list(meter.numbers["clusterlink_commands_total"]) == [("link.delete", "ok")]


def test_traffic_stays_while_a_connection_is_open() -> None:
    meter = Meter()
    traffic = meter.traffic("gone", "source")
    assert meter.traffic("gone", "source") is traffic
    own = meter.traffic("", "destination")
    traffic.connected()
    forget(meter)
    assert ("gone", "source") in meter.networks
    traffic.disconnected()
    forget(meter)
    assert list(meter.networks.values()) == [own]


def test_traffic_is_given_under_the_names_of_the_table() -> None:
    meter = Meter()
    traffic = meter.traffic("l", "source")
    traffic.connected()
    traffic.connected()
    traffic.disconnected()
    traffic.logged_in(0.01)
    traffic.sent("Fetch", 100)
    traffic.sent("Fetch", 5000)
    traffic.received(7)
    numbers, place = meter.all_numbers(), ("l", "source")
    assert numbers["clusterlink_connections"][place] == 1
    assert numbers["clusterlink_connections_closed_total"][place] == 1
    assert numbers["clusterlink_network_sent_bytes_total"][place] == 5100
    assert numbers["clusterlink_network_received_bytes_total"][place] == 7
    assert numbers["clusterlink_requests_total"][*place, "Fetch"] == 2
    assert numbers["clusterlink_authentications_total"][*place, "success"] == 1
    shapes = meter.all_distributions()
    assert sum(shapes["clusterlink_request_size_bytes"][place].counts) == 2
    assert shapes["clusterlink_reauthentication_seconds"][place].total == pytest.approx(0.01)
