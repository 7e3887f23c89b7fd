"""What each error code of a broker's answer means for mirroring: one table, one row for each API and code.

Nothing else in the engine looks at code numbers. A code without a row fails the mirror and says so (I4): what we do not
know is never retried quietly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import NamedTuple

from pipeline.link.states import MirrorError, TaskErrorCode


class Verdict(Enum):
    """What the caller does next. For an append or markers, everything but OK means a new reading first (I3)."""

    OK = auto()
    REFRESH = auto()
    """Ask who leads or coordinates, then go there."""
    READ_AGAIN = auto()
    """Read the state of the log, then decide; nothing is wrong."""
    BACKOFF = auto()
    """It passes; wait longer each time, and show what is waited for."""
    SPLIT = auto()
    """Too large: let the mirror topic take it (`repairing`); where that may not be done, the mirror fails."""
    SHRINK_RUN = auto()
    """Fewer markers in one request."""
    NEW_SESSION = auto()
    """Begin a new fetch session; no partition is affected."""
    COMPARE_ENDS = auto()
    """Compare with the source's log start and end: lost head (MIRROR-14), or truncation (MIRROR-18)."""
    CHECK_TOPIC = auto()
    """Look the topic up: gone (MIRROR-39), another id (MIRROR-40), or metadata not there yet."""
    RESTORE_CONFIGS = auto()
    """Someone has changed the mirror's configuration (MIRROR-88, MIRROR-90): set it again, then as BACKOFF."""
    DENIED = auto()
    """A permission is missing: show `error`, go on as BACKOFF, so that granting it is enough."""
    FAIL_MIRROR = auto()
    """This mirror fails with `error` (MIRROR-30); no other does."""
    FAIL_TASK = auto()
    """This group, partition or cycle of a task fails with `error` (STATE-29); mirroring goes on (STATE-61)."""


class Api(Enum):
    """The APIs whose answers are judged, by their keys."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    OFFSET_COMMIT = 8
    DELETE_RECORDS = 21
    OFFSET_FOR_LEADER_EPOCH = 23
    WRITE_TXN_MARKERS = 27
    DESCRIBE_PRODUCERS = 61


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its reason, and the code to show where it is a failure."""

    verdict: Verdict
    reason: str
    error: MirrorError | TaskErrorCode | None = None
    may_have_written: bool = False
    """For writes: the leader may have appended it all the same. Only where not, `Chain.refused` may be called."""

    @property
    def failure(self) -> MirrorError | None:
        """What the mirror fails with, if it does."""
        return self.error if self.verdict is Verdict.FAIL_MIRROR and isinstance(self.error, MirrorError) else None


class Row(NamedTuple):
    """A code's judgement for several APIs; `written` as in Judgement."""

    code: int
    name: str
    apis: tuple[Api, ...]
    verdict: Verdict
    reason: str
    error: MirrorError | TaskErrorCode | None = None
    written: bool = False


PRODUCE, FETCH, LIST_OFFSETS, OFFSET_COMMIT = Api.PRODUCE, Api.FETCH, Api.LIST_OFFSETS, Api.OFFSET_COMMIT
WRITE_TXN_MARKERS, DESCRIBE_PRODUCERS = Api.WRITE_TXN_MARKERS, Api.DESCRIBE_PRODUCERS
DELETE_RECORDS, OFFSET_FOR_LEADER_EPOCH = Api.DELETE_RECORDS, Api.OFFSET_FOR_LEADER_EPOCH

_P, _F, _L, _C = Api.PRODUCE, Api.FETCH, Api.LIST_OFFSETS, Api.OFFSET_COMMIT
_X, _E, _W, _D = Api.DELETE_RECORDS, Api.OFFSET_FOR_LEADER_EPOCH, Api.WRITE_TXN_MARKERS, Api.DESCRIBE_PRODUCERS
_ALL = tuple(Api)
_PARTITIONS = (_P, _F, _L, _X, _E, _W, _D)
_WRITES = (_P, _W)
_ASKS = (_F, _L, _X, _E, _D)
_V, _M, _T = Verdict, MirrorError, TaskErrorCode

ROWS = (
    Row(0, "NONE", _ALL, _V.OK, "done"),
    Row(-1, "UNKNOWN_SERVER_ERROR", _WRITES, _V.BACKOFF, "the broker met an error it has no code for", written=True),
    Row(-1, "UNKNOWN_SERVER_ERROR", (*_ASKS, _C), _V.BACKOFF, "the broker met an error it has no code for"),
    # who leads, what exists
    Row(3, "UNKNOWN_TOPIC_OR_PARTITION", _PARTITIONS, _V.CHECK_TOPIC, "no such partition there", written=True),
    Row(3, "UNKNOWN_TOPIC_OR_PARTITION", (_C,), _V.FAIL_TASK, "the topic is gone", _T.UNKNOWN_TOPIC_OR_PARTITION_ERROR),
    Row(100, "UNKNOWN_TOPIC_ID", _PARTITIONS, _V.CHECK_TOPIC, "no topic with this id there", written=True),
    Row(103, "INCONSISTENT_TOPIC_ID", _PARTITIONS, _V.CHECK_TOPIC, "the topic has another id there", written=True),
    Row(5, "LEADER_NOT_AVAILABLE", _PARTITIONS, _V.REFRESH, "no leader yet", written=True),
    Row(6, "NOT_LEADER_OR_FOLLOWER", _PARTITIONS, _V.REFRESH, "the leader moved, maybe after appending", written=True),
    Row(9, "REPLICA_NOT_AVAILABLE", _PARTITIONS, _V.REFRESH, "no replica there", written=True),
    Row(13, "NETWORK_EXCEPTION", _ALL, _V.REFRESH, "the connection broke", written=True),
    Row(56, "KAFKA_STORAGE_ERROR", _PARTITIONS, _V.REFRESH, "a disk of the leader failed", written=True),
    Row(74, "FENCED_LEADER_EPOCH", _PARTITIONS, _V.REFRESH, "a newer leader is known there", written=True),
    Row(75, "UNKNOWN_LEADER_EPOCH", _PARTITIONS, _V.REFRESH, "the broker has not heard of the new leader yet"),
    Row(78, "OFFSET_NOT_AVAILABLE", (_F, _L), _V.BACKOFF, "the new leader does not know its high watermark yet"),
    Row(14, "COORDINATOR_LOAD_IN_PROGRESS", (_C, _W), _V.BACKOFF, "the coordinator is loading", written=True),
    Row(15, "COORDINATOR_NOT_AVAILABLE", (_C,), _V.REFRESH, "no coordinator yet"),
    Row(16, "NOT_COORDINATOR", (_C,), _V.REFRESH, "the coordinator moved"),
    # appends: compare-and-append
    Row(7, "REQUEST_TIMED_OUT", _WRITES, _V.READ_AGAIN, "not replicated in time: it may or may not land", written=True),
    Row(7, "REQUEST_TIMED_OUT", (*_ASKS, _C), _V.BACKOFF, "no answer in time"),
    Row(45, "OUT_OF_ORDER_SEQUENCE_NUMBER", (_P,), _V.READ_AGAIN, "another writer was first, or the one before failed"),
    Row(46, "DUPLICATE_SEQUENCE_NUMBER", (_P,), _V.READ_AGAIN, "appended before, no longer known where", written=True),
    Row(47, "INVALID_PRODUCER_EPOCH", _WRITES, _V.READ_AGAIN, "another writer has claimed the partition"),
    Row(48, "INVALID_TXN_STATE", _WRITES, _V.READ_AGAIN, "a transaction of our producer id is open"),
    Row(51, "CONCURRENT_TRANSACTIONS", _WRITES, _V.BACKOFF, "the transaction before is being ended"),
    Row(52, "TRANSACTION_COORDINATOR_FENCED", (_W,), _V.READ_AGAIN, "another writer's marker was first"),
    Row(59, "UNKNOWN_PRODUCER_ID", _WRITES, _V.READ_AGAIN, "the leader has forgotten our producer id"),
    Row(90, "PRODUCER_FENCED", _WRITES, _V.READ_AGAIN, "another writer has claimed the partition"),
    Row(19, "NOT_ENOUGH_REPLICAS", _WRITES, _V.BACKOFF, "fewer in-sync replicas than min.insync.replicas"),
    Row(20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", _WRITES, _V.BACKOFF, "in-sync replicas left meanwhile", written=True),
    # appends: what the broker will not take
    Row(2, "CORRUPT_MESSAGE", _WRITES, _V.READ_AGAIN, "damaged at the source, or on its way"),
    Row(10, "MESSAGE_TOO_LARGE", (_P,), _V.SPLIT, "larger than the mirror's max.message.bytes", _M.ILLEGAL_STATE),
    Row(10, "MESSAGE_TOO_LARGE", (_W,), _V.RESTORE_CONFIGS, "max.message.bytes is too small for a marker"),
    Row(18, "RECORD_LIST_TOO_LARGE", (_P,), _V.SPLIT, "larger than the mirror's segment.bytes", _M.ILLEGAL_STATE),
    Row(18, "RECORD_LIST_TOO_LARGE", (_W,), _V.SHRINK_RUN, "more markers than fit a segment"),
    Row(32, "INVALID_TIMESTAMP", (_P,), _V.RESTORE_CONFIGS, "message.timestamp.before/after.max.ms refuse the time"),
    Row(
        87,
        "INVALID_RECORD",
        (_P,),
        _V.FAIL_MIRROR,
        "no key in a compacted topic, or a defect of ours",
        _M.ILLEGAL_STATE,
    ),
    Row(76, "UNSUPPORTED_COMPRESSION_TYPE", (_P, _F), _V.FAIL_MIRROR, "codec unknown", _M.UNSUPPORTED_MESSAGE_FORMAT),
    Row(43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", _PARTITIONS, _V.FAIL_MIRROR, "old format", _M.UNSUPPORTED_MESSAGE_FORMAT),
    Row(21, "INVALID_REQUIRED_ACKS", _WRITES, _V.FAIL_MIRROR, "the request was wrong", _M.ILLEGAL_STATE),
    Row(42, "INVALID_REQUEST", _PARTITIONS, _V.FAIL_MIRROR, "the request was wrong", _M.ILLEGAL_STATE),
    Row(35, "UNSUPPORTED_VERSION", _PARTITIONS, _V.FAIL_MIRROR, "the broker lacks this (REST-91)", _M.UNKNOWN),
    Row(17, "INVALID_TOPIC_EXCEPTION", _PARTITIONS, _V.FAIL_MIRROR, "no legal topic for this", _M.ILLEGAL_STATE),
    Row(44, "POLICY_VIOLATION", (_X,), _V.RESTORE_CONFIGS, "DeleteRecords needs delete in the mirror's cleanup.policy"),
    # reading the source
    Row(1, "OFFSET_OUT_OF_RANGE", (_F,), _V.COMPARE_ENDS, "the source's log begins later or ends earlier"),
    Row(1, "OFFSET_OUT_OF_RANGE", (_X,), _V.READ_AGAIN, "the mirror's high watermark is not there yet"),
    Row(2, "CORRUPT_MESSAGE", (_F, _L), _V.FAIL_MIRROR, "the log is damaged", _M.ILLEGAL_STATE),
    Row(70, "FETCH_SESSION_ID_NOT_FOUND", (_F,), _V.NEW_SESSION, "the broker has dropped the session"),
    Row(71, "INVALID_FETCH_SESSION_EPOCH", (_F,), _V.NEW_SESSION, "an answer of the session was lost"),
    Row(106, "FETCH_SESSION_TOPIC_ID_ERROR", (_F,), _V.NEW_SESSION, "the broker's version changed"),
    # permissions, quotas
    Row(29, "TOPIC_AUTHORIZATION_FAILED", _ALL, _V.DENIED, "a permission on the topic is missing"),
    Row(30, "GROUP_AUTHORIZATION_FAILED", (_C,), _V.DENIED, "a permission on the group is missing"),
    Row(31, "CLUSTER_AUTHORIZATION_FAILED", _PARTITIONS, _V.DENIED, "a permission on the cluster is missing"),
    Row(53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", _WRITES, _V.DENIED, "a permission on the id is missing"),
    Row(89, "THROTTLING_QUOTA_EXCEEDED", _ALL, _V.BACKOFF, "a quota is used up"),
    # committed offsets of groups
    Row(22, "ILLEGAL_GENERATION", (_C,), _V.FAIL_TASK, "the group has live members", _T.CONSUMER_GROUP_IN_USE_ERROR),
    Row(25, "UNKNOWN_MEMBER_ID", (_C,), _V.FAIL_TASK, "the group has live members", _T.CONSUMER_GROUP_IN_USE_ERROR),
    Row(27, "REBALANCE_IN_PROGRESS", (_C,), _V.FAIL_TASK, "the group has live members", _T.CONSUMER_GROUP_IN_USE_ERROR),
    Row(68, "NON_EMPTY_GROUP", (_C,), _V.FAIL_TASK, "the group has live members", _T.CONSUMER_GROUP_IN_USE_ERROR),
    Row(82, "FENCED_INSTANCE_ID", (_C,), _V.FAIL_TASK, "the group has live members", _T.CONSUMER_GROUP_IN_USE_ERROR),
    Row(110, "FENCED_MEMBER_EPOCH", (_C,), _V.FAIL_TASK, "the group has live members", _T.CONSUMER_GROUP_IN_USE_ERROR),
    Row(113, "STALE_MEMBER_EPOCH", (_C,), _V.FAIL_TASK, "the group has live members", _T.CONSUMER_GROUP_IN_USE_ERROR),
    Row(12, "OFFSET_METADATA_TOO_LARGE", (_C,), _V.FAIL_TASK, "offset.metadata.max.bytes", _T.INVALID_REQUEST_ERROR),
    Row(24, "INVALID_GROUP_ID", (_C,), _V.FAIL_TASK, "no legal group id", _T.INVALID_REQUEST_ERROR),
    Row(69, "GROUP_ID_NOT_FOUND", (_C,), _V.FAIL_TASK, "a group of another kind, or none", _T.INVALID_REQUEST_ERROR),
    Row(42, "INVALID_REQUEST", (_C,), _V.FAIL_TASK, "the request was wrong", _T.INVALID_REQUEST_ERROR),
    Row(35, "UNSUPPORTED_VERSION", (_C,), _V.FAIL_TASK, "the broker's version lacks this", _T.INVALID_REQUEST_ERROR),
    Row(28, "INVALID_COMMIT_OFFSET_SIZE", (_C,), _V.BACKOFF, "the offsets topic refuses the batch"),
)


def judge(api: Api, code: int, *, remote: bool = False) -> Judgement:
    """What a code in an answer means. `remote`: of the source cluster, else of our own (STATE-35, STATE-36).

    The reason names the code: it is what people see in a status or a message.
    """
    judgement = _TABLE.get((api, code))
    if judgement is None:
        error = _T.UNKNOWN if api is Api.OFFSET_COMMIT else _M.UNKNOWN
        verdict = _V.FAIL_TASK if api is Api.OFFSET_COMMIT else _V.FAIL_MIRROR
        return Judgement(verdict, f"unknown error code {code} from {api.name}", error, may_have_written=True)
    if judgement.verdict is _V.DENIED:
        return replace(judgement, error=_T.AUTHORIZATION_ERROR if remote else _T.BROKER_AUTHORIZATION_ERROR)
    return judgement


def _build() -> dict[tuple[Api, int], Judgement]:
    table: dict[tuple[Api, int], Judgement] = {}
    for row in ROWS:
        for api in row.apis:
            if (api, row.code) in table:
                raise ValueError(f"two rows for {row.name} of {api.name}")
            reason = f"{row.reason} ({row.name}, {row.code})" if row.code else row.reason
            table[api, row.code] = Judgement(row.verdict, reason, row.error, row.written and api in _WRITES)
    return table


_TABLE = _build()
