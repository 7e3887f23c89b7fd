"""Codes of answers that are needed to go on: 0, or an error of the kind that the table of verdicts says."""

from __future__ import annotations

from pipeline.cluster.errors import check
from pipeline.link.errors import MirrorFailure
from pipeline.mirror.verdicts import Api, judge


def accept(api: Api, code: int, operation: str, resource: str, message: str = "", *, remote: bool = False) -> None:
    """Raise ClusterError for a code that passes, MirrorFailure for one that the table of verdicts does not let pass
    (I4). `remote`: the source cluster answered.
    """
    judgement = judge(api, code, remote=remote)
    if judgement.failure is not None:
        raise MirrorFailure(judgement.failure, f"{resource}: {judgement.reason}{': ' if message else ''}{message}")
    check(code, message, operation=operation, resource=resource)
