"""One error tree; each leaf is a row of spec 8.4."""

from __future__ import annotations

import pytest

from pipeline.link import errors
from pipeline.link.states import MirrorError

ROWS = [
    (errors.Malformed("x"), 400, 400),
    (errors.IllegalTransition("x"), 400, 400),
    (errors.Invalid("x"), 400, 40002),
    (errors.InvalidProperties(["x"]), 400, 40002),
    (errors.UnsupportedVersion("x"), 400, 40035),
    (errors.NotAuthenticated(), 401, 40101),
    (errors.NotAuthorized(), 403, 40301),
    (errors.LinkInUse("x"), 403, 40301),
    (errors.LinkNotFound("x"), 404, 404),
    (errors.ClusterNotFound("x"), 404, 404),
    (errors.TopicNotFound("x"), 404, 40403),
    (errors.MethodNotAllowed("x"), 405, 405),
    (errors.UnsupportedMedia("x"), 415, 415),
    (errors.LinkExists("x"), 409, 40902),
    (errors.EmptyBody(), 422, 422),
    (errors.TooManyRequests("x"), 429, 429),
    (errors.InternalError(), 500, 500),
    (errors.KafkaRetriable("x"), 500, 50003),
    (errors.Unavailable("x"), 503, 503),
    (errors.RemoteTimedOut("x"), 504, 504),
]


@pytest.mark.parametrize(("error", "status", "code"), ROWS, ids=lambda row: type(row).__name__)
def test_each_row_of_8_4_has_its_status_and_code(error: errors.LinkError, status: int, code: int) -> None:
    assert (error.status, error.body()) == (status, {"error_code": code, "message": error.message})


@pytest.mark.parametrize(("error", "status", "code"), ROWS, ids=lambda row: type(row).__name__)
def test_a_recorded_refusal_comes_back_with_its_status_code_and_message(
    error: errors.LinkError, status: int, code: int
) -> None:
    again = errors.from_result(status, code, error.message)
    assert (again.status, again.error_code, again.message) == (status, code, error.message)


def test_texts_that_clients_know() -> None:
    """REST-73, 74, 76, 77, 79, 80."""
    assert errors.NotAuthenticated().message == "Authentication failed"
    assert errors.NotAuthorized().message == "Request is not authorized"
    assert errors.LinkNotFound("l").message == "The cluster link doesn't exist: Cluster link 'l' does not exist."
    assert errors.TopicNotFound().message == "This server does not host this topic-partition."
    assert errors.LinkExists("l").message == "Cluster link 'l' already exists."
    assert errors.EmptyBody().message == "Payload error. Request body is empty. Data is required."


def test_only_failures_are_worth_repeating() -> None:
    assert errors.Unavailable("x").retriable
    assert not errors.Invalid("x").retriable
    assert not errors.InternalError().retriable


def test_a_mirror_failure_is_no_answer_to_a_request() -> None:
    """I4: it belongs to one mirror and names its code."""
    failure = errors.MirrorFailure(MirrorError.ILLEGAL_STATE, "foreign write at offset 7 of partition 0")
    assert not isinstance(failure, errors.LinkError)
    assert failure.code is MirrorError.ILLEGAL_STATE
