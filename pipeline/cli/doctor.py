"""`clusterlink doctor`: examine a pair of clusters before a link is made; asks the clusters themselves, no worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from pipeline.cli.given_configs import client_configs
from pipeline.cli.options import Session, example, own_cluster, session, source_cluster
from pipeline.cli.output import Format, show_rows
from pipeline.wording import counted

if TYPE_CHECKING:
    from pipeline.doctor.finding import Finding

COLUMNS = {"side": "Cluster", "check": "Check", "status": "Status", "found": "Found", "mend": "What to do"}
MOST_GROUPS = 200
"""Groups of the source that the destination is asked about."""


@click.command(
    epilog=example(
        "clusterlink doctor --source-bootstrap-server a:9092 --bootstrap-server b:9092",
        "clusterlink doctor --source-command-config a.properties --command-config b.properties --topic orders -o json",
    )
)
@source_cluster(
    "Addresses of the source cluster.",
    "File of client properties for it, with the credentials that the link shall have.",
)
@own_cluster(
    "Addresses of the workers' own cluster.", "File of client properties for it, with the workers' credentials."
)
@click.option("--topic", "topics", multiple=True, help="Topic to be mirrored; may be repeated.  [default: all visible]")
@click.option(
    "--app-id", envvar="CLUSTERLINK_APP_ID", default="clusterlink", show_default=True, help="The workers' app_id."
)
@click.option("--all", "all_checks", is_flag=True, help="Show what is well, too; JSON and YAML always do.")
@session
def doctor(
    on: Session,
    *,
    source_bootstrap_server: str | None,
    source_command_config: str | None,
    bootstrap_server: str | None,
    command_config: str | None,
    topics: tuple[str, ...],
    app_id: str,
    all_checks: bool,
) -> None:
    """Examine two clusters before a link is made, and say what to mend. Changes nothing.

    Looks at every broker, versions, cluster ids, permissions, clocks and limits. Exit code 1 where a link would not
    work.
    """
    import asyncio  # noqa: PLC0415  only where needed: start-up time

    from pipeline.doctor.finding import Status, exit_code, verdict  # noqa: PLC0415

    source = client_configs(source_bootstrap_server, source_command_config)
    own = client_configs(bootstrap_server, command_config)
    for configs, option in ((source, "--source-bootstrap-server"), (own, "--bootstrap-server")):
        if "bootstrap.servers" not in configs:
            raise click.UsageError(f"say where the cluster is: {option}, or bootstrap.servers in its file")
    findings = asyncio.run(_examined(source, own, topics, app_id))
    shown = [each for each in findings if all_checks or each.status is not Status.OK or on.output is not Format.HUMAN]
    if shown:
        show_rows([finding.to_json() for finding in shown], COLUMNS, on.output)
    if on.output is Format.HUMAN:
        if len(shown) < len(findings):
            click.echo(f"{counted(len(findings) - len(shown), 'check')} passed; --all shows them.")
        click.echo(verdict(findings))
    raise SystemExit(exit_code(findings))


async def _examined(
    source: Mapping[str, str], own: Mapping[str, str], topics: Sequence[str], app_id: str
) -> list[Finding]:
    from pipeline.cluster.errors import ClusterError  # noqa: PLC0415  Kafka clients only where needed: start-up time
    from pipeline.cluster.versions import Role  # noqa: PLC0415
    from pipeline.doctor.asking import examine  # noqa: PLC0415
    from pipeline.doctor.judging import judge  # noqa: PLC0415

    there = await examine(source, Role.SOURCE, topics)
    groups = [] if isinstance(there.groups, ClusterError) else list(there.groups)[:MOST_GROUPS]
    here = await examine(own, Role.DESTINATION, ask_of_groups=groups)
    return judge(there, here, topics, app_id)
