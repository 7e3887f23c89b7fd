"""A run: a fault a round, and after each the question whether the mirror has caught up and both logs are the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.local.errors import BrokerFailed
from tests.chaos.checking import Findings
from tests.chaos.faults import Fault, Hand, draw
from tests.chaos.topics import COMPACTED
from tests.chaos.world import World, world

CATCH_UP_WITHIN_S = 240.0
END_WITHIN_S = 240.0
IS_QUICK_S = 3.0
"""A mirror that is less far behind than this under load has caught up."""


@dataclass(frozen=True)
class Round:
    """One fault and what came of it."""

    number: int
    fault: Fault
    hand: Hand
    took_s: float
    """Of the fault itself."""
    caught_up_s: float | None
    """After it; None for stuck."""
    most_behind_s: float
    """The oldest record the mirror ever lacked, from the fault's beginning to the end of the round."""
    taken_over_s: float | None
    """The same until the others had taken over and caught up; None where nobody had to."""


@dataclass
class Outcome:
    """A whole run."""

    seed: int
    findings: Findings
    rounds: list[Round] = field(default_factory=list)
    ended_by_themselves: int = 0
    late_ends: int = 0
    slowest_end_s: float = 0.0
    records: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def stuck(self) -> int:
        return sum(each.caught_up_s is None for each in self.rounds)

    @property
    def is_good(self) -> bool:
        return not (self.findings.counts or self.stuck or self.failures)


def run(
    seed: int,
    rounds: int,
    folder: Path,
    *,
    first: int = 1,
    only: str = "",
    workers: int = 2,
    rest_s: float = 0.3,
    say: Callable[[str], None] = print,
    is_over: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Do `rounds` faults with `only` in their names, beginning with number `first`.

    Ends early where something is wrong, or `is_over` says so.
    """
    with world(seed, folder, rest_s, say, workers) as made:
        outcome = Outcome(seed, made.checker.findings)
        for number in range(first, first + rounds):
            done = _round(made, seed, number, only)
            outcome.rounds.append(done)
            outcome.failures = [repr(each) for each in (*made.load.failures, *made.checker.failures)]
            say(_line(done, outcome))
            if done.caught_up_s is None or outcome.failures or outcome.findings.counts or is_over():
                break
        made.load.stop()
        finish(made, outcome)
    return outcome


def _round(made: World, seed: int, number: int, only: str) -> Round:
    fault, hand = draw(seed, number, made, only)
    where = f"{hand.side}, worker {hand.worker + 1}{', all' if hand.both else ''}, {hand.seconds:.1f} s"
    made.say(f"{time.strftime('%H:%M:%S')} {number:>3}  {fault.name} ({where})")
    made.watch.most_behind_s, made.taken_over_s = 0.0, None
    began = time.monotonic()
    is_undone = True
    try:
        fault.do(made, hand)
    except (AssertionError, BrokerFailed) as error:  # something did not come back within its limit
        made.say(f"    {error}")
        is_undone = False
    over = time.monotonic()
    is_caught_up = is_undone and _has_caught_up(made, CATCH_UP_WITHIN_S)
    caught_up_s = time.monotonic() - over if is_caught_up else None
    made.checker.settle()
    return Round(number, fault, hand, over - began, caught_up_s, made.watch.most_behind_s, made.taken_over_s)


def _has_caught_up(made: World, within_s: float) -> bool:
    """The mirror has what the source had when this was asked, and is not behind any more."""
    asked_at, wanted = time.monotonic(), None
    while time.monotonic() - asked_at < within_s:
        made.supervise()
        if wanted is None:
            before = made.watch.source_ends
            time.sleep(1.0)
            wanted = made.watch.source_ends if made.watch.source_ends is not before else None
        elif made.watch.mirror_has(wanted) and made.watch.behind_s < IS_QUICK_S and made.shared():
            return True
        time.sleep(0.25)
    made.say(f"    the mirror ends at {made.watch.mirror_ends}, the source at {made.watch.source_ends}")
    made.say(f"    workers own {[sorted(worker.owned) for worker in made.workers]}")
    return False


def finish(made: World, outcome: Outcome) -> None:
    """After the load has ended everything has to be compared, and nothing may be left over on either side."""
    deadline = time.monotonic() + END_WITHIN_S
    while time.monotonic() < deadline and (
        made.checker.waiting() or made.watch.mirror_ends != made.watch.source_ends or made.watch.behind_s
    ):
        time.sleep(0.5)
    time.sleep(2)
    made.checker.settle()
    for place, count in made.checker.waiting().items():
        made.checker.findings.add("unequal at the end", f"{place}: {count} records on one side only")
    if made.watch.mirror_ends != made.watch.source_ends:
        made.checker.findings.add("unequal at the end", f"{made.watch.mirror_ends}, not {made.watch.source_ends}")
    if COMPACTED and not outcome.stuck:  # a mirror that is behind has other tables, and nothing lost
        made.checker.tables()
    outcome.ended_by_themselves = made.ended_by_themselves
    outcome.late_ends = made.late_ends
    outcome.slowest_end_s = made.slowest_end_s
    outcome.records = made.load.records


def _line(done: Round, outcome: Outcome) -> str:
    after = "STUCK" if done.caught_up_s is None else f"caught up {done.caught_up_s:.1f} s after"
    counts = ", ".join(f"{count} {kind}" for kind, count in outcome.findings.counts.items()) or "nothing wrong"
    return (
        f"              it took {done.took_s:.1f} s, {after}, at most {done.most_behind_s:.1f} s behind; "
        f"{outcome.findings.compared} records compared, {counts}"
    )
