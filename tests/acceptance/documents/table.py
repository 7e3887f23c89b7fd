"""What the documents' commands need to be run here: what has to be there first; and what is left out, and why."""

from __future__ import annotations

import re
from enum import Enum

from tests.support.documents import Piece


class Need(Enum):
    """What a reader who types a command has already."""

    NOTHING = "topics at the source"
    LINK = "a link"
    PREFIXED = "a link with the prefix `east.`"
    MIRRORS = "a link and mirrors that copy"
    PAUSED = "a link and paused mirrors"
    PAUSED_LINK = "a paused link with mirrors"
    SIDES = "a bidirectional link, and mirrors on this side"
    OLD_SOURCE = "the same, failed over, and the reader is on the old source"


NEEDS = (
    (r'"kind": "link.create"|^curl|link create|^apply|cluster (id|list)|doctor|secret seal', Need.NOTHING),
    (r"mirror create east\.", Need.PREFIXED),
    (r'mirror create|"kind": "(mirror.create|link.update|link.delete)"', Need.LINK),
    (r"truncate-and-restore", Need.OLD_SOURCE),
    (r"reverse-and-", Need.SIDES),
    (r'mirror resume|"kind": "mirror.resume"', Need.PAUSED),
    (r"link resume", Need.PAUSED_LINK),
    (r"east|LINK|MIRROR|<link>|<mirror>|link list|mirror |export|orders", Need.MIRRORS),
)
"""The first row that fits a piece's first command says what it needs; where none fits, it needs nothing."""

LOOKS = r" (describe|list|verify|export|doctor|id|seal|update)( |$)|--dry-run"
"""Commands after which everything is as the next one needs it."""

SECURITY = re.compile(r"^.*\b(security\.protocol|sasl\.|ssl\.).*\n", re.M)
"""Lines of files that are left out: the clusters here are open. With security: tests/broker/security."""

LEFT_OUT = (
    (r"^make demo", "its program is run by tests/broker/demo"),
    (r"^make (test|check|format|setup)", "this is what runs these tests"),
    (r"^make nightly", "hours; its tests are run at their everyday size"),
    (r"^(make bench|python -m bench)", "long measurements; tests/broker/bench runs small ones"),
    (r"^(make (chaos|soak)|python -m tests.chaos)", "hours; tests/fault/test_chaos.py runs a few"),
    (r"^(make fuzz|python -m tests.fuzz)", "minutes; tests/unit/mirror/test_fuzz.py runs a few seeds"),
    (r"^faust -A pipeline.app worker", "the worker of every test is started so"),
    (r"^pipx? (install|wheel)", "tests/broker/deploy/test_wheel.py does both, tests/broker/security uses the extra"),
    (r"^useradd|^systemctl", "wants systemd as process 1; run by hand, see docs/deployment.md"),
    (r"^docker", "wants an engine and images; run by hand, see docs/deployment.md"),
    (r"^helm", "wants Kubernetes; run by hand, see docs/deployment.md; tests/broker/deploy renders the chart"),
    (r'"kind": "mirror.become-mirror"', "what the other side's workers send in a reverse"),
)
"""What is not run here, and why, or by what else; the pattern is of the beginning of what a page says."""


def need_of(piece: Piece) -> Need:
    lines = [line for line in piece.text.splitlines() if re.search(r"clusterlink (?!link list$)|^curl", line)]
    first = lines[0] if lines else piece.text
    return next((need for pattern, need in NEEDS if re.search(pattern, first)), Need.NOTHING)


def why_left_out(piece: Piece) -> str:
    """The reason, or nothing where the piece is run."""
    if piece.page == "quickstart.md" and piece.kind != "line":
        return "tests/acceptance/test_quickstart.py runs that page"
    return next((why for pattern, why in LEFT_OUT if re.search(pattern, piece.text.strip())), "")
