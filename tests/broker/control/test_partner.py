"""The partner of a link, seen from the other cluster: rows that follow, commands that are answered, what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pipeline.cluster.admin import Admin
from pipeline.cluster.errors import NotAuthorized, RemoteLinkNotFound
from pipeline.cluster.security import client_arguments
from pipeline.control.partner import Partner
from pipeline.link.commands import build
from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, checked
from tests.support.clients import create_topic
from tests.support.permitting import allow, login
from tests.support.workers import WorkerProcess


@asynccontextmanager
async def partner_of(link: str, app_id: str, cluster: LocalCluster, **properties: str) -> AsyncIterator[Partner]:
    given = {name.replace("_", "."): value for name, value in properties.items()}
    security = client_arguments({"bootstrap.servers": cluster.bootstrap_servers} | given)
    async with Admin(security) as admin:
        partner = Partner(link, security, admin, app_id)
        try:
            yield partner
        finally:
            await partner.close()


@pytest.mark.timeout(300)
def test_two_workers_see_and_command_each_other(
    source: LocalCluster, destination: LocalCluster, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    link, other, topic = unique("link")[-40:], unique("other")[-40:], unique("topic")
    create_topic(source, topic)
    one = WorkerProcess(destination.bootstrap_servers, tmp_path)
    two = WorkerProcess(source.bootstrap_servers, tmp_path, one.app_id)
    with one, two, Rest(one, destination) as here, Rest(two, source) as there:
        checked(here.create_side(link, source))
        checked(here.create_side(other, source))
        checked(there.create_side(link, destination))

        async def look() -> None:
            async with (
                partner_of(link, one.app_id, destination) as partner,
                partner_of("nobody", one.app_id, destination) as unknown,
                partner_of(link, "no-such-app", destination) as nowhere,
            ):
                await partner.open()
                await unknown.open()
                assert partner.cluster_id == destination.cluster_id
                seen = partner.link()
                assert seen is not None and seen.remote_cluster_id == source.cluster_id
                assert list(partner.model.links) == [link], "rows of other links are nobody's business"
                assert unknown.link() is None
                arguments = {"source_topic_name": topic}
                done = await partner.submit(build("mirror.create", link, arguments, unique("id")))
                assert done.error_code is None, done
                await partner.catch_up()
                assert [mirror.mirror_topic for mirror in partner.mirrors()] == [topic]
                again = await partner.submit(build("mirror.create", link, arguments, unique("id")))
                assert (again.status, again.error_code) == (400, 40002)
                async with asyncio.timeout(90):
                    while not partner.positions(topic) or not partner.tasks():
                        await asyncio.sleep(0.1)
                checked(await asyncio.to_thread(here.ask, "DELETE", f"/{link}", force="true"))
                await partner.catch_up()
                assert partner.link() is None and partner.mirrors() == []
                with pytest.raises(RemoteLinkNotFound, match="there is no cluster link"):
                    partner.other_side(seen, source.cluster_id)
                with pytest.raises(RemoteLinkNotFound, match="no topics no-such-app"):
                    await nowhere.open()

        asyncio.run(look())


@pytest.mark.timeout(300)
def test_what_may_not_be_read_is_named(secure_destination: LocalCluster, unique: Callable[[str], str]) -> None:
    app_id = unique("app")[-30:]
    tables = ("links", "mirrors", "tasks", "synced_offsets", "positions")
    names = [f"{app_id}-{table}-changelog" for table in tables] + [f"{app_id}.commands", f"{app_id}.results"]
    for name in names:
        create_topic(secure_destination, name)
        allow(secure_destination, "link", "READ", name)

    async def look() -> None:
        async with partner_of("l", app_id, secure_destination, **login(secure_destination, "link")) as partner:
            with pytest.raises(NotAuthorized, match=f"WRITE on topic {app_id}.commands"):
                await partner.open()

    asyncio.run(look())
