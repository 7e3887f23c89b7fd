"""A cluster that nobody answers for: one error that says so, and no log of every attempt."""

from __future__ import annotations

import socket
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

import pipeline.verify.sides
from pipeline.verify import Unreachable
from pipeline.verify.report import Bounds
from pipeline.verify.sides import NOT_YET, RdSide


def test_nobody_there_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pipeline.verify.sides, "TIMEOUT_S", 1.0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: every connection is refused
        side = RdSide("mirror", {"bootstrap.servers": f"127.0.0.1:{taken.getsockname()[1]}"}, "orders")
        with pytest.raises(Unreachable, match=r"mirror: no answer of .* in 1 s: .*Connection refused"):
            side.partitions()
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("code", sorted(NOT_YET))
def test_a_broker_that_is_not_ready_yet_is_asked_again(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """It has just come back, or a leader has moved: no reason to give a verification up."""
    monkeypatch.setattr(pipeline.verify.sides, "AGAIN_S", 0.0)
    side, asked = RdSide("source", {"bootstrap.servers": "127.0.0.1:1"}, "orders"), []

    def list_offsets(places: dict[TopicPartition, object], **_: object) -> dict[TopicPartition, Future[Any]]:
        asked.append(places)
        answers = {place: Future[Any]() for place in places}
        for place, answer in answers.items():
            if len(asked) < 3:
                answer.set_exception(KafkaException(KafkaError(code)))
            else:
                answer.set_result(SimpleNamespace(offset=7 + place.partition))
        return answers

    monkeypatch.setattr(side, "_admin", SimpleNamespace(list_offsets=list_offsets))
    assert side.bounds([0, 1]) == {0: Bounds(7, 7, 7), 1: Bounds(8, 8, 8)}
    assert len(asked) == 5  # twice more for the first question of three


def test_what_will_not_change_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    side = RdSide("source", {"bootstrap.servers": "127.0.0.1:1"}, "orders")

    def list_offsets(places: dict[TopicPartition, object], **_: object) -> dict[TopicPartition, Future[Any]]:
        answer = Future[Any]()
        answer.set_exception(KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)))
        return dict.fromkeys(places, answer)

    monkeypatch.setattr(side, "_admin", SimpleNamespace(list_offsets=list_offsets))
    with pytest.raises(Unreachable, match="offsets of orders"):
        side.bounds([0])
