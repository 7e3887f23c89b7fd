"""Everything clusterlink refuses or gives up, in one tree; each leaf is a row of spec 8.4.

ClusterlinkError
|-- LinkError                   the answer to a request: HTTP status, error_code, message
|   |-- Refused                 the caller must ask for something else
|   |   |-- Malformed           400   400    REST-70  cannot be read: body, parameter, name
|   |   |-- IllegalTransition   400   400    MIRROR-37, MIRROR-54
|   |   |-- Invalid             400   40002  REST-71  readable, refused content
|   |   |   `-- InvalidProperties            2.7      every problem of a set of properties at once
|   |   |-- UnsupportedVersion  400   40035  REST-72, REST-91
|   |   |-- NotAuthenticated    401   40101  REST-73
|   |   |-- NotAuthorized       403   40301  REST-74
|   |   |-- LinkInUse           403   40301  REST-75  delete of a link with live mirrors
|   |   |-- NotFound            404   404    REST-76
|   |   |   |-- LinkNotFound
|   |   |   `-- ClusterNotFound
|   |   |-- TopicNotFound       404   40403  REST-77  source topic or mirror unknown
|   |   |-- MethodNotAllowed    405   405    REST-78
|   |   |-- UnsupportedMedia    415   415    REST-78
|   |   |-- LinkExists          409   40902  REST-79
|   |   `-- EmptyBody           422   422    REST-80
|   `-- Failed                  the same request may succeed another time, except InternalError
|       |-- TooManyRequests     429   429    REST-81
|       |-- InternalError       500   500    REST-82
|       |-- KafkaRetriable      500   50003  REST-83
|       |-- Unavailable         503   503    REST-84  no worker is alive
|       `-- RemoteTimedOut      504   504    REST-85
`-- MirrorFailure               stops one mirror, with a state, a code and a way out (invariant I4)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from pipeline.link.states import MirrorError


class ClusterlinkError(Exception):
    """Root of the tree. `message` is meant for the person who asked and never holds a secret (SEC-34)."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class LinkError(ClusterlinkError):
    """A request was not carried out. `retriable`: the same request may succeed later."""

    status: int = 500
    error_code: int = 500
    retriable: ClassVar[bool] = False

    def body(self) -> dict[str, int | str]:
        """The body that every REST error has (spec 8.4)."""
        return {"error_code": self.error_code, "message": self.message}


class Refused(LinkError):
    """The caller must change the request."""

    status = 400
    error_code = 400


class Malformed(Refused):
    """REST-70: body, parameter or name that cannot be read; the message names the field."""


class IllegalTransition(Refused):
    """MIRROR-37, MIRROR-54: the operation does not apply to the mirror's present state, which the message names."""


class Invalid(Refused):
    """REST-71: can be read, but its content is refused."""

    error_code = 40002


class InvalidProperties(Invalid):
    """Every problem found in a set of properties (spec 2.7), one line each, sorted."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class UnsupportedVersion(Refused):
    """REST-72, REST-91: a broker lacks a protocol version; the message names broker, API and versions."""

    error_code = 40035


class NotAuthenticated(Refused):
    """REST-73."""

    status = 401
    error_code = 40101

    def __init__(self, message: str = "Authentication failed") -> None:
        super().__init__(message)


class NotAuthorized(Refused):
    """REST-74."""

    status = 403
    error_code = 40301

    def __init__(self, message: str = "Request is not authorized") -> None:
        super().__init__(message)


class LinkInUse(Refused):
    """REST-75, LINK-100, LINK-101: the link still has mirrors that are not STOPPED."""

    status = 403
    error_code = 40301


class NotFound(Refused):
    """REST-76: no such thing, or no such path."""

    status = 404
    error_code = 404


class LinkNotFound(NotFound):
    """REST-76, LINK-105."""

    def __init__(self, link: str) -> None:
        super().__init__(f"The cluster link doesn't exist: Cluster link '{link}' does not exist.")


class ClusterNotFound(NotFound):
    """Spec 8: a cluster id that this endpoint does not serve."""

    def __init__(self, cluster_id: str) -> None:
        super().__init__(f"Cluster {cluster_id} cannot be found.")


class TopicNotFound(Refused):
    """REST-77: source topic or mirror unknown. `detail` is put behind the text clients know."""

    status = 404
    error_code = 40403

    def __init__(self, detail: str = "") -> None:
        super().__init__(f"This server does not host this topic-partition. {detail}".rstrip())


class MethodNotAllowed(Refused):
    """REST-78."""

    status = 405
    error_code = 405


class UnsupportedMedia(Refused):
    """REST-78."""

    status = 415
    error_code = 415


class LinkExists(Refused):
    """REST-79, CONF-18."""

    status = 409
    error_code = 40902

    def __init__(self, link: str) -> None:
        super().__init__(f"Cluster link '{link}' already exists.")


class EmptyBody(Refused):
    """REST-80."""

    status = 422
    error_code = 422

    def __init__(self) -> None:
        super().__init__("Payload error. Request body is empty. Data is required.")


class Failed(LinkError):
    """The request was fine; carrying it out failed."""

    retriable = True


class TooManyRequests(Failed):
    """REST-81."""

    status = 429
    error_code = 429


class InternalError(Failed):
    """REST-82: a defect of ours. Its cause is in the log, not in the message."""

    retriable = False

    def __init__(self, message: str = "Internal Server Error") -> None:
        super().__init__(message)


class KafkaRetriable(Failed):
    """REST-83: not controller, coordinator loading, timeout."""

    error_code = 50003


class Unavailable(Failed):
    """REST-84: no worker is alive to carry the request out; nothing was queued."""

    status = 503
    error_code = 503


class RemoteTimedOut(Failed):
    """REST-85: the remote cluster did not answer in time while a link was being validated; nothing was created."""

    status = 504
    error_code = 504


class MirrorFailure(ClusterlinkError):
    """What cannot be mirrored exactly stops this mirror and no other (I4). The message says what to do."""

    def __init__(self, code: MirrorError, message: str) -> None:
        super().__init__(message)
        self.code = code


class RecordedError(LinkError):
    """An error that was read back from a result record; has the status and code it was written with."""

    def __init__(self, status: int, error_code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code


def from_result(status: int, error_code: int, message: str) -> LinkError:
    """Give the error that a result record stands for, so that a door of the house can raise what a worker refused."""
    for kind in _leaves(LinkError):
        if (kind.status, kind.error_code) == (status, error_code) and kind.__init__ is ClusterlinkError.__init__:
            return kind(message)
    return RecordedError(status, error_code, message)


def _leaves(kind: type[LinkError]) -> Iterator[type[LinkError]]:
    for child in kind.__subclasses__():
        if child is not RecordedError:
            yield child
            yield from _leaves(child)
