"""`clusterlink mirror verify`: compare both sides record by record (CLI-55). The comparison itself is
`pipeline.verify`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.finding import links_of
from pipeline.cli.given_configs import client_configs
from pipeline.cli.options import Session, example, link_option, own_cluster, session, source_cluster
from pipeline.cli.output import Format, show_data, show_object

if TYPE_CHECKING:
    from pipeline.verify import Progress as Passed
    from pipeline.verify import Report

SHOWN_BY_LINK = "bootstrap.servers"
SECURITY = "security.protocol"


@click.command(
    epilog=example(
        "clusterlink mirror verify orders --link east --bootstrap-server b:9092 --sample 0.01",
        "clusterlink mirror verify orders --command-config b.properties --source-command-config a.properties",
    )
)
@click.argument("name", metavar="MIRROR")
@link_option
@click.option("--from", "from_offset", type=click.IntRange(min=0), help="First offset of every partition to compare.")
@click.option("--to", "to_offset", type=click.IntRange(min=0), help="First offset not to compare.")
@click.option(
    "--sample",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Share of the offsets to compare.",
)
@click.option(
    "--committed-only",
    is_flag=True,
    help="Leave out what only read_uncommitted consumers see; for a mirror that was the source before a reverse.",
)
@own_cluster("Addresses of the mirror's cluster.", "File of client properties for it.")
@source_cluster("Addresses of the source cluster.  [default: the link's]", "File of client properties for it.")
@session
def verify(
    on: Session,
    *,
    name: str,
    link: str | None,
    from_offset: int | None,
    to_offset: int | None,
    sample: float,
    committed_only: bool,
    **given: Any,
) -> None:
    """Compare a mirror with its source: offset, key, value, headers and timestamp of every record.

    Exit code 1 at the first difference, naming partition and offset.
    """
    import asyncio  # noqa: PLC0415  only where needed: start-up time

    with on.rest() as rest:
        (where,) = links_of(rest, (name,), link)
        source_topic = str(rest.get("links", where, "mirrors", name)["source_topic_name"])
        shown = {str(row["name"]): row["value"] for row in rest.get("links", where, "configs")["data"]}
    destination = client_configs(given["bootstrap_server"], given["command_config"])
    source = client_configs(given["source_bootstrap_server"], given["source_command_config"])
    if SHOWN_BY_LINK not in destination:
        raise click.UsageError("say where the mirror's cluster is: --bootstrap-server or --command-config")
    source = _source_configs(source, shown, bool(given["source_command_config"]))
    report = asyncio.run(
        _compare(
            source,
            destination,
            source_topic,
            name,
            from_offset=from_offset,
            to_offset=to_offset,
            sample=sample,
            committed_only=committed_only,
        )
    )
    _show(report, on.output)
    raise SystemExit(report.exit_code)


def _source_configs(given: Mapping[str, str], shown: Mapping[str, str | None], has_file: bool) -> dict[str, str]:
    """The link's addresses where none are given. Its credentials are secret: verify brings its own."""
    configs = dict(given)
    servers = shown.get(SHOWN_BY_LINK)
    if SHOWN_BY_LINK not in configs and servers:
        configs[SHOWN_BY_LINK] = servers
    if SHOWN_BY_LINK not in configs:
        raise click.UsageError("say where the source cluster is: --source-bootstrap-server")
    protocol = shown.get(SECURITY) or "PLAINTEXT"
    if not has_file and protocol != "PLAINTEXT":
        raise click.UsageError(
            f"the link uses {protocol}: give client properties for the source with --source-command-config"
        )
    return configs


async def _compare(
    source: Mapping[str, str],
    destination: Mapping[str, str],
    source_topic: str,
    mirror_topic: str,
    *,
    from_offset: int | None,
    to_offset: int | None,
    sample: float,
    committed_only: bool,
) -> Report:
    from rich.console import Console  # noqa: PLC0415  both only where needed: start-up time
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    from pipeline.verify import VerifyError  # noqa: PLC0415
    from pipeline.verify import verify as compare  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"comparing {mirror_topic}", total=None)

        def show(now: Passed) -> None:
            bar.update(task, completed=now.offsets, total=now.total_offsets, description=f"{now.records:,} records")

        try:
            return await compare(
                source,
                destination,
                source_topic,
                mirror_topic,
                from_offset=from_offset,
                to_offset=to_offset,
                sample=sample,
                committed_only=committed_only,
                progress=show,
            )
        except VerifyError as error:
            raise click.ClickException(str(error)) from None


def _show(report: Report, form: Format) -> None:
    from pipeline.verify import as_lines  # noqa: PLC0415

    if form is not Format.HUMAN:
        show_data(report.to_json(), form)
        return
    lines = as_lines(report)
    show_object(lines, {name: name for name in lines}, form)
    for note in report.notes:
        click.echo(note, err=True)
