"""What the names and addresses in the documents stand for here."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.support.pairing import Side


def filled(text: str, here: Side, there: Side, topics: Mapping[str, str]) -> str:
    """A text with real addresses, ids and topics; `topics` says what this time's are called."""
    prefix = topics.get("shop.carts", "").removesuffix("carts")
    values: tuple[tuple[str, str], ...] = (
        (r"http://worker-1:8090", here.worker.url),
        (r"\b(a|a1|a2|west|kafka-a\.example\.com):9092", there.cluster.bootstrap_servers),
        (r"\b(b|east|kafka-b\.example\.com):9092", here.cluster.bootstrap_servers),
        (r"\b0gXf5xg8Sp2G4FlxNriNaA\b|\bWEST\b|<private cluster id>", there.cluster.cluster_id),
        (r"\b6UyhTfbkTkmxYpNHiBnHXQ\b|\bEAST\b|<public cluster id>", here.cluster.cluster_id),
        (r"\bMIRROR\b|<mirror>", "orders"),
        (r"\bLINK\b|<link>", "east"),
        (r"(?<=replication-factor )3|(?<=replication_factor: )3", "1"),  # one broker
        (r"shop\\\.", re.escape(prefix)),
        (r"(?<=\beast\.)orders", topics.get("orders", "")),
        *((rf"(?<![\w.-]){re.escape(name)}\b", topic) for name, topic in topics.items()),
    )
    for pattern, value in values:
        text = re.sub(pattern, lambda _, v=value: v, text)  # type: ignore[misc]
    return text
