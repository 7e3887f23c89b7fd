"""Look for planted secrets in every byte that a worker leaves behind (SEC-34)."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline.local.cluster import LocalCluster
from tests.support.clients import TIMEOUT_S, admin, answered
from tests.support.consuming import UNCOMMITTED, consume

SHORTEST = 12
"""Shorter secrets could turn up by chance."""


def forms(secret: str) -> set[bytes]:
    """The ways in which a secret may be written and still be read by anybody."""
    assert len(secret) >= SHORTEST, "plant a longer one"
    raw = secret.encode()
    found = {raw, raw[::-1], raw.hex().encode(), raw.hex().upper().encode()}
    found |= {json.dumps(secret)[1:-1].encode(), urllib.parse.quote(secret, safe="").encode()}
    found |= {secret.encode("utf-16-le"), secret.encode("utf-16-be"), repr(raw)[2:-1].encode()}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):  # within a longer text it begins at any of three places
            whole = encode(b"\0" * before + raw)
            found.add(whole[4 if before else 0 : len(whole) // 4 * 4 - 4])
    return {form for form in found if len(form) >= SHORTEST}


def found_in(where: Mapping[str, bytes], secrets: Iterable[str]) -> list[str]:
    """Every "secret in place", for all places whose bytes hold one of the secrets in any form."""
    wanted = {secret: forms(secret) for secret in secrets}
    return [
        f"{secret} in {place}"
        for place, content in where.items()
        for secret, ways in wanted.items()
        if any(way in content for way in ways)
    ]


def files(folder: Path) -> dict[str, bytes]:
    """The content of every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def topics(cluster: LocalCluster, head: str) -> dict[str, bytes]:
    """All records, whole, of every topic whose name begins so; changelogs and internal topics too."""
    client = admin(cluster)
    known = answered(lambda: client.list_topics(timeout=TIMEOUT_S)).topics
    return {
        f"{name}-{number}": b"\n".join(_bytes(cluster, name, number))
        for name, topic in known.items()
        if name.startswith(head)
        for number in topic.partitions
    }


def process(pid: int) -> dict[str, bytes]:
    """What everybody on the machine sees of a process."""
    return {"arguments": Path(f"/proc/{pid}/cmdline").read_bytes()}


def _bytes(cluster: LocalCluster, topic: str, partition: int) -> Iterable[bytes]:
    for record in consume(cluster, topic, partition, isolation=UNCOMMITTED):
        yield record.key or b""
        yield record.value or b""
        for name, value in record.headers:
            yield name.encode() + b"=" + (value or b"")
