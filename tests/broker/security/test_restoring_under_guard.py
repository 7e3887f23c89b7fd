"""truncate-and-restore, on clusters with authorizers, by workers that are ordinary users with the documented rights.

The guard that keeps others from writing is there from the command on, hinders neither the saving of what is cut off nor
the deletion, holds for the topic that is made anew, and goes with a failover (MIRROR-4, MIRROR-73, SEC-10, SEC-12).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka.admin import ResourceType

from pipeline.local.cluster import LocalCluster
from tests.acceptance.tasks import commit, committed
from tests.broker.security.test_least_rights import APP, OWN, SOURCE, USER, grant
from tests.broker.security.test_read_only_guard import denied, is_refused
from tests.support.asking import Rest, assert_equal, checked, wait_for_ends
from tests.support.clients import create_topic, topic_names
from tests.support.consuming import consume
from tests.support.pairing import Side
from tests.support.permitting import allow, login
from tests.support.producing import TransactionalProducer, numbered, produce
from tests.support.workers import WorkerProcess, wait_until

pytestmark = pytest.mark.timeout(400)
GUARDED = {"User:alice"}


@pytest.fixture
def head(unique: Callable[[str], str]) -> str:
    return unique("guarded")


@pytest.fixture
def sides(
    secure_source: LocalCluster, secure_destination: LocalCluster, head: str, tmp_path: Path
) -> Iterator[tuple[Side, Side]]:
    """The old source and where its clients went; beside each a worker that is the user `link` of both clusters."""
    with ExitStack() as stack:
        workers = []
        for cluster in (secure_source, secure_destination):
            for sentence in (OWN, SOURCE):
                grant(cluster, sentence, head)
            allow(cluster, "alice", "WRITE DESCRIBE", head, prefixed=True)
            allow(cluster, USER, "DESCRIBE READ", "*", kind=ResourceType.GROUP)
            config = tmp_path / f"{cluster.cluster_id}.config"
            own = cluster.client_properties(USER)
            config.write_text("".join(f"{name}={value}\n" for name, value in own.items()))
            settings = {"command_config": str(config), "password_encoder_secret": "a key of a guarded pair"}
            worker = WorkerProcess(cluster.bootstrap_servers, tmp_path, APP, **settings)
            stack.enter_context(worker.ended_with_us())
            worker.launch()
            workers.append((cluster, worker))
        for _, worker in workers:
            worker.wait_until_ready()
        one, two = (Side(c, w, stack.enter_context(Rest(w, c))) for c, w in workers)
        yield one, two


def operate(side: Side, link: str, topic: str, verb: str) -> None:
    (row,) = checked(side.rest.ask("POST", f"/{link}/mirrors:{verb}", {"mirror_topic_names": [topic]})).json()["data"]
    assert row["error_code"] is None, row


def test_a_guarded_topic_is_restored(sides: tuple[Side, Side], head: str) -> None:
    old, new = sides
    link, topic, group = f"{head[-30:]}-link", f"{head}-orders", f"{head}-group"
    for side, remote in ((old, new), (new, old)):
        checked(side.rest.create_side(link, remote.cluster, **login(remote.cluster, USER)))
    create_topic(old.cluster, topic)
    produce(old.cluster, topic, numbered(50))
    checked(new.rest.create_mirror(link, topic))
    new.rest.wait_for_status(link, topic)
    wait_for_ends(old.cluster, new.cluster, topic)
    operate(new, link, topic, "failover")
    new.rest.wait_for_status(link, topic, "STOPPED")
    produce(new.cluster, topic, numbered(30, start=1000))
    produce(old.cluster, topic, numbered(20, start=2000))
    commit(old.cluster, group, topic, 60)

    open_one = TransactionalProducer(old.cluster, topic).begin()
    open_one.send(numbered(5, start=9000))
    operate(old, link, topic, "truncate-and-restore")
    wait_until(lambda: denied(old.cluster, topic) == GUARDED, "the guard is up while the restore waits")
    assert is_refused(old.cluster, topic, "alice")
    operate(old, link, topic, "failover")
    old.rest.wait_for_status(link, topic, "STOPPED")
    wait_until(lambda: not is_refused(old.cluster, topic, "alice"), "given up: alice may write")
    assert denied(old.cluster, topic) == set()

    operate(old, link, topic, "truncate-and-restore")
    wait_until(lambda: denied(old.cluster, topic) == GUARDED, "the guard is up again")
    open_one.abort()
    old.rest.wait_for_status(link, topic, within_s=120)
    assert denied(old.cluster, topic) == GUARDED
    assert is_refused(old.cluster, topic, "alice"), "the topic that was made anew is guarded too"
    assert_equal(new.cluster, old.cluster, topic)
    assert committed(old.cluster, group, topic) == 50, "lowered to the cut"
    (side_topic,) = (name for name in topic_names(old.cluster) if name.startswith(f"{topic}.diverged."))
    saved = [record.value for record in consume(old.cluster, side_topic)]
    assert saved == [each.value for each in numbered(20, start=2000)] + [b"not the link's"], "alice's, when she might"

    produce(new.cluster, topic, numbered(10, start=3000))
    wait_for_ends(new.cluster, old.cluster, topic)
    assert not is_refused(new.cluster, topic, "alice"), "the remote stays a regular topic"
    wait_for_ends(new.cluster, old.cluster, topic)
    assert_equal(new.cluster, old.cluster, topic)
