"""What a copier is not allowed to do, in the words of a task's errors (STATE-35, STATE-36). Pure."""

from __future__ import annotations

from pipeline.link.models import TaskError
from pipeline.link.states import TaskErrorCode
from pipeline.mirror.verdicts import Api, Judgement, Verdict

_OPERATIONS = {Api.FETCH: "READ", Api.PRODUCE: "WRITE", Api.WRITE_TXN_MARKERS: "ALTER"}


def missing(api: Api, judgement: Judgement, topic: str) -> TaskError | None:
    """The permission without which a topic cannot be copied; None where an answer says something else."""
    if judgement.verdict is not Verdict.DENIED or not isinstance(judgement.error, TaskErrorCode):
        return None
    side = "source" if judgement.error is TaskErrorCode.AUTHORIZATION_ERROR else "destination"
    where = f"the cluster, for the gaps of {topic}," if api is Api.WRITE_TXN_MARKERS else f"topic {topic}"
    return TaskError(judgement.error, f"{side}: {_OPERATIONS[api]} on {where} is not allowed: {judgement.reason}")
