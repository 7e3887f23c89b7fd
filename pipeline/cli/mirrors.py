"""`clusterlink mirror`: create, list, describe, delete (CLI-48, 49, 50, 54)."""

from __future__ import annotations

import time
from typing import Any

import click

from pipeline.cli.finding import find_link, links_of
from pipeline.cli.given import pairs
from pipeline.cli.given_configs import configs_option, read_configs
from pipeline.cli.mirror_shown import DESCRIBE_COLUMNS, LIST_COLUMNS, VERBOSE_COLUMNS, list_row, partition_rows
from pipeline.cli.options import Session, dry_run, example, force, link_option, session, wait_timeout
from pipeline.cli.output import show_rows
from pipeline.cli.rest import REFUSED
from pipeline.cli.suggesting import Group
from pipeline.cli.waiting import wait_for

STATUSES = (
    "active",
    "paused",
    "link_paused",
    "source_unavailable",
    "link_failed",
    "failed",
    "pending_mirror",
    "pending_synchronize",
    "pending_stopped",
    "stopped",
    "pending_setup_for_restore",
    "pending_restore",
)


@click.group(cls=Group, epilog=example("clusterlink mirror list --link east"))
def mirror() -> None:
    """Manage mirror topics."""


@mirror.command(
    epilog=example(
        "clusterlink mirror create orders --link east --wait",
        "clusterlink mirror create east.orders --link east --source-topic orders --replication-factor 3",
    )
)
@click.argument("name", metavar="MIRROR")
@link_option
@click.option("--source-topic", help="Topic to mirror; needed where the link has a prefix. [default: MIRROR]")
@click.option(
    "--replication-factor", type=click.IntRange(min=1), help="Replicas of each partition. [default: the cluster's]"
)
@configs_option
@dry_run
@click.option("--wait", is_flag=True, help="Return when the mirror is ACTIVE.")
@wait_timeout
@session
def create(
    on: Session,
    *,
    name: str,
    link: str | None,
    source_topic: str | None,
    replication_factor: int | None,
    dry_run: bool,
    wait: bool,
    timeout: float,
    **given: Any,
) -> None:
    """Create a mirror topic named MIRROR."""
    configs = read_configs(given["config"], given["config_file"])
    body = {"source_topic_name": source_topic or name, "mirror_topic_name": name}
    optional = {"replication_factor": replication_factor, "configs": pairs(configs) or None}
    body |= {field: value for field, value in optional.items() if value is not None}  # type: ignore[misc]
    with on.rest() as rest:
        where = link or find_link(rest)
        rest.call("POST", ("links", where, "mirrors"), {"validate_only": dry_run}, body)
        click.echo(f'{"[DRY RUN]: " if dry_run else ""}Created mirror topic "{name}".')
        if wait and not dry_run and not wait_for(rest, [(where, name)], "ACTIVE", timeout):
            raise SystemExit(REFUSED)


@mirror.command("list", epilog=example("clusterlink mirror list --mirror-status active -o json"))
@link_option
@click.option("--mirror-status", type=click.Choice(STATUSES, case_sensitive=False), help="Only mirrors in this state.")
@session
def list_mirrors(on: Session, link: str | None, mirror_status: str | None) -> None:
    """List mirror topics, of one link or of all."""
    with on.rest() as rest:
        status = mirror_status.upper() if mirror_status else None
        found = rest.get("links", link or "-", "mirrors", mirror_status=status)["data"]
    show_rows([list_row(data) for data in found], LIST_COLUMNS, on.output)


@mirror.command(epilog=example("clusterlink mirror describe orders --link east --verbose"))
@click.argument("name", metavar="MIRROR")
@link_option
@click.option(
    "--verbose",
    is_flag=True,
    help="Log ends, age of the last reported fetch and worker of each partition too.",
)
@session
def describe(on: Session, name: str, link: str | None, verbose: bool) -> None:
    """Describe a mirror topic, partition by partition."""
    with on.rest() as rest:
        (where,) = links_of(rest, (name,), link)
        data = rest.get("links", where, "mirrors", name, include_partition_states=verbose or None)
    columns = DESCRIBE_COLUMNS | (VERBOSE_COLUMNS if verbose else {})
    show_rows(partition_rows(data, int(time.time() * 1000)), columns, on.output)


@mirror.command(epilog=example("clusterlink mirror delete orders --link east --force"))
@click.argument("names", metavar="MIRROR...", nargs=-1, required=True)
@link_option
@force
@dry_run
@session
def delete(on: Session, names: tuple[str, ...], link: str | None, force: bool, dry_run: bool) -> None:
    """Delete mirror topics and their data here; the source topics stay."""
    with on.rest() as rest:
        by_link = links_of(rest, names, link)
        for where, topics in by_link.items():
            for topic in topics:
                rest.get("links", where, "mirrors", topic)
        if not force and not dry_run:
            click.confirm(f"Delete mirror topic {', '.join(names)} with all its data?", abort=True, err=True)
        for where, topics in by_link.items():
            for topic in topics:
                rest.call("DELETE", ("links", where, "mirrors", topic), {"validate_only": dry_run})
                click.echo(f'{"[DRY RUN]: " if dry_run else ""}Deleted mirror topic "{topic}".')
