"""What an examination comes to, in a sentence and an exit code."""

from __future__ import annotations

import pytest

from pipeline.doctor.finding import Finding, Side, Status, exit_code, verdict


@pytest.mark.parametrize(
    "found, said, code",
    [
        ((Status.OK, Status.NOTE), "A link would work: nothing to mend.", 0),
        ((Status.OK, Status.WARNING, Status.WARNING, Status.UNKNOWN), "A link would work: 2 warnings, 1 unknown.", 0),
        ((Status.ERROR, Status.WARNING), "A link would not work: 1 error, 1 warning.", 1),
    ],
)
def test_what_it_comes_to(found: tuple[Status, ...], said: str, code: int) -> None:
    findings = [Finding(Side.SOURCE, "check", status, "found") for status in found]
    assert (verdict(findings), exit_code(findings)) == (said, code)
