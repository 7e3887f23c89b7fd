"""What a chain lets its worker send, and what it does with the answers (I3). Interleavings are in the model test."""

from __future__ import annotations

import pytest

from pipeline.link.states import MirrorError
from pipeline.mirror.append import MAX_IN_FLIGHT, Chain, ProtocolMisuse, Token
from pipeline.mirror.readings import (
    LAST_COORDINATOR_EPOCH,
    LAST_EPOCH,
    Basis,
    ForeignWrite,
    ProducerState,
    Reading,
)
from pipeline.wire.batch import Stamp

PID = 77


def reading(log_end: int, state: tuple[int, int, int] | None) -> Reading:
    return Reading(PID, None if state is None else ProducerState(*state), log_end, log_end)


def chain(log_end: int, state: tuple[int, int, int] | None) -> Chain:
    return Chain("orders-3", reading(log_end, state))


def owner(log_end: int = 100) -> Chain:
    """A chain whose claim, token 20, was acknowledged at `log_end`."""
    made = chain(log_end, (4, 99, 640))
    write = made.claim(log_end, Token(made.basis, 20))
    made.confirm(write, log_end + 1)
    return made


def test_data_goes_on_where_the_reading_ends() -> None:
    made = chain(100, (4, 41, 640))
    first, second = made.append(100, 10), made.append(110, 5)
    assert (first.stamp, second.stamp) == (Stamp(PID, 4, 42), Stamp(PID, 4, 52))
    assert made.next_offset == 115
    assert made.confirmed_offset == 100
    made.acknowledge(first, 100)
    assert made.confirmed_offset == 110


def test_sequences_begin_again_at_zero() -> None:
    made = chain(2**31 - 3, (0, 2**31 - 4, -1))
    assert made.append(2**31 - 3, 5).stamp.sequence == 2**31 - 3
    assert made.append(2**31 + 2, 1).stamp.sequence == 2


def test_a_reading_at_the_last_sequence_goes_on_at_zero() -> None:
    assert chain(7, (3, 2**31 - 1, 0)).append(7, 1).stamp == Stamp(PID, 3, 0)


def test_after_a_higher_epoch_sequences_begin_at_zero() -> None:
    assert chain(7, (3, -1, 64)).append(7, 1).stamp == Stamp(PID, 3, 0)


def test_at_most_five_appends_are_in_flight() -> None:
    made = chain(0, (0, -1, -1))
    writes = [made.append(offset, 1) for offset in range(MAX_IN_FLIGHT)]
    assert not made.may_append
    with pytest.raises(ProtocolMisuse):
        made.append(MAX_IN_FLIGHT, 1)
    made.acknowledge(writes[0], 0)
    assert made.may_append


def test_an_unknown_producer_id_has_one_append_in_flight_until_it_is_known() -> None:
    made = chain(2**31 + 9, None)
    write = made.append(2**31 + 9, 3)
    assert write.stamp == Stamp(PID, 0, 9)
    assert not made.may_append
    made.acknowledge(write, 2**31 + 9)
    assert made.append(2**31 + 12, 1).stamp == Stamp(PID, 0, 12)
    assert made.may_append


def test_the_first_marker_is_a_claim() -> None:
    made = chain(100, (4, 99, 640))
    assert made.needs_claim
    with pytest.raises(ProtocolMisuse):
        made.run(100, 3)
    write = made.claim(100, Token(Basis(PID, 4, 640), 20))
    assert write.epochs == ((24, 683),)
    assert not made.may_append
    made.confirm(write, 101)
    assert not made.needs_claim
    assert made.append(101, 1).stamp == Stamp(PID, 24, 0)


def test_a_claim_for_an_unknown_id_starts_from_zero() -> None:
    made = chain(5, None)
    assert made.claim(5, Token(Basis(PID, 0, 0), 63)).epochs == ((63, 0),)


def test_an_owner_sends_runs() -> None:
    made = owner()
    run = made.run(101, 3)
    assert run.epochs == ((24, 747), (24, 811), (24, 875))
    made.confirm(run, 104)
    assert made.run(104, 1).epochs == ((24, 939),)


def test_data_of_the_same_epoch_goes_on_across_a_run() -> None:
    made = owner()
    made.acknowledge(made.append(101, 4), 101)
    made.confirm(made.run(105, 2), 107)
    assert made.append(107, 1).stamp == Stamp(PID, 24, 4)


def test_markers_and_data_are_never_in_flight_together() -> None:
    made = owner()
    write = made.append(101, 4)
    assert not made.may_mark
    made.acknowledge(write, 101)
    made.run(105, 1)
    assert not made.may_append
    assert not made.may_mark


def test_another_log_end_after_a_run_is_a_doubt() -> None:
    made = owner()
    made.confirm(made.run(101, 3), 103)
    assert made.doubtful is not None
    with pytest.raises(ProtocolMisuse):
        made.append(103, 1)
    made.read(reading(103, (24, -1, 811)))
    assert made.next_offset == 103
    assert made.needs_claim


@pytest.mark.parametrize("settle", ["doubt", "refused"])
def test_whatever_is_not_acknowledged_stops_the_chain(settle: str) -> None:
    made = chain(0, (0, -1, -1))
    first, second = made.append(0, 1), made.append(1, 1)
    getattr(made, settle)(first, "an answer was lost")
    assert made.doubtful == "an answer was lost"
    assert not made.may_append
    with pytest.raises(ProtocolMisuse, match="settle what is in flight"):
        made.read(reading(0, None))
    made.doubt(second, "so was this one")
    made.read(reading(2, (0, 1, -1)))
    assert made.append(2, 1).stamp == Stamp(PID, 0, 2)


def test_the_first_reason_for_a_doubt_stays() -> None:
    """What was in flight behind it is refused because of it (45), which tells nobody what to mend."""
    made = chain(0, (0, -1, -1))
    first, second = made.append(0, 1), made.append(1, 1)
    made.refused(first, "too few replicas")
    made.refused(second, "out of order")
    assert made.doubtful == "too few replicas"


def test_a_late_acknowledgement_does_not_lift_a_doubt() -> None:
    made = chain(0, (0, -1, -1))
    first, second = made.append(0, 1), made.append(1, 1)
    made.doubt(first, "timeout")
    made.acknowledge(second, 1)
    assert made.doubtful == "timeout"


def test_a_base_offset_that_differs_is_a_foreign_write() -> None:
    """MIRROR-4 b: nothing after it is mirrored, the failure names partition and offset."""
    made = chain(10, (0, 9, -1))
    with pytest.raises(ForeignWrite) as raised:
        made.acknowledge(made.append(10, 5), 11)
    assert raised.value.code is MirrorError.ILLEGAL_STATE
    assert (raised.value.partition, raised.value.offset) == ("orders-3", 10)
    assert "orders-3, offset 10" in raised.value.message


def test_a_log_end_that_our_writes_do_not_explain_is_a_foreign_write() -> None:
    made = chain(10, (0, 9, -1))
    made.doubt(made.append(10, 5), "timeout")
    with pytest.raises(ForeignWrite, match="log ends at 16 where the link's own writes end at 15"):
        made.read(reading(16, (0, 14, -1)))


def test_an_anchor_finds_what_was_written_while_no_worker_ran() -> None:
    before = owner()
    with pytest.raises(ForeignWrite):
        Chain("orders-3", reading(104, (24, 1, 683)), earlier=before.anchor)
    Chain("orders-3", reading(103, (24, 1, 683)), earlier=before.anchor)
    Chain("orders-3", reading(104, (24, 1, 683)), earlier=before.anchor, counted=False)


@pytest.mark.parametrize(("log_end", "state"), [(102, (24, -1, 747)), (101, (24, -1, 683)), (100, (4, 99, 640))])
def test_a_log_that_has_lost_its_end_is_written_again(log_end: int, state: tuple[int, int, int]) -> None:
    """An unclean election at the destination: markers of a run have gone, the claim too, or data with them."""
    made = owner()
    made.confirm(made.run(101, 3), 104)
    made.acknowledge(made.append(104, 2), 104)
    made.doubt(made.append(106, 1), "the connection broke")
    made.read(reading(log_end, state))
    assert (made.next_offset, made.doubtful) == (log_end, None)


def test_a_token_is_for_its_basis_and_for_one_claim() -> None:
    made = chain(100, (4, 99, 640))
    for wrong in (Token(Basis(PID, 4, 704), 20), Token(made.basis, 0), Token(made.basis, 64)):
        with pytest.raises(ProtocolMisuse):
            made.claim(100, wrong)
    token = Token(made.basis, 20)
    made.doubt(made.claim(100, token), "timeout")
    made.read(reading(100, (4, 99, 640)))
    with pytest.raises(ProtocolMisuse):
        made.claim(100, token)
    made.claim(100, Token(made.basis, 21))


def test_a_refused_claim_leaves_its_token_good() -> None:
    made = chain(100, (4, 99, 640))
    token = Token(made.basis, 20)
    made.refused(made.claim(100, token), "too few replicas")
    made.read(reading(100, (4, 99, 640)))
    made.claim(100, token)


@pytest.mark.parametrize("state", [(LAST_EPOCH - 62, 9, 0), (4, 9, LAST_COORDINATOR_EPOCH - 63)])
def test_a_producer_id_is_retired_while_a_claim_still_fits(state: tuple[int, int, int]) -> None:
    made = chain(10, state)
    assert made.basis.must_retire
    write = made.claim(10, Token(made.basis, 1))
    ((epoch, coordinator_epoch),) = write.epochs
    assert epoch == LAST_EPOCH + 1
    assert coordinator_epoch <= 2**31 - 1
    made.confirm(write, 11)
    assert not made.may_append
    assert not made.may_mark
    after = reading(11, (epoch, -1, coordinator_epoch))
    assert after.is_retired
    with pytest.raises(ProtocolMisuse):
        made.read(after)


def test_the_largest_epochs_fit_their_fields() -> None:
    made = chain(10, (LAST_EPOCH, 9, LAST_COORDINATOR_EPOCH))
    write = made.claim(10, Token(made.basis, 63))
    assert write.epochs[0][0] == 2**15 - 1
    made = chain(10, (LAST_EPOCH, 9, LAST_COORDINATOR_EPOCH))
    write = made.claim(10, Token(made.basis, 1))
    assert write.epochs[0][1] <= 2**31 - 1


def test_a_run_ends_where_coordinator_epochs_do() -> None:
    made = chain(10, (4, 9, LAST_COORDINATOR_EPOCH - 300))
    made.confirm(made.claim(10, Token(made.basis, 63)), 11)
    run = made.run(11, 100)
    assert len(run.epochs) == 4
    assert run.epochs[-1][1] <= LAST_COORDINATOR_EPOCH
    made.confirm(run, 15)
    assert made.needs_claim


def test_nothing_is_sent_on_a_reading_that_is_not_replicated() -> None:
    with pytest.raises(ProtocolMisuse):
        Chain("orders-3", Reading(PID, ProducerState(0, 5, 0), 7, 6))


def test_only_the_next_offset_can_be_written_and_a_write_settles_once() -> None:
    made = chain(10, (0, 9, -1))
    for offset in (9, 11):
        with pytest.raises(ProtocolMisuse):
            made.append(offset, 1)
    with pytest.raises(ProtocolMisuse):
        made.append(10, 0)
    write = made.append(10, 1)
    made.acknowledge(write, 10)
    with pytest.raises(ProtocolMisuse):
        made.acknowledge(write, 10)
