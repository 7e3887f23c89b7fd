"""What two-sided links are refused (spec 3.1, 3.2), asked of a real worker: the code, and the words that say why."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, checked, refusal
from tests.support.clients import create_topic

BOTH = {"link.mode": "BIDIRECTIONAL"}
WAITING = {**BOTH, "connection.mode": "INBOUND"}
NO_SUCH_ID = "AAAAAAAAAAAAAAAAAAAAAA"
CASES: tuple[tuple[str, dict[str, str], dict[str, str], str], ...] = (
    ("MODE-7", {"link.mode": "SOURCE", "connection.mode": "INBOUND"}, {}, "connection.mode"),
    (
        "MODE-13",
        WAITING,
        {"remote_cluster_id": NO_SUCH_ID, "cluster_link_id": NO_SUCH_ID},
        "Unexpected cluster link id",
    ),
    ("MODE-14", BOTH, {"source_cluster_id": "THERE"}, "source_cluster_id does not belong to a BIDIRECTIONAL link"),
    ("MODE-15", BOTH, {"remote_cluster_id": NO_SUCH_ID}, f"cluster ID mismatch: expected {NO_SUCH_ID}"),
    ("MODE-16", BOTH, {"remote_cluster_id": "HERE"}, "cannot be linked to itself"),
    ("MODE-17", WAITING, {}, "remote_cluster_id is required for an INBOUND link"),
    (
        "MODE-19",
        {**BOTH, "cluster.link.prefix": "p.", "consumer.group.prefix.enable": "true"},
        {"remote_cluster_id": "THERE"},
        "not available in bidirectional mode",
    ),
    ("LINK-96", {"link.mode": "DESTINATION", "local.security.protocol": "SSL"}, {}, "local.security.protocol"),
    ("LINK-97", {"link.mode": "SOURCE", "acl.sync.enable": "true"}, {}, "acl.sync.enable"),
)


@pytest.mark.parametrize(("configs", "ids", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_links_that_cannot_be_made(
    source: LocalCluster,
    destination: LocalCluster,
    rest: Rest,
    unique: Callable[[str], str],
    *,
    configs: dict[str, str],
    ids: dict[str, str],
    words: str,
) -> None:
    link = unique("link")[-40:]
    real = {"HERE": destination.cluster_id, "THERE": source.cluster_id}
    given = configs if "connection.mode" in configs else {"bootstrap.servers": source.bootstrap_servers, **configs}
    rows = [{"name": name, "value": value} for name, value in given.items()]
    body = {"configs": rows} | {name: real.get(value, value) for name, value in ids.items()}
    refused = rest.ask("POST", "", body, link_name=link)
    assert refusal(refused) == (400, 40002)
    assert words in refused.json()["message"]
    assert link not in rest.links()


def test_what_only_bidirectional_links_offer(
    source: LocalCluster, rest: Rest, topic: str, unique: Callable[[str], str]
) -> None:
    """MODE-25: the mirror stays what it is."""
    link = unique("link")[-40:]
    create_topic(source, topic)
    checked(rest.create_link(link, source))
    checked(rest.create_mirror(link, topic))
    rest.wait_for_status(link, topic)
    for verb in ("reverse-and-start-mirror", "reverse-and-pause-mirror", "truncate-and-restore"):
        refused = rest.ask("POST", f"/{link}/mirrors:{verb}", {"mirror_topic_names": [topic]})
        assert refusal(refused) == (400, 40002)
        assert f"the mode of cluster link '{link}' is DESTINATION" in refused.json()["message"]
    assert rest.mirror(link, topic)["mirror_status"] == "ACTIVE"
