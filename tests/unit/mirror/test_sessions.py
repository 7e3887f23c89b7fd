"""Fetch sessions (KIP-227), first rule by rule, then against a model of the broker that is told things at random."""

from __future__ import annotations

import random
from uuid import UUID

import pytest

from pipeline.mirror.sessions import FULL, LAST_EPOCH, FetchSession, Key, Limits
from pipeline.wire.requests.codec import NO_TOPIC_ID
from pipeline.wire.requests.fetch import FetchRequest

LIMITS = Limits(500, 1, 1 << 20, 1 << 16)
A, B = ("a", 0), ("b", 1)
IDS = {"a": UUID(int=10), "b": UUID(int=11)}


def named(request: FetchRequest) -> dict[Key, int]:
    return {(p.topic, p.partition): p.offset for p in request.partitions}


def opened(*keys: Key) -> FetchSession:
    """A session of id 7 that reads these from offset 0 on."""
    session = FetchSession()
    for key in keys:
        session.want(key, 0, IDS[key[0]])
    session.request(LIMITS)
    session.answered(7)
    return session


def test_the_first_request_names_everything() -> None:
    session = FetchSession()
    session.want(A, 5, IDS["a"])
    session.want(B, 6, IDS["b"])
    request = session.request(LIMITS)
    assert (request.session_id, request.session_epoch) == (0, FULL)
    assert named(request) == {A: 5, B: 6}
    assert request.names == {IDS["a"]: "a", IDS["b"]: "b"}
    assert (request.max_wait_ms, request.min_bytes, request.max_bytes) == (500, 1, 1 << 20)
    assert {p.max_bytes for p in request.partitions} == {1 << 16}


def test_later_requests_name_what_moved() -> None:
    session = opened(A, B)
    session.want(A, 3, IDS["a"])
    request = session.request(LIMITS)
    assert (request.session_id, request.session_epoch, named(request)) == (7, 1, {A: 3})
    session.answered(7)
    request = session.request(LIMITS)
    assert (request.session_epoch, named(request), request.forgotten) == (2, {}, [])


def test_what_is_dropped_is_forgotten_by_the_id_it_was_added_with() -> None:
    session = opened(A, B)
    session.drop(A)
    request = session.request(LIMITS)
    assert [(f.topic, f.partition, f.topic_id) for f in request.forgotten] == [("a", 0, IDS["a"])]
    assert named(request) == {}
    session.answered(7)
    session.want(A, 9, IDS["a"])
    assert named(session.request(LIMITS)) == {A: 9}


def test_dropped_before_it_was_ever_sent_is_no_news() -> None:
    session = opened(A)
    session.want(B, 0, IDS["b"])
    session.drop(B)
    request = session.request(LIMITS)
    assert (named(request), request.forgotten) == ({}, [])


def test_dropped_and_wanted_again_is_named_again() -> None:
    session = opened(A)
    session.drop(A)
    session.want(A, 0, IDS["a"])
    request = session.request(LIMITS)
    assert (named(request), request.forgotten) == ({A: 0}, [])


def test_a_topic_that_was_made_again_takes_the_place_of_the_old_one() -> None:
    """The broker would refuse to read the old id in every answer from now on (100)."""
    session, another = opened(A, B), UUID(int=99)
    session.drop(A)
    session.want(A, 0, another)
    request = session.request(LIMITS)
    assert [(p.topic, p.topic_id) for p in request.partitions] == [("a", another)]
    assert [(f.topic, f.topic_id) for f in request.forgotten] == [("a", IDS["a"])]
    session.answered(7)
    session.drop(A)
    assert [f.topic_id for f in session.request(LIMITS).forgotten] == [another]


def test_a_new_session_after_a_reset_names_everything() -> None:
    session = opened(A, B)
    session.want(A, 3, IDS["a"])
    session.request(LIMITS)
    session.reset()
    request = session.request(LIMITS)
    assert (request.session_id, request.session_epoch, named(request)) == (0, FULL, {A: 3, B: 0})


def test_a_broker_that_keeps_no_session_is_told_everything_each_time() -> None:
    session = opened(A)
    session.request(LIMITS)
    session.answered(0)
    request = session.request(LIMITS)
    assert (request.session_id, request.session_epoch, named(request)) == (0, FULL, {A: 0})


def test_epochs_begin_again_at_one() -> None:
    session = opened(A)
    session._epoch = LAST_EPOCH
    session.answered(7)
    assert session.request(LIMITS).session_epoch == 1


def test_without_topic_ids_topics_are_named() -> None:
    """Sources before 2.8 have none; one request may not mix the two."""
    session = FetchSession()
    session.want(A, 0, IDS["a"])
    session.want(B, 0, None)
    request = session.request(LIMITS)
    assert request.names == {}
    assert {p.topic_id for p in request.partitions} == {NO_TOPIC_ID}
    assert request.versions() == (11, 12)


def test_sent_is_what_the_broker_was_told_not_what_is_wanted_since() -> None:
    session = opened(A)
    session.want(A, 8, IDS["a"])
    assert (session.position(A), session.sent(A)) == (8, 0)
    session.request(LIMITS)
    assert (session.position(A), session.sent(A)) == (8, 8)
    session.drop(A)
    assert (session.position(A), session.sent(A)) == (-1, 8)


def test_idle_means_nothing_is_wanted() -> None:
    session = FetchSession()
    assert session.is_idle
    session.want(A, 0, IDS["a"])
    assert not session.is_idle and session.wants(A) and not session.wants(B)
    session.drop(A)
    session.drop(A)
    assert session.is_idle


class Broker:
    """What KIP-227 makes a broker remember of one session."""

    def __init__(self) -> None:
        self.session_id, self.epoch = 0, 0
        self.reads: dict[tuple[UUID, int], int] = {}

    def fetch(self, request: FetchRequest) -> int | None:
        """Return the session id to answer with, or None for a session error."""
        request.versions()  # raises for ids that are mixed
        if request.session_epoch == FULL:
            self.session_id, self.epoch, self.reads = self.session_id + 1, 0, {}
        elif (request.session_id, request.session_epoch) != (self.session_id, self.epoch):
            return None
        for gone in request.forgotten:
            del self.reads[gone.topic_id, gone.partition]
        self.reads |= {(p.topic_id, p.partition): p.offset for p in request.partitions}
        self.epoch += 1
        return self.session_id


@pytest.mark.parametrize("seed", range(50))
def test_a_broker_always_reads_what_is_wanted(seed: int) -> None:
    """Through lost requests, lost answers, evicted sessions: after every exchange that worked both sides agree."""
    dice, session, broker = random.Random(seed), FetchSession(), Broker()
    wanted: dict[Key, tuple[UUID, int]] = {}
    agreed = 0
    for _ in range(300):
        for _ in range(dice.randint(0, 4)):
            key = (f"t{dice.randint(0, 3)}", dice.randint(0, 2))
            if dice.random() < 0.3:
                wanted.pop(key, None)
                session.drop(key)
            else:
                made = dice.randint(0, 9) == 0  # the topic once more
                wanted[key] = UUID(int=1 + int(key[0][1:]) + 10 * made), dice.randint(0, 5)
                session.want(key, wanted[key][1], wanted[key][0])
        if session.is_idle:
            continue
        request, luck = session.request(LIMITS), dice.random()
        if luck < 0.1:
            session.reset()  # the request was lost
            continue
        if luck < 0.15:
            broker.session_id += 1  # evicted
        answer = broker.fetch(request)
        if answer is None or luck > 0.95:
            session.reset()  # a session error, or a lost answer
            continue
        session.answered(answer)
        assert broker.reads == {(wanted[key][0], key[1]): wanted[key][1] for key in wanted}
        assert all(session.sent(key) == offset for key, (_, offset) in wanted.items())
        agreed += 1
    assert agreed > 100
