"""The rules of real brokers that the append protocol stands on, on the newest and on the last 3.x version.

Each was measured before it was believed: docs/design.md says what follows from it.
"""

from __future__ import annotations

import pytest

from tests.broker.wire.wire_client import data
from tests.unit.wire.batches import sealed

INVALID_RECORD = 87
OUT_OF_ORDER_SEQUENCE = 45
DUPLICATE_SEQUENCE = 46
OLD_EPOCH = 47
OLD_COORDINATOR_EPOCH = 52


# Data: a batch is appended only if its sequence is the next one.


async def test_the_next_sequence_is_appended_and_a_jump_is_not(wire, topic):
    pid = await wire.new_producer()
    assert (await wire.produce(topic, data(pid, 0, 0, [b"a", b"b"]))).base_offset == 0
    assert (await wire.produce(topic, data(pid, 0, 2))).base_offset == 2
    for sequence in (4, 0, 100):
        assert (await wire.produce(topic, data(pid, 0, sequence))).error_code == OUT_OF_ORDER_SEQUENCE
    assert await wire.end(topic) == 3
    assert await wire.chain(topic, pid) == (0, 2, -1)


async def test_a_repeated_batch_is_answered_with_its_first_offset_and_not_appended(wire, topic):
    pid = await wire.new_producer()
    for sequence in range(5):
        await wire.produce(topic, data(pid, 0, sequence))
    for sequence in range(5):
        again = await wire.produce(topic, data(pid, 0, sequence))
        assert (again.error_code, again.base_offset) == (0, sequence)
    assert await wire.end(topic) == 5


async def test_the_broker_remembers_five_batches(wire, topic):
    """Hence at most five appends in flight: the answer to an older one repeated is not its offset."""
    pid = await wire.new_producer()
    for sequence in range(6):
        await wire.produce(topic, data(pid, 0, sequence))
    assert (await wire.produce(topic, data(pid, 0, 0))).error_code in (OUT_OF_ORDER_SEQUENCE, DUPLICATE_SEQUENCE)
    assert await wire.end(topic) == 6


async def test_a_duplicate_is_known_by_its_sequences_alone(wire, topic):
    """Other records under a sequence range that was appended are answered as a duplicate: sequences must run with
    the offsets, so that equal sequences mean equal records."""
    pid = await wire.new_producer()
    await wire.produce(topic, data(pid, 0, 0, [b"first"]))
    again = await wire.produce(topic, data(pid, 0, 0, [b"other"]))
    assert (again.error_code, again.base_offset) == (0, 0)
    assert [record.value for record in await wire.records(topic)] == [b"first"]


@pytest.mark.parametrize("epoch", [0, 9])
async def test_an_unknown_producer_id_may_begin_anywhere(wire, topic, epoch):
    pid = await wire.new_producer()
    assert (await wire.produce(topic, data(pid, epoch, 12_345))).error_code == 0
    assert (await wire.produce(topic, data(pid, epoch, 0))).error_code == OUT_OF_ORDER_SEQUENCE
    assert await wire.chain(topic, pid) == (epoch, 12_345, -1)


async def test_an_older_epoch_is_refused_and_a_new_one_begins_at_zero(wire, topic):
    pid = await wire.new_producer()
    await wire.produce(topic, data(pid, 3, 7))
    assert (await wire.produce(topic, data(pid, 2, 8))).error_code == OLD_EPOCH
    assert (await wire.produce(topic, data(pid, 4, 8))).error_code == OUT_OF_ORDER_SEQUENCE
    assert (await wire.produce(topic, data(pid, 4, 0))).error_code == 0
    assert await wire.chain(topic, pid) == (4, 0, -1)


async def test_sequences_wrap_to_zero(wire, topic):
    pid = await wire.new_producer()
    assert (await wire.produce(topic, data(pid, 0, 2**31 - 2, [b"a", b"b", b"c"]))).error_code == 0
    assert await wire.chain(topic, pid) == (0, 0, -1)
    assert (await wire.produce(topic, data(pid, 0, 1))).base_offset == 3


async def test_after_a_refused_append_the_later_ones_are_refused_too(wire, topic):
    """At most five in flight, and when one fails all later ones fail: nothing is appended behind a hole."""
    pid = await wire.new_producer()
    await wire.produce(topic, data(pid, 0, 0))
    codes = [(await wire.produce(topic, data(pid, 0, sequence))).error_code for sequence in (2, 3, 4)]
    assert codes == [OUT_OF_ORDER_SEQUENCE] * 3
    assert await wire.end(topic) == 1


async def test_a_batch_has_a_record_for_every_offset(wire, topic):
    """A compacted batch cannot pass through, nor can a batch jump."""
    pid = await wire.new_producer()
    gap = bytearray(data(pid, 0, 0, [b"a", b"b"]))
    gap[23:27] = (2).to_bytes(4, "big")
    assert (await wire.produce(topic, sealed(gap))).error_code == INVALID_RECORD
    two = data(pid, 0, 0) + data(pid, 0, 1)
    assert (await wire.produce(topic, two)).error_code == INVALID_RECORD
    assert await wire.end(topic) == 0


# Markers: one offset each, compared by epoch and coordinator epoch.


async def test_a_marker_needs_no_transaction_and_no_known_producer(wire, topic):
    pid = await wire.new_producer()
    for _ in range(3):
        assert await wire.mark(topic, (pid, 0, 0)) == [0]
    assert await wire.end(topic) == 3
    assert await wire.records(topic) == []
    assert await wire.chain(topic, pid) == (0, -1, 0)
    assert all(header.is_control and header.size == 78 for header in await wire.headers(topic))


async def test_data_goes_on_behind_markers_of_its_epoch(wire, topic):
    pid = await wire.new_producer()
    await wire.produce(topic, data(pid, 0, 41))
    assert await wire.mark(topic, (pid, 0, 64), (pid, 0, 128)) == [0]
    assert await wire.chain(topic, pid) == (0, 41, 128)
    assert (await wire.produce(topic, data(pid, 0, 42))).base_offset == 3


async def test_data_begins_at_zero_behind_a_marker_of_a_higher_epoch(wire, topic):
    pid = await wire.new_producer()
    await wire.produce(topic, data(pid, 0, 41))
    assert await wire.mark(topic, (pid, 5, 0)) == [0]
    assert await wire.chain(topic, pid) == (5, -1, 0)
    assert (await wire.produce(topic, data(pid, 0, 42))).error_code == OLD_EPOCH
    assert (await wire.produce(topic, data(pid, 5, 42))).error_code == OUT_OF_ORDER_SEQUENCE
    assert (await wire.produce(topic, data(pid, 5, 0))).base_offset == 2


async def test_data_may_begin_anywhere_behind_a_marker_only_where_the_epoch_is_unknown(wire, topic):
    """The first marker of an unknown producer id makes it known: data of its epoch then begins at 0."""
    pid = await wire.new_producer()
    assert await wire.mark(topic, (pid, 7, 56)) == [0]
    assert (await wire.produce(topic, data(pid, 7, 1))).error_code == OUT_OF_ORDER_SEQUENCE
    assert (await wire.produce(topic, data(pid, 7, 0))).base_offset == 1


async def test_coordinator_epochs_may_repeat_or_rise_but_not_fall(wire, topic):
    pid = await wire.new_producer()
    assert await wire.mark(topic, (pid, 1, 64)) == [0]
    assert await wire.mark(topic, (pid, 1, 64)) == [0]
    assert await wire.mark(topic, (pid, 1, 63)) == [OLD_COORDINATOR_EPOCH]
    assert await wire.mark(topic, (pid, 9, 63)) == [OLD_COORDINATOR_EPOCH]
    assert await wire.mark(topic, (pid, 1, 2**31 - 1)) == [0]
    assert await wire.end(topic) == 3
    assert await wire.chain(topic, pid) == (1, -1, 2**31 - 1)


async def test_a_marker_of_a_lower_epoch_is_refused_whatever_its_coordinator_epoch(wire, topic):
    pid = await wire.new_producer()
    assert await wire.mark(topic, (pid, 2, 64)) == [0]
    for coordinator_epoch in (64, 128):
        assert await wire.mark(topic, (pid, 1, coordinator_epoch)) == [OLD_EPOCH]
    assert await wire.end(topic) == 1


@pytest.mark.parametrize(("first", "second"), [(10, 50), (50, 10)])
async def test_of_two_claims_only_the_first_to_land_passes(wire, topic, first, second):
    """Claims from the same reading (epoch e, coordinator epoch c): epoch e + a, coordinator epoch c + 63 - a."""
    pid = await wire.new_producer()
    assert await wire.mark(topic, (pid, 4, 640)) == [0]
    assert await wire.mark(topic, (pid, 4 + first, 640 + 63 - first)) == [0]
    assert await wire.mark(topic, (pid, 4 + second, 640 + 63 - second)) != [0]
    assert await wire.end(topic) == 2


async def test_a_claim_from_an_old_reading_meets_the_older_owners_markers(wire, topic):
    """A marker of the older run raised the coordinator epoch by 64, above any claim from before it."""
    pid = await wire.new_producer()
    assert await wire.mark(topic, (pid, 4, 640)) == [0]
    assert await wire.mark(topic, (pid, 4, 704)) == [0]
    for a in (1, 63):
        assert await wire.mark(topic, (pid, 4 + a, 640 + 63 - a)) == [OLD_COORDINATOR_EPOCH]


async def test_refusals_inside_a_run_hide_behind_the_last_code(wire, topic):
    """Hence the log end is compared after each run."""
    pid = await wire.new_producer()
    assert await wire.mark(topic, (pid, 0, 64), (pid, 0, 10), (pid, 0, 128)) == [0]
    assert await wire.end(topic) == 2


async def test_ten_thousand_markers_in_one_request(wire, topic):
    pid = await wire.new_producer()
    run = [(pid, 0, 64 * n) for n in range(1, 10_001)]
    assert await wire.mark(topic, *run) == [0]
    assert await wire.end(topic) == 10_000
    assert await wire.chain(topic, pid) == (0, -1, 640_000)


async def test_the_highest_epoch_takes_markers_and_data(wire, topic):
    pid = await wire.new_producer()
    assert await wire.mark(topic, (pid, 32_767, 0)) == [0]
    assert (await wire.produce(topic, data(pid, 32_767, 0))).error_code == 0
