"""`clusterlink mirror promote`, `failover` and so on: one command a row, and truncate-and-restore (CLI-51, 52)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from pipeline.cli.finding import find_link, links_of
from pipeline.cli.mirror_shown import OPERATION_COLUMNS, TRUNCATE_COLUMNS, operation_rows, truncate_rows
from pipeline.cli.options import Session, dry_run, example, link_option, session, wait_timeout
from pipeline.cli.output import show_rows
from pipeline.cli.rest import REFUSED, Rest
from pipeline.cli.waiting import wait_for


@dataclass(frozen=True)
class Operation:
    """Its name here, its verb in REST paths, the state in which it is done (CLI-64)."""

    name: str
    verb: str
    final: str
    help: str


PLAIN = (
    Operation("promote", "promote", "STOPPED", "Stop mirroring once nothing is missing; topics become regular."),
    Operation("failover", "failover", "STOPPED", "Stop mirroring at once, source reachable or not."),
    Operation("pause", "pause", "PAUSED", "Pause mirroring."),
    Operation("resume", "resume", "ACTIVE", "Resume mirroring."),
    Operation(
        "reverse-and-start", "reverse-and-start-mirror", "STOPPED", "Swap source and mirror, and start mirroring back."
    ),
    Operation(
        "reverse-and-pause", "reverse-and-pause-mirror", "STOPPED", "Swap source and mirror; mirroring back is paused."
    ),
)
TRUNCATE = Operation(
    "truncate-and-restore", "truncate-and-restore", "ACTIVE", "Cut what diverged; topics become mirrors."
)


@dataclass(frozen=True)
class Chosen:
    """Which mirrors of which link: names, or a pattern."""

    link: str
    names: tuple[str, ...] = ()
    pattern: str | None = None

    def body(self) -> dict[str, Any]:
        if self.pattern is not None:
            return {"mirror_topic_name_pattern": self.pattern}
        return {"mirror_topic_names": list(self.names)}


def _choose(rest: Rest, names: Sequence[str], link: str | None, everything: bool, pattern: str | None) -> list[Chosen]:
    if bool(names) + everything + (pattern is not None) != 1:
        raise click.UsageError("give names of mirrors, or --all, or --pattern")
    if names:
        return [Chosen(where, tuple(topics)) for where, topics in links_of(rest, names, link).items()]
    where = link or find_link(rest)
    if pattern is not None:
        return [Chosen(where, pattern=pattern)]
    found = rest.get("links", where, "mirrors")["data"]
    live = tuple(str(each["mirror_topic_name"]) for each in found if each["mirror_status"] != "STOPPED")
    return [Chosen(where, live)] if live else []


def _shared(command: Callable[..., None]) -> Callable[..., None]:
    """Arguments and options of all operations."""
    for option in (
        session,
        wait_timeout,
        click.option("--wait", is_flag=True, help="Return when every mirror is in its final state."),
        dry_run,
        click.option("--pattern", help="Mirrors whose whole name matches this regular expression."),
        click.option("--all", "everything", is_flag=True, help="All mirrors of the link that are not stopped."),
        link_option,
        click.argument("names", metavar="[MIRROR]...", nargs=-1),
    ):
        command = option(command)
    return command


Answer = tuple[str, dict[str, Any]]
"""A link, and the answer for one of its topics."""


def _carry_out(
    rest: Rest, operation: Operation, choices: list[Chosen], query: dict[str, Any], extra: dict[str, Any]
) -> list[Answer]:
    """Ask once per link."""
    answers = []
    for chosen in choices:
        path = ("links", chosen.link, f"mirrors:{operation.verb}")
        found = rest.call("POST", path, query, chosen.body() | extra)["data"]
        answers += [(chosen.link, data) for data in found]
    return answers


def _plain(operation: Operation) -> click.Command:
    def operate(
        on: Session,
        *,
        names: tuple[str, ...],
        link: str | None,
        everything: bool,
        pattern: str | None,
        dry_run: bool,
        wait: bool,
        timeout: float,
    ) -> None:
        with on.rest() as rest:
            choices = _choose(rest, names, link, everything, pattern)
            answers = _carry_out(rest, operation, choices, {"validate_only": dry_run}, {})
            show_rows([row for _, data in answers for row in operation_rows(data)], OPERATION_COLUMNS, on.output)
            _finish(rest, operation, answers, wait and not dry_run, timeout)

    operate.__doc__ = operation.help
    epilog = example(
        f"clusterlink mirror {operation.name} orders --link east", f"clusterlink mirror {operation.name} --all --wait"
    )
    return click.command(operation.name, epilog=epilog)(_shared(operate))


@click.command(
    TRUNCATE.name,
    help=TRUNCATE.help,
    epilog=example(
        "clusterlink mirror truncate-and-restore orders --link both --dry-run --include-partitions",
        "clusterlink mirror truncate-and-restore orders --link both --wait",
    ),
)
@_shared
@click.option("--include-partitions", is_flag=True, help="A row for each partition.")
@click.option("--no-save-diverged", is_flag=True, help="Do not save what is cut off to a side topic first.")
def truncate(
    on: Session,
    *,
    names: tuple[str, ...],
    link: str | None,
    everything: bool,
    pattern: str | None,
    dry_run: bool,
    wait: bool,
    timeout: float,
    include_partitions: bool,
    no_save_diverged: bool,
) -> None:
    """Cut what diverged; topics become mirrors."""

    if bool(names) + everything + (pattern is not None) != 1:
        raise click.UsageError("give names of topics, or --all, or --pattern")
    query = {"validate_only": dry_run, "include_partition_level_truncation_data": include_partitions}
    extra = {"save_diverged": False} if no_save_diverged else {}
    hidden = () if include_partitions else ("partition", "offset_truncated_to")
    columns = {name: title for name, title in TRUNCATE_COLUMNS.items() if name not in hidden}
    with on.rest() as rest:
        chosen = Chosen(link or find_link(rest), names, ".*" if everything else pattern)
        answers = _carry_out(rest, TRUNCATE, [chosen], query, extra)
        show_rows([row for _, data in answers for row in truncate_rows(data, include_partitions)], columns, on.output)
        _finish(rest, TRUNCATE, answers, wait and not dry_run, timeout)


def _finish(rest: Rest, operation: Operation, answers: list[Answer], wait: bool, timeout: float) -> None:
    """Exit 1 if any topic was refused, or did not get to its final state in time (CLI-62, CLI-64)."""
    accepted = [(link, str(data["mirror_topic_name"])) for link, data in answers if not data["error_code"]]
    done = wait_for(rest, accepted, operation.final, timeout) if wait and accepted else True
    if not done or len(accepted) < len(answers):
        raise SystemExit(REFUSED)


OPERATIONS = (*(_plain(operation) for operation in PLAIN), truncate)
