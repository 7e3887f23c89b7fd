"""Incremental fetch sessions (KIP-227), as the one who fetches keeps them. Pure.

In a session a request names only what changed since the last one: partitions whose position moved or that are new, and
partitions to leave out. Thousands of idle partitions then cost nothing (the broker answers only for those with news).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pipeline.wire.requests.fetch import FetchPartition, FetchRequest, ForgottenPartition

Key = tuple[str, int]
FULL = 0
"""Session epoch of a request that names everything and asks for a new session."""
LAST_EPOCH = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes and waits of one request (LINK-60..63)."""

    max_wait_ms: int
    min_bytes: int
    max_bytes: int
    partition_max_bytes: int


class FetchSession:
    """The session with one source broker. `want` and `drop` say what to read; `request` makes the next request."""

    def __init__(self) -> None:
        self._wanted: dict[Key, tuple[int, UUID | None, int]] = {}
        self._changed: set[Key] = set()
        self._in_session: dict[Key, UUID | None] = {}
        self._sent: dict[Key, int] = {}
        self._names: dict[UUID, str] = {}
        self._id = 0
        self._epoch = FULL

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to read."""
        return not self._wanted

    def wants(self, key: Key) -> bool:
        """Whether a partition is being read."""
        return key in self._wanted

    def position(self, key: Key) -> int:
        """Offset at which a partition is read next; -1 where it is not read."""
        return self._wanted[key][0] if key in self._wanted else -1

    def sent(self, key: Key) -> int:
        """The offset that the broker was last told for a partition: what an answer begins at; -1 where none was."""
        return self._sent.get(key, -1)

    def want(self, key: Key, offset: int, topic_id: UUID | None, last_epoch: int = -1) -> None:
        """Read a partition from `offset` on."""
        if self._wanted.get(key) != (offset, topic_id, last_epoch):
            self._wanted[key] = (offset, topic_id, last_epoch)
            self._changed.add(key)

    def drop(self, key: Key) -> None:
        """Read a partition no more, for now."""
        if self._wanted.pop(key, None) is not None:
            self._changed.add(key)

    def request(self, limits: Limits) -> FetchRequest:
        """The next request; it must be answered, or failed by `reset`, before another is made."""
        is_full = self._epoch == FULL
        named: Sequence[Key] = list(self._wanted) if is_full else [k for k in self._changed if k in self._wanted]
        by_id = all(topic_id is not None for _, topic_id, _ in self._wanted.values())
        if by_id:
            self._names.update(
                {
                    t: key[0]
                    for key, (_, t, _) in self._wanted.items()
                    if t is not None and (is_full or key in self._changed)
                }
            )
        forgotten = (
            []
            if is_full
            else [self._forget(k) for k in self._changed if k in self._in_session and not self._is_in_session(k)]
        )
        partitions = [self._partition(key, limits.partition_max_bytes, by_id) for key in named]
        if is_full:
            self._in_session.clear()
            self._sent.clear()
        for gone in forgotten:
            self._in_session.pop((gone.topic, gone.partition), None)
        for key in named:
            self._in_session[key] = self._wanted[key][1]
            self._sent[key] = self._wanted[key][0]
        self._changed.clear()
        return FetchRequest(
            partitions,
            limits.max_wait_ms,
            limits.min_bytes,
            limits.max_bytes,
            session_id=self._id,
            session_epoch=self._epoch,
            forgotten=forgotten,
            names=self._names if by_id else {},
        )

    def answered(self, session_id: int) -> None:
        """The broker answered without a session error; 0 means that it keeps no session."""
        if session_id == 0:
            self.reset()
        elif self._epoch == FULL:
            self._id, self._epoch = session_id, 1
        else:
            self._epoch = 1 if self._epoch == LAST_EPOCH else self._epoch + 1

    def reset(self) -> None:
        """Begin a new session with the next request: after a session error, a lost connection, an answer never read."""
        self._id, self._epoch = 0, FULL

    def _partition(self, key: Key, max_bytes: int, by_id: bool) -> FetchPartition:
        offset, topic_id, last_epoch = self._wanted[key]
        if by_id and topic_id is not None:
            return FetchPartition(key[0], key[1], offset, topic_id, max_bytes, last_fetched_epoch=last_epoch)
        return FetchPartition(key[0], key[1], offset, max_bytes=max_bytes, last_fetched_epoch=last_epoch)

    def _is_in_session(self, key: Key) -> bool:
        """Whether the broker has what is wanted in the session, and not another topic of its name."""
        return key in self._wanted and self._in_session.get(key) == self._wanted[key][1]

    def _forget(self, key: Key) -> ForgottenPartition:
        topic_id = self._in_session[key]
        return ForgottenPartition(*key) if topic_id is None else ForgottenPartition(*key, topic_id)
