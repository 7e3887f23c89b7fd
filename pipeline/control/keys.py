"""Which partition of the control topics a link, or a piece of a mirror, belongs to: and so which worker does it."""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2


def link_partition(link: str, partitions: int) -> int:
    """Partition of the commands topic that holds a link: the one Kafka's default partitioner gives to its name."""
    return _hash(link) % partitions


def work_partition(link: str, mirror_topic: str, partition: int, partitions: int) -> int:
    """Partition of the progress topic that holds a mirror partition.

    The partitions of one mirror follow each other, so that they spread evenly over workers whatever the hash is.
    """
    return (_hash(f"{link}/{mirror_topic}") + partition) % partitions


@lru_cache(maxsize=1 << 16)
def _hash(text: str) -> int:
    """Kafka's hash, in Python: slow enough to be remembered, since every change of a row asks for all of them."""
    return int(murmur2(text.encode()) & 0x7FFFFFFF)


def mirror_key(link: str, mirror_topic: str) -> str:
    """Key of a mirror's row; link names hold no slash (LINK-17)."""
    return f"{link}/{mirror_topic}"


def position_key(link: str, mirror_topic: str, partition: int) -> str:
    """Key of a mirror partition's row."""
    return f"{link}/{mirror_topic}/{partition}"
