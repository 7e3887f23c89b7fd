"""Broker answers are judged by one table: its codes are real, and what is not in it fails loudly (I4)."""

from __future__ import annotations

import pytest

from pipeline.cluster.errors import KafkaFailure
from pipeline.link.states import MirrorError, TaskErrorCode
from pipeline.mirror.verdicts import ROWS, Api, Judgement, Row, Verdict, judge

EVERY_CODE = range(-1, 200)
OTHER_NAMES = {  # kafka-python's name: Kafka's
    "UNKNOWN": "UNKNOWN_SERVER_ERROR",
    "NO_ERROR": "NONE",
    "NOT_LEADER_FOR_PARTITION": "NOT_LEADER_OR_FOLLOWER",
    "MESSAGE_SIZE_TOO_LARGE": "MESSAGE_TOO_LARGE",
    "INVALID_TOPIC": "INVALID_TOPIC_EXCEPTION",
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name}-{row.verdict.name}")
def test_a_row_names_a_code_that_kafka_has(row: Row) -> None:
    theirs = KafkaFailure(row.code).name  # of kafka-python's table
    assert row.name == OTHER_NAMES.get(theirs, theirs)


@pytest.mark.parametrize("api", Api)
@pytest.mark.parametrize("remote", [True, False])
def test_what_the_table_does_not_know_fails_and_says_so(api: Api, remote: bool) -> None:
    listed = {row.code for row in ROWS if api in row.apis}
    for code in set(EVERY_CODE) - listed:
        judgement = judge(api, code, remote=remote)
        expected = Verdict.FAIL_TASK if api is Api.OFFSET_COMMIT else Verdict.FAIL_MIRROR
        assert judgement.verdict is expected
        assert judgement.reason == f"unknown error code {code} from {api.name}"
        assert judgement.error is not None
        assert judgement.may_have_written


@pytest.mark.parametrize("api", Api)
def test_only_zero_is_fine(api: Api) -> None:
    assert [code for code in EVERY_CODE if judge(api, code, remote=True).verdict is Verdict.OK] == [0]


def test_failures_carry_a_code_of_the_right_kind_and_nothing_else_does() -> None:
    kinds = {
        Verdict.FAIL_MIRROR: MirrorError,
        Verdict.SPLIT: MirrorError,
        Verdict.FAIL_TASK: TaskErrorCode,
        Verdict.DENIED: TaskErrorCode,
    }
    for api in Api:
        for code in EVERY_CODE:
            judgement = judge(api, code, remote=False)
            kind = kinds.get(judgement.verdict)
            assert (judgement.error is None) if kind is None else isinstance(judgement.error, kind), (api, code)


@pytest.mark.parametrize("code", [7, 45, 46, 47])
def test_a_doubtful_append_is_read_again(code: int) -> None:
    assert judge(Api.PRODUCE, code, remote=False).verdict is Verdict.READ_AGAIN


@pytest.mark.parametrize("code", [7, 47, 52])
def test_doubtful_markers_are_read_again(code: int) -> None:
    assert judge(Api.WRITE_TXN_MARKERS, code, remote=False).verdict is Verdict.READ_AGAIN


def test_only_plain_refusals_count_as_not_written() -> None:
    """A claim's token may be used again only after one of these; a moved leader may have appended before it moved."""
    surely_not = {code for code in EVERY_CODE if not judge(Api.WRITE_TXN_MARKERS, code, remote=False).may_have_written}
    assert surely_not >= {19, 29, 31, 47, 52}
    assert not surely_not & {-1, 3, 5, 6, 7, 13, 20, 56}


def test_a_missing_permission_says_on_which_side() -> None:
    assert judge(Api.LIST_OFFSETS, 29, remote=True).error is TaskErrorCode.AUTHORIZATION_ERROR
    assert judge(Api.LIST_OFFSETS, 29, remote=False).error is TaskErrorCode.BROKER_AUTHORIZATION_ERROR


def test_a_reason_names_the_code() -> None:
    expected = Judgement(Verdict.REFRESH, "the leader moved, maybe after appending (NOT_LEADER_OR_FOLLOWER, 6)")
    assert judge(Api.FETCH, 6, remote=True) == expected
