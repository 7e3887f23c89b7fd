"""`clusterlink link task list` (CLI-45)."""

from __future__ import annotations

import click

from pipeline.cli.link_shown import TASK_COLUMNS, TASK_RUN_COLUMNS, readable_task, task_rows
from pipeline.cli.options import Session, example, session
from pipeline.cli.output import Format, show_rows
from pipeline.cli.suggesting import Group


@click.group(cls=Group, epilog=example("clusterlink link task list east"))
def task() -> None:
    """See what the periodic tasks of a link do."""


@task.command("list", epilog=example("clusterlink link task list east --verbose"))
@click.argument("name", metavar="LINK")
@click.option("--verbose", is_flag=True, help="Last run, its duration and what it did too.")
@session
def list_tasks(on: Session, name: str, verbose: bool) -> None:
    """List the tasks of a link with their errors."""
    with on.rest() as rest:
        data = rest.get("links", name, include_tasks=True, include_task_runs=verbose or None)
    rows = task_rows(data["tasks"] or (), with_runs=verbose)
    human = on.output is Format.HUMAN
    columns = TASK_COLUMNS | (TASK_RUN_COLUMNS if verbose else {})
    show_rows([readable_task(row) for row in rows] if human else rows, columns, on.output)
