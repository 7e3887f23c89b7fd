"""A login counts as refused once the refusal has stood for a while: a lost connection has the same code."""

from __future__ import annotations

from confluent_kafka import KafkaError

from pipeline.verify.logins import REFUSED_FOR_S, LoginWatch
from pipeline.verify.reading import RdReader

CUT = KafkaError(KafkaError._AUTHENTICATION, "broker:9092/1: SASL PLAIN mechanism handshake failed: transport failure")


class Watched:
    def __init__(self) -> None:
        self.now = 100.0
        self.watch = LoginWatch(lambda: self.now)


def test_one_lost_connection_is_no_refusal() -> None:
    each = Watched()
    each.watch.note(CUT)
    assert not each.watch.is_refused()
    each.now += REFUSED_FOR_S / 2
    each.watch.answered()
    each.now += REFUSED_FOR_S
    assert not each.watch.is_refused()


def test_a_refusal_that_stands_counts_from_its_first_telling() -> None:
    each = Watched()
    each.watch.note(CUT)
    each.now += REFUSED_FOR_S / 2
    each.watch.note(CUT)
    each.watch.note(KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"))
    each.now += REFUSED_FOR_S / 2
    assert each.watch.is_refused()
    assert each.watch.last_error == CUT.str()


def test_another_error_is_no_refusal() -> None:
    each = Watched()
    each.watch.note(CUT)
    each.watch.note(KafkaError(KafkaError._TRANSPORT, "Connection refused"))
    each.now += REFUSED_FOR_S
    assert not each.watch.is_refused()
    assert each.watch.last_error == "Connection refused"


def test_the_coordinator_of_a_group_that_is_never_joined_does_not_matter() -> None:
    each = Watched()
    each.watch.note(KafkaError(KafkaError._AUTHENTICATION, "GroupCoordinator: SASL PLAIN mechanism handshake failed"))
    each.now += REFUSED_FOR_S
    assert not each.watch.is_refused()
    assert each.watch.last_error == ""


def test_a_reader_that_closes_raises_nothing_of_what_it_is_told_then() -> None:
    reader = RdReader(
        {"bootstrap.servers": "127.0.0.1:1"}, "orders", committed=True, offsets_only=False, stop=lambda: False
    )
    reader._logins.note(CUT)
    reader.close()
