"""`clusterlink mirror state-transition-error list`: why a mirror does not get on (CLI-53)."""

from __future__ import annotations

import click

from pipeline.cli.finding import links_of
from pipeline.cli.mirror_shown import ERROR_COLUMNS
from pipeline.cli.options import Session, example, link_option, session
from pipeline.cli.output import show_rows
from pipeline.cli.suggesting import Group


@click.group(
    "state-transition-error",
    cls=Group,
    epilog=example("clusterlink mirror state-transition-error list orders --link east"),
)
def state_transition_error() -> None:
    """See what keeps a mirror in a PENDING state."""


@state_transition_error.command(
    "list", epilog=example("clusterlink mirror state-transition-error list orders --link east")
)
@click.argument("name", metavar="MIRROR")
@link_option
@session
def list_errors(on: Session, name: str, link: str | None) -> None:
    """List the errors of a mirror's state transition."""
    with on.rest() as rest:
        (where,) = links_of(rest, (name,), link)
        data = rest.get("links", where, "mirrors", name, include_state_transition_errors=True)
    show_rows(data["mirror_state_transition_errors"], ERROR_COLUMNS, on.output)
