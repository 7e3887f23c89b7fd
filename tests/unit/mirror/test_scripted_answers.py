"""Every error code of every API that writes or reads a mirror's log, answered once by a broker made of scripts: whether
the work goes on and ends exactly once, or the mirror fails with the code of the table (I4).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import ClusterError
from pipeline.cluster.security import ClientSecurity
from pipeline.link.errors import MirrorFailure
from pipeline.link.states import MirrorError
from pipeline.mirror import settling
from pipeline.mirror.append import Doubt
from pipeline.mirror.appending import Appender
from pipeline.mirror.destination import Destination
from pipeline.mirror.pieces import Piece, PieceStatus
from pipeline.mirror.repairing import Repair
from pipeline.mirror.verdicts import Api, Verdict, judge
from tests.support.appenders import SharedRegistrar, put
from tests.unit.mirror.scripted import CODES, UNKNOWN_CODE, ScriptedLeader

RECORDS = 3
NOT_ENOUGH_REPLICAS = 19
WRITING = (Api.PRODUCE, Api.WRITE_TXN_MARKERS, Api.LIST_OFFSETS, Api.DESCRIBE_PRODUCERS)


@pytest.fixture
async def leader() -> AsyncIterator[ScriptedLeader]:
    async with ScriptedLeader() as scripted:
        yield scripted


@pytest.fixture
async def writer(leader: ScriptedLeader, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Appender]:
    async def repaired(self: Destination, topic: str, needed: Repair) -> None:
        """Its own tests: test_repairing."""

    monkeypatch.setattr(Destination, "repair", repaired)
    client = DataClient(ClientSecurity((leader.address,), retry_backoff_ms=1, reconnect_backoff_ms=1))
    await client.start()
    destination = Destination(client, 1 << 20, _may_mark, "tests")
    piece = Piece("link", "m", "m", 0, "", "", 0)
    yield Appender(piece, destination, SharedRegistrar(), PieceStatus(piece, "worker"))
    await destination.close()
    await client.close()


async def _may_mark() -> bool:
    return True


async def write_all(writer: Appender, *, marks: bool) -> None:
    """As a copier does: begin again after every doubt; raises what the mirror fails with."""
    async with asyncio.timeout(20):
        while True:
            try:
                at = await writer.resume()
                while at < RECORDS:
                    if marks:
                        await writer.markers(at, at)
                    else:
                        await put(writer, at)
                    at += 1
                await writer.settled()
                return
            except (Doubt, ClusterError):
                await asyncio.sleep(0.001)


@pytest.mark.parametrize("api", WRITING)
async def test_each_code_once(leader: ScriptedLeader, writer: Appender, api: Api) -> None:
    """Codes that pass, one after the other, on one mirror: what is there in the end is there exactly once."""
    passing = [code for code in CODES if judge(api, code, remote=False).failure is None and code]
    passing = [code for code in passing if judge(api, code, remote=False).verdict is not Verdict.SPLIT]
    assert passing
    leader.first[api.value] = passing
    await write_all(writer, marks=api is Api.WRITE_TXN_MARKERS)
    assert leader.log_end == RECORDS
    assert leader.first[api.value] == []


@pytest.mark.parametrize(
    ("api", "code"), [(api, code) for api in WRITING for code in CODES if judge(api, code).failure]
)
async def test_no_other_code_passes(leader: ScriptedLeader, writer: Appender, api: Api, code: int) -> None:
    """Those of the table that fail a mirror, and every one that nobody knows: it is taken once, and nothing written."""
    leader.first[api.value] = [code]
    meant = judge(api, code)
    with pytest.raises(MirrorFailure, match=re.escape(meant.reason)) as raised:
        await write_all(writer, marks=api is not Api.PRODUCE)
    assert raised.value.code is meant.error
    assert leader.first[api.value] == []
    assert leader.log_end == 0


def test_codes_that_nobody_knows_are_among_them() -> None:
    assert all(judge(api, UNKNOWN_CODE).error is MirrorError.UNKNOWN for api in WRITING)


async def test_the_first_append_after_a_rest_goes_alone(
    leader: ScriptedLeader, writer: Appender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A leader that has forgotten the producer id meanwhile takes any sequence, as this one of scripts always does: a
    second append would stand in the place of the one before it, which was refused (I1).
    """
    await writer.resume()
    await put(writer, 0)
    await writer.settled()
    later = settling.seconds_awake() + 2 * settling.REST_S
    monkeypatch.setattr(settling, "seconds_awake", lambda: later)
    leader.first[Api.PRODUCE.value] = [NOT_ENOUGH_REPLICAS]
    with pytest.raises(Doubt, match="in-sync replicas"):
        for offset in (1, 2, 3):
            await put(writer, offset)
        await writer.settled()
    assert leader.values == {0: b"0"}
    await write_all(writer, marks=False)
    assert leader.values == {offset: b"%d" % offset for offset in range(RECORDS)}


@pytest.mark.parametrize("code", [code for code in CODES if code])
async def test_deleting_records(leader: ScriptedLeader, writer: Appender, code: int) -> None:
    leader.first[Api.DELETE_RECORDS.value] = [code]
    fails = judge(Api.DELETE_RECORDS, code).failure is not None
    with pytest.raises(MirrorFailure if fails else ClusterError):
        await writer.delete_below(1)
    await writer.delete_below(1)
