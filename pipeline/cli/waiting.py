"""`--wait`: until every mirror is in its final state, or the time is up (CLI-64)."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click

from pipeline.cli.rest import Refusal, Rest

POLL_S = 0.5
LOST = "FAILED"
NO_ERROR = "NO_ERROR"


def wait_for(rest: Rest, mirrors: Sequence[tuple[str, str]], final: str, timeout_s: float) -> bool:
    """Poll the mirrors, given as (link, topic), behind a progress bar on stderr.

    False where the time ran out or a mirror failed or vanished; what kept each of them is then printed.
    """
    from rich.console import Console  # noqa: PLC0415  only where asked for: start-up time
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    waiting, lost, deadline = set(mirrors), set[tuple[str, str]](), time.monotonic() + timeout_s
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(f"until {final}", total=len(waiting))
        while True:
            states = _states(rest, {link for link, _ in waiting})
            lost |= {mirror for mirror in waiting if states.get(mirror, LOST) == LOST}
            waiting = {mirror for mirror in waiting - lost if states[mirror] != final}
            progress.update(bar, completed=len(mirrors) - len(waiting))
            if not waiting or time.monotonic() >= deadline:
                break
            time.sleep(min(POLL_S, max(0.0, deadline - time.monotonic())))
    for link, topic in sorted(waiting | lost):
        _explain(rest, link, topic, final)
    return not waiting and not lost


def _states(rest: Rest, links: set[str]) -> dict[tuple[str, str], str]:
    return {
        (link, str(mirror["mirror_topic_name"])): str(mirror["mirror_status"])
        for link in links
        for mirror in rest.get("links", link, "mirrors")["data"]
    }


def _explain(rest: Rest, link: str, topic: str, final: str) -> None:
    try:
        mirror = rest.get("links", link, "mirrors", topic, include_state_transition_errors=True)
    except Refusal as refusal:
        click.echo(f"{topic}: {refusal.message}", err=True)
        return
    error = mirror["mirror_topic_error"]
    click.echo(f"{topic}: {mirror['mirror_status']}, not {final}{f' ({error})' if error != NO_ERROR else ''}", err=True)
    for each in mirror["mirror_state_transition_errors"]:
        click.echo(f"  {each['error_code']}: {each['error_message']}", err=True)
    if error == NO_ERROR and not mirror["mirror_state_transition_errors"]:
        click.echo(
            f"  No error is known yet, and it goes on; `clusterlink mirror state-transition-error list {topic} "
            f"--link {link}` shows what keeps it.",
            err=True,
        )
