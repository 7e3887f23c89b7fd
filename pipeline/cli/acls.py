"""`clusterlink link acl list`: which ACLs a link has created (TASK-32)."""

from __future__ import annotations

import click

from pipeline.cli.options import Session, example, session
from pipeline.cli.output import show_rows
from pipeline.cli.suggesting import Group

COLUMNS = {
    "principal": "Principal",
    "host": "Host",
    "permission": "Permission",
    "operation": "Operation",
    "resource_type": "Resource Type",
    "resource_name": "Resource Name",
    "pattern_type": "Pattern Type",
}


@click.group(cls=Group, epilog=example("clusterlink link acl list east"))
def acl() -> None:
    """See what the ACL sync of a link has created."""


@acl.command("list", epilog=example("clusterlink link acl list east"))
@click.argument("name", metavar="LINK")
@session
def list_acls(on: Session, name: str) -> None:
    """List the ACLs that a link has created, and would delete where the source no longer has them."""
    with on.rest() as rest:
        data = rest.get("links", name, "acls")["data"]
    show_rows([{column: row[column] for column in COLUMNS} for row in data], COLUMNS, on.output)
