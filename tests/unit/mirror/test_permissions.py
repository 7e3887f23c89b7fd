"""Permissions that a copier lacks: in which words they are listed, and until when (STATE-35, STATE-36)."""

from __future__ import annotations

import pytest

from pipeline.link.models import Position
from pipeline.link.states import TaskErrorCode
from pipeline.mirror.permissions import missing
from pipeline.mirror.pieces import Piece, PieceStatus
from pipeline.mirror.verdicts import Api, judge

PIECE = Piece("link", "orders", "eu.orders", 3, "source-id", "mirror-id", 100)


@pytest.mark.parametrize(
    ("api", "code", "remote", "listed"),
    [
        (Api.FETCH, 29, True, "AUTHORIZATION_ERROR source: READ on topic orders is not allowed"),
        (Api.PRODUCE, 29, False, "BROKER_AUTHORIZATION_ERROR destination: WRITE on topic orders is not allowed"),
        (Api.WRITE_TXN_MARKERS, 31, False, "destination: ALTER on the cluster, for the gaps of orders, is not allowed"),
    ],
)
def test_operation_and_resource_are_named(api: Api, code: int, remote: bool, listed: str) -> None:
    error = missing(api, judge(api, code, remote=remote), "orders")
    assert error is not None
    assert listed in f"{error.error_code} {error.error_message}"
    assert f", {code})" in error.error_message


@pytest.mark.parametrize("code", [0, 3, 19, 45])
def test_what_is_no_matter_of_permissions_is_none(code: int) -> None:
    assert missing(Api.PRODUCE, judge(Api.PRODUCE, code), "orders") is None


def test_they_are_reported_until_what_they_are_for_has_worked() -> None:
    status = PieceStatus(PIECE, "w:1")
    read, write = (missing(api, judge(api, 29, remote=api is Api.FETCH), "t") for api in (Api.FETCH, Api.PRODUCE))
    assert read is not None and write is not None
    status.refused(Api.FETCH, read)
    status.refused(Api.PRODUCE, write)
    status.is_changed = False
    status.refused(Api.PRODUCE, write)
    status.refused(Api.PRODUCE, None)
    assert not status.is_changed, "the same once more is no news, and neither is another error"
    reported = Position.from_json(status.position().to_json())
    assert [each.error_code for each in reported.denied] == [
        TaskErrorCode.AUTHORIZATION_ERROR,
        TaskErrorCode.BROKER_AUTHORIZATION_ERROR,
    ]
    status.seen(10, 10, 5)
    assert status.is_changed and status.position().denied == (write,)
    status.is_changed = False
    status.allowed(Api.PRODUCE)
    assert status.is_changed and status.position().denied == ()
