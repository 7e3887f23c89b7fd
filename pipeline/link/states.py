"""The words a link, a task and a mirror use about themselves (spec 3, 4 and 5.2).

Words that come from users are read strictly, in any case (`read`). Words that come from stored records or from other
versions may be new to us: those enumerations have an UNKNOWN member, and `read` answers with it instead of failing,
because the public enumerations are declared extensible (STATE-17). Mirror states are the exception (MIRROR-46): see
`models.Mirror.from_json`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Word(StrEnum):
    """A closed set of words. `read` takes any case (CONF-15, CONF-16) and raises ValueError naming what is allowed."""

    @classmethod
    def read(cls, text: str) -> Self:
        try:
            return cls(text.upper())
        except ValueError:
            raise ValueError(f"'{text}' is not one of {', '.join(cls)}") from None


class OpenWord(Word):
    """A set of words that newer versions may extend: an unknown one reads as the member UNKNOWN, which each set has."""

    @classmethod
    def read(cls, text: str) -> Self:
        try:
            return super().read(text)
        except ValueError:
            return cls("UNKNOWN")


class LinkMode(Word):
    """Direction of a link (TERM-9, LINK-20)."""

    DESTINATION = "DESTINATION"
    SOURCE = "SOURCE"
    BIDIRECTIONAL = "BIDIRECTIONAL"


class ConnectionMode(Word):
    """Who dials (TERM-10, LINK-21)."""

    OUTBOUND = "OUTBOUND"
    INBOUND = "INBOUND"


class LinkState(OpenWord):
    """State of a link (STATE-1..6)."""

    ACTIVE = "ACTIVE"
    UNAVAILABLE = "UNAVAILABLE"
    PAUSED = "PAUSED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def read(cls, text: str) -> Self:
        """As every open word; the older synonym AVAILABLE reads as ACTIVE and is never emitted (STATE-6)."""
        return super().read("ACTIVE" if text.upper() == "AVAILABLE" else text)


class LinkErrorCode(OpenWord):
    """Why a link is not fine (STATE-10..17)."""

    NO_ERROR = "NO_ERROR"
    AUTHENTICATION_ERROR = "AUTHENTICATION_ERROR"
    UNRESOLVABLE_BOOTSTRAP_ERROR = "UNRESOLVABLE_BOOTSTRAP_ERROR"
    INVALID_BOOTSTRAP_INTERNAL_ENDPOINT_ERROR = "INVALID_BOOTSTRAP_INTERNAL_ENDPOINT_ERROR"
    BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR = "BOOTSTRAP_TCP_CONNECTION_FAILED_ERROR"
    TIMEOUT_ERROR = "TIMEOUT_ERROR"
    UNKNOWN = "UNKNOWN"
    CLUSTER_ID_MISMATCH_ERROR = "CLUSTER_ID_MISMATCH_ERROR"
    SECRET_DECRYPTION_ERROR = "SECRET_DECRYPTION_ERROR"
    FILE_NOT_FOUND_ERROR = "FILE_NOT_FOUND_ERROR"
    UNSUPPORTED_VERSION_ERROR = "UNSUPPORTED_VERSION_ERROR"
    REMOTE_LINK_NOT_FOUND_ERROR = "REMOTE_LINK_NOT_FOUND_ERROR"
    """The other side of a two-sided link was deleted (MODE-24)."""


class TaskName(Word):
    """The four periodic tasks of a link (TERM-22, STATE-20..23). Their public names are in mixed case."""

    CONSUMER_OFFSET_SYNC = "ConsumerOffsetSync"
    ACL_SYNC = "AclSync"
    TOPIC_CONFIGS_SYNC = "TopicConfigsSync"
    AUTO_CREATE_MIRROR = "AutoCreateMirror"

    @classmethod
    def read(cls, text: str) -> Self:
        for task in cls:
            if task.value.upper() == text.upper():
                return task
        raise ValueError(f"'{text}' is not one of {', '.join(cls)}")


class TaskState(OpenWord):
    """State of a task (STATE-24..28)."""

    ACTIVE = "ACTIVE"
    IN_ERROR = "IN_ERROR"
    NOT_CONFIGURED = "NOT_CONFIGURED"
    LINK_FAILED = "LINK_FAILED"
    LINK_UNAVAILABLE = "LINK_UNAVAILABLE"
    LINK_PAUSED = "LINK_PAUSED"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def read(cls, text: str) -> Self:
        """As every open word; the misprint LINK_UNAVAILBLE is understood and never emitted (CONF-5)."""
        return super().read("LINK_UNAVAILABLE" if text.upper() == "LINK_UNAVAILBLE" else text)


class TaskErrorCode(OpenWord):
    """What a task or a state transition of a mirror met (STATE-30..49)."""

    MISCONFIGURATION_ERROR = "MISCONFIGURATION_ERROR"
    REMOTE_LINK_NOT_FOUND_ERROR = "REMOTE_LINK_NOT_FOUND_ERROR"
    LINK_NOT_FOUND_ERROR = "LINK_NOT_FOUND_ERROR"
    AUTHENTICATION_ERROR = "AUTHENTICATION_ERROR"
    BROKER_AUTHENTICATION_ERROR = "BROKER_AUTHENTICATION_ERROR"
    AUTHORIZATION_ERROR = "AUTHORIZATION_ERROR"
    BROKER_AUTHORIZATION_ERROR = "BROKER_AUTHORIZATION_ERROR"
    SECURITY_DISABLED_ERROR = "SECURITY_DISABLED_ERROR"
    CONSUMER_GROUP_IN_USE_ERROR = "CONSUMER_GROUP_IN_USE_ERROR"
    TOPIC_EXISTS_ERROR = "TOPIC_EXISTS_ERROR"
    POLICY_VIOLATION_ERROR = "POLICY_VIOLATION_ERROR"
    INVALID_TOPIC = "INVALID_TOPIC"
    ACL_LIMIT_EXCEEDED = "ACL_LIMIT_EXCEEDED"
    UNKNOWN_TOPIC_OR_PARTITION_ERROR = "UNKNOWN_TOPIC_OR_PARTITION_ERROR"
    REMOTE_MIRROR_NOT_FOUND_ERROR = "REMOTE_MIRROR_NOT_FOUND_ERROR"
    INVALID_REQUEST_ERROR = "INVALID_REQUEST_ERROR"
    LINK_COORDINATOR_NOT_ENABLED_ERROR = "LINK_COORDINATOR_NOT_ENABLED_ERROR"
    SUPPRESSED_ERRORS = "SUPPRESSED_ERRORS"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    UNKNOWN = "UNKNOWN"
    NO_ERROR = "NO_ERROR"


class MirrorStatus(Word):
    """The twelve states of a mirror (MIRROR-25..36)."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    LINK_PAUSED = "LINK_PAUSED"
    SOURCE_UNAVAILABLE = "SOURCE_UNAVAILABLE"
    LINK_FAILED = "LINK_FAILED"
    FAILED = "FAILED"
    PENDING_MIRROR = "PENDING_MIRROR"
    PENDING_SYNCHRONIZE = "PENDING_SYNCHRONIZE"
    PENDING_STOPPED = "PENDING_STOPPED"
    STOPPED = "STOPPED"
    PENDING_SETUP_FOR_RESTORE = "PENDING_SETUP_FOR_RESTORE"
    PENDING_RESTORE = "PENDING_RESTORE"

    @property
    def is_copying(self) -> bool:
        """Data may flow: ACTIVE, being set up, catching up, or draining (but see `Mirror.is_copying`)."""
        return self in _COPYING

    @property
    def is_read_only(self) -> bool:
        """Every state but STOPPED keeps the guard of MIRROR-4 up."""
        return self is not MirrorStatus.STOPPED

    @property
    def category(self) -> StateCategory:
        """The bucket of STATE-60 that this state's partitions are counted in."""
        return _CATEGORIES[self]


class StateCategory(Word):
    """Buckets in which a link's description counts mirror partitions (STATE-60)."""

    PAUSED = "PAUSED"
    IN_ERROR = "IN_ERROR"
    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class MirrorError(OpenWord):
    """Why a mirror failed (MIRROR-38..46)."""

    NO_ERROR = "NO_ERROR"
    NOT_SET = "NOT_SET"
    UNKNOWN = "UNKNOWN"
    SOURCE_TOPIC_MAY_BE_DELETED = "SOURCE_TOPIC_MAY_BE_DELETED"
    SOURCE_TOPIC_ID_CHANGED = "SOURCE_TOPIC_ID_CHANGED"
    SOURCE_PARTITIONS_DECREASED = "SOURCE_PARTITIONS_DECREASED"
    NON_MONOTONIC_SOURCE_EPOCH = "NON_MONOTONIC_SOURCE_EPOCH"
    NON_MONOTONIC_LOG_APPEND_EPOCH = "NON_MONOTONIC_LOG_APPEND_EPOCH"
    UNEXPECTED_TRUNCATION = "UNEXPECTED_TRUNCATION"
    UNSUPPORTED_MESSAGE_FORMAT = "UNSUPPORTED_MESSAGE_FORMAT"
    ILLEGAL_STATE = "ILLEGAL_STATE"
    UNSUPPORTED_MIRROR_STATE = "UNSUPPORTED_MIRROR_STATE"


class PendingOperation(Word):
    """The operation that a mirror in a PENDING state is carrying out; one state can belong to several (MIRROR-37)."""

    PROMOTE = "PROMOTE"
    FAILOVER = "FAILOVER"
    REVERSE_AND_START = "REVERSE_AND_START"
    REVERSE_AND_PAUSE = "REVERSE_AND_PAUSE"
    TRUNCATE_AND_RESTORE = "TRUNCATE_AND_RESTORE"


_COPYING = frozenset(
    {
        MirrorStatus.ACTIVE,
        MirrorStatus.PENDING_MIRROR,
        MirrorStatus.PENDING_SYNCHRONIZE,
        MirrorStatus.PENDING_STOPPED,
    }
)

_CATEGORIES = {
    MirrorStatus.ACTIVE: StateCategory.ACTIVE,
    MirrorStatus.PAUSED: StateCategory.PAUSED,
    MirrorStatus.LINK_PAUSED: StateCategory.PAUSED,
    MirrorStatus.SOURCE_UNAVAILABLE: StateCategory.IN_ERROR,
    MirrorStatus.LINK_FAILED: StateCategory.IN_ERROR,
    MirrorStatus.FAILED: StateCategory.IN_ERROR,
    MirrorStatus.PENDING_MIRROR: StateCategory.PENDING,
    MirrorStatus.PENDING_SYNCHRONIZE: StateCategory.PENDING,
    MirrorStatus.PENDING_STOPPED: StateCategory.PENDING,
    MirrorStatus.PENDING_SETUP_FOR_RESTORE: StateCategory.PENDING,
    MirrorStatus.PENDING_RESTORE: StateCategory.PENDING,
    MirrorStatus.STOPPED: StateCategory.NOT_APPLICABLE,
}
