"""`clusterlink link`: create, list, describe, delete (CLI-40, 41, 42, 47). Changing one is in `changing`."""

from __future__ import annotations

from typing import Any

import click

from pipeline.cli.given import credentials, filters, merged, one_of, pairs
from pipeline.cli.given_configs import configs_option, filter_options, printable, read_configs
from pipeline.cli.link_shown import (
    LINK_COLUMNS,
    TASK_COLUMNS,
    described_link_row,
    link_row,
    readable_task,
    task_rows,
    topic_rows,
)
from pipeline.cli.options import Session, dry_run, example, force, session
from pipeline.cli.output import Format, show_object, show_rows
from pipeline.cli.rest import Refusal, Rest
from pipeline.cli.suggesting import Group
from pipeline.wording import counted

SIDES = ("source", "destination", "remote")


@click.group(cls=Group, epilog=example("clusterlink link list"))
def link() -> None:
    """Manage cluster links."""


def _sides(command: Any) -> Any:
    for side in reversed(SIDES):
        for option, sentence in (
            ("api-secret", "Its secret; better from the environment."),
            ("api-key", f"API key for the {side} cluster: SASL_SSL with PLAIN."),
            ("bootstrap-server", f"Addresses of the {side} cluster."),
        ):
            env = f"CLUSTERLINK_{side}_{option}".upper().replace("-", "_")
            command = click.option(f"--{side}-{option}", envvar=env, help=sentence)(command)
        command = click.option(f"--{side}-cluster", help=f"Expected id of the {side} cluster.")(command)
    return command


@link.command(
    epilog=example(
        "clusterlink link create east --source-cluster 0gXf5xg8Sp2G4FlxNriNaA --source-bootstrap-server a:9092",
        "clusterlink link create east --source-cluster 0gXf5xg8Sp2G4FlxNriNaA --config east.config --dry-run",
    )
)
@click.argument("name", metavar="LINK")
@_sides
@click.option("--source-cluster-id", hidden=True)
@click.option(
    "--local-api-key",
    envvar="CLUSTERLINK_LOCAL_API_KEY",
    help="API key for the own cluster, for links that dial from here.",
)
@click.option(
    "--local-api-secret", envvar="CLUSTERLINK_LOCAL_API_SECRET", help="Its secret; better from the environment."
)
@click.option("--cluster-link-id", help="Id of the link's first side, when this is the second.")
@configs_option
@filter_options
@click.option("--no-validate", is_flag=True, help="Create it without reaching the other cluster.")
@dry_run
@session
def create(on: Session, name: str, no_validate: bool, dry_run: bool, **given: Any) -> None:
    """Create a link named LINK."""
    servers = one_of(**{f"{side}_bootstrap_server": given[f"{side}_bootstrap_server"] for side in SIDES})
    configs = merged(
        [
            read_configs(given["config"], given["config_file"]),
            filters({option: path for option, path in given.items() if option.endswith("_json_file")}),
            {"bootstrap.servers": servers} if servers else {},
            *(credentials(given[f"{side}_api_key"], given[f"{side}_api_secret"], side) for side in SIDES),
            credentials(given["local_api_key"], given["local_api_secret"], "local", "local."),
        ]
    )
    source = one_of(source_cluster=given["source_cluster"], source_cluster_id=given["source_cluster_id"])
    body = {
        "source_cluster_id": source,
        "destination_cluster_id": given["destination_cluster"],
        "remote_cluster_id": given["remote_cluster"],
        "cluster_link_id": given["cluster_link_id"],
        "configs": pairs(configs),
    }
    with on.rest() as rest:
        rest.call(
            "POST",
            ("links",),
            {"link_name": name, "validate_only": dry_run, "validate_link": not no_validate},
            {field: value for field, value in body.items() if value is not None},
        )
    shown = printable(configs)
    click.echo(f'{"[DRY RUN]: " if dry_run else ""}Created cluster link "{name}"{" with configs:" if shown else "."}')
    for config, value in sorted(shown.items()):
        click.echo(f'"{config}"="{value}"')


@link.command("list", epilog=example("clusterlink link list --include-topics -o json"))
@click.option("--include-topics", is_flag=True, help="A row for each mirror topic.")
@session
def list_links(on: Session, include_topics: bool) -> None:
    """List the links of the cluster."""
    with on.rest() as rest:
        found = rest.get("links")["data"]
    rows = [row for data in found for row in (topic_rows(data) if include_topics else [link_row(data)])]
    show_rows(rows, LINK_COLUMNS, on.output)


@link.command(epilog=example("clusterlink link describe east --include-tasks"))
@click.argument("name", metavar="LINK")
@click.option("--include-tasks", is_flag=True, help="Its tasks too.")
@session
def describe(on: Session, name: str, include_tasks: bool) -> None:
    """Describe a link."""
    with on.rest() as rest:
        data = rest.get("links", name, include_tasks=include_tasks)
    row = described_link_row(data)
    if on.output is not Format.HUMAN:
        show_object(row | ({"tasks": task_rows(data["tasks"] or ())} if include_tasks else {}), LINK_COLUMNS, on.output)
        return
    show_object(row, LINK_COLUMNS, on.output)
    if include_tasks:
        show_rows([readable_task(task) for task in task_rows(data["tasks"] or ())], TASK_COLUMNS, on.output)


@link.command(epilog=example("clusterlink link delete east --failover-mirrors"))
@click.argument("names", metavar="LINK...", nargs=-1, required=True)
@force
@click.option("--failover-mirrors", is_flag=True, help="First fail over the mirrors that are not stopped.")
@dry_run
@session
def delete(on: Session, names: tuple[str, ...], force: bool, failover_mirrors: bool, dry_run: bool) -> None:
    """Delete links. Their topics and data stay, the history of their stopped mirrors goes."""
    with on.rest() as rest:
        for name in names:
            _check_exists(rest, name)
        if not force and not dry_run:
            stopped = [m for name in names for m in rest.get("links", name, "mirrors", mirror_status="STOPPED")["data"]]
            if stopped:
                many = counted(len(stopped), "stopped mirror")
                click.echo(f"The history of {many} will be gone; `clusterlink mirror list` shows it.", err=True)
            click.confirm(f"Delete cluster link {', '.join(names)}?", abort=True, err=True)
        for name in names:
            rest.call("DELETE", ("links", name), {"force": failover_mirrors, "validate_only": dry_run})
            click.echo(f'{"[DRY RUN]: " if dry_run else ""}Deleted cluster link "{name}".')


def _check_exists(rest: Rest, name: str) -> None:
    """Nothing is deleted if any of the names is unknown (CLI-7)."""
    try:
        rest.get("links", name)
    except Refusal as refusal:
        if refusal.status == 404 and refusal.error_code == 404 and "link" in refusal.message:
            raise click.ClickException(f'cluster link "{name}" not found') from None
        raise
