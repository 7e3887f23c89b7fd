"""What libraries say again and again is written once a minute, with how often it was said."""

from __future__ import annotations

import logging

from pipeline.repeating import MOST_TEXTS, QUIET_S, OnceAMinute


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def record(said: str, name: str = "aiokafka.client") -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "", 1, "Unable to %s", (said,), None)


def test_the_same_text_once_a_minute_and_then_how_often() -> None:
    clock = Clock()
    once = OnceAMinute(("aiokafka",), clock)
    assert [once.filter(record("connect")) for _ in range(1_001)] == [True] + [False] * 1_000
    assert once.filter(record("fetch"))
    clock.now = QUIET_S
    again = record("connect")
    assert once.filter(again)
    assert again.getMessage() == "Unable to connect (1,000 times more in the last 60 s)"
    clock.now = 2 * QUIET_S
    alone = record("connect")
    assert once.filter(alone) and alone.getMessage() == "Unable to connect"


def test_other_loggers_are_not_touched() -> None:
    once = OnceAMinute(("aiokafka",), Clock())
    for name in ("pipeline.worker", "aiokafkaish", "clusterlink.audit"):
        assert all(once.filter(record("connect", name)) for _ in range(3))
    assert once.filter(record("connect", "aiokafka")) and not once.filter(record("connect", "aiokafka"))


def test_texts_that_never_repeat_do_not_fill_the_memory() -> None:
    once = OnceAMinute(("aiokafka",), Clock())
    assert all(once.filter(record(f"fetch {number}")) for number in range(5 * MOST_TEXTS))
    assert len(once._seen) <= MOST_TEXTS
