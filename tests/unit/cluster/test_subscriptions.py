"""What members of a group say that they read, in the bytes of the classic protocol."""

from __future__ import annotations

from struct import pack

import pytest

from pipeline.cluster.administration.groups import subscribed_topics


def subscription(*topics: str) -> bytes:
    names = b"".join(pack(">h", len(topic)) + topic.encode() for topic in topics)
    return pack(">hi", 3, len(topics)) + names + pack(">i", -1)


def test_topics_are_read() -> None:
    assert subscribed_topics(subscription("orders", "payments")) == {"orders", "payments"}
    assert subscribed_topics(subscription()) == set()


@pytest.mark.parametrize(
    "strange",
    [b"", b"\x00", b"connect-worker", subscription("orders")[:9], b"\x00\x01\x00\x00\x00\x01\x00\x02\xff\xfe"],
)
def test_what_is_no_subscription_has_no_topics(strange: bytes) -> None:
    assert not subscribed_topics(strange) & {"orders"}
