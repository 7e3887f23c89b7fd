"""The fence at a mirror's end on real brokers, by both ways in which markers are written (MIRROR-67, MIRROR-68)."""

from __future__ import annotations

import pytest

from pipeline.cluster.admin import Admin
from pipeline.cluster.errors import ClusterError
from pipeline.cluster.security import client_arguments
from pipeline.lifecycle.fence_asking import Place
from pipeline.lifecycle.fencing import fence
from pipeline.local.cluster import LocalCluster
from pipeline.mirror.append import Doubt
from pipeline.mirror.claims import Closed
from tests.support.appenders import appender, destination_of, put, resumed
from tests.support.clients import create_topic, log_ends
from tests.support.consuming import COMMITTED, UNCOMMITTED, consume
from tests.support.producing import numbered, produce
from tests.unit.lifecycle.leaders import Topics
from tests.unit.lifecycle.rows import Rows


async def allowed(_: Admin) -> bool:
    return True


async def denied(_: Admin) -> bool:
    return False


@pytest.mark.parametrize("may_mark", [allowed, denied], ids=["direct", "coordinator"])
async def test_behind_the_fence_no_writer_of_the_link_gets_anything_in(
    destination: LocalCluster, topic: str, may_mark
) -> None:
    create_topic(destination, topic)
    registry = Topics().registry("worker")
    own = Admin(client_arguments(destination.client_properties()))
    async with own, destination_of(destination.client_properties(), may_mark) as cluster:
        writer, idle = [await appender(cluster, registry, topic) for _ in range(2)]
        assert await resumed(writer) == 0
        await put(writer, 0, 4)
        await writer.markers(4, 4)
        await writer.settled()
        assert await resumed(idle) == 5

        place = Place(topic, writer.piece.mirror_topic_id, 0)
        context = Rows().context(own=own, destination=cluster, registry=registry)
        assert await fence(context, [place]) == {place: 5}
        assert log_ends(destination, topic) == [6]

        for zombie in (writer, idle):
            with pytest.raises((Doubt, ClusterError)):
                await put(zombie, 5)
                await zombie.settled()
            with pytest.raises(Closed):
                await zombie.resume()
        late = await appender(cluster, registry, topic)
        with pytest.raises(Closed):
            await late.resume()
    assert log_ends(destination, topic) == [6]
    assert produce(destination, topic, numbered(1)) == [6]
    for isolation in (UNCOMMITTED, COMMITTED):
        assert [r.offset for r in consume(destination, topic, isolation=isolation)] == [0, 1, 2, 3, 6]


async def test_it_can_be_repeated_and_takes_one_offset(destination: LocalCluster, topic: str) -> None:
    create_topic(destination, topic, partitions=20)
    registry = Topics().registry("worker")
    own = Admin(client_arguments(destination.client_properties()))
    async with own, destination_of(destination.client_properties(), allowed) as cluster:
        writers = [await appender(cluster, registry, topic, number) for number in range(20)]
        for number, writer in enumerate(writers[:10]):
            await resumed(writer)
            if number:
                await put(writer, 0, number)
                await writer.settled()
        places = [Place(topic, writers[0].piece.mirror_topic_id, number) for number in range(20)]
        context = Rows().context(own=own, destination=cluster, registry=registry)
        wanted = {place: place.partition if place.partition < 10 else 0 for place in places}
        for _ in range(2):
            assert await fence(context, places) == wanted
    assert log_ends(destination, topic, 20) == [*range(1, 11), *[0] * 10]
