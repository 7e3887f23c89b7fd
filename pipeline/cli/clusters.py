"""`clusterlink cluster`: ids, from the endpoint or from a cluster itself (CLI-56)."""

from __future__ import annotations

import click

from pipeline.cli.given_configs import client_configs
from pipeline.cli.options import Session, example, session
from pipeline.cli.output import Format, show_data, show_rows
from pipeline.cli.suggesting import Group

COLUMNS = {"cluster_id": "Cluster ID", "url": "URL"}


@click.group(cls=Group, epilog=example("clusterlink cluster id"))
def cluster() -> None:
    """Find cluster ids."""


@cluster.command(
    "id",
    epilog=example(
        "clusterlink cluster id", "clusterlink cluster id --bootstrap-server a:9092 --command-config a.properties"
    ),
)
@click.option("--bootstrap-server", help="Ask this cluster itself instead of the endpoint.")
@click.option("--command-config", type=click.Path(), help="File of client properties for it.")
@session
def cluster_id(on: Session, bootstrap_server: str | None, command_config: str | None) -> None:
    """Print the id of a cluster."""
    if bootstrap_server or command_config:
        import asyncio  # noqa: PLC0415  only where needed: start-up time

        found = asyncio.run(_asked(client_configs(bootstrap_server, command_config)))
    else:
        with on.rest() as rest:
            found = rest.cluster_id
    if on.output is Format.HUMAN:
        click.echo(found)
    else:
        show_data({"cluster_id": found}, on.output)


@cluster.command("list", epilog=example("clusterlink cluster list -o json"))
@session
def list_clusters(on: Session) -> None:
    """List the clusters that the endpoint serves."""
    with on.rest() as rest:
        rows = [{"cluster_id": each["cluster_id"], "url": each["metadata"]["self"]} for each in rest.clusters()]
    show_rows(rows, COLUMNS, on.output)


async def _asked(configs: dict[str, str]) -> str:
    from pipeline.cluster.admin import Admin  # noqa: PLC0415  Kafka clients only where needed: start-up time
    from pipeline.cluster.errors import ClusterError  # noqa: PLC0415
    from pipeline.cluster.security import client_arguments  # noqa: PLC0415

    try:
        async with Admin(client_arguments(configs)) as admin:
            return await admin.cluster_id()
    except ClusterError as error:
        raise click.ClickException(str(error)) from None
