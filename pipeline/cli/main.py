"""`clusterlink`: exit code 0 when all was done, 1 when anything was refused or failed, 2 for wrong usage (CLI-62)."""

from __future__ import annotations

import sys

import click

from pipeline.cli.acls import acl
from pipeline.cli.clusters import cluster
from pipeline.cli.configurations import SHORT_FORMS, configuration
from pipeline.cli.declaring import apply, export
from pipeline.cli.doctor import doctor
from pipeline.cli.links import link
from pipeline.cli.mirrors import mirror
from pipeline.cli.operations import OPERATIONS
from pipeline.cli.options import example
from pipeline.cli.sealing import secret
from pipeline.cli.suggesting import Group
from pipeline.cli.tasks import task
from pipeline.cli.transition_errors import state_transition_error
from pipeline.cli.verifying import verify
from pipeline.cli.worker import worker


def _show_version(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from importlib import metadata  # noqa: PLC0415  a tenth of a second that nothing else needs

        try:
            click.echo(f"clusterlink {metadata.version('clusterlink')}")
        except metadata.PackageNotFoundError:
            click.echo("clusterlink, not installed as a package")
        context.exit()


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog=example(
        "clusterlink link create east --source-cluster 0gXf5xg8Sp2G4FlxNriNaA --source-bootstrap-server a:9092",
        "clusterlink mirror create orders --link east",
        "clusterlink mirror describe orders",
    ),
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_version, help="Show it and exit."
)
def cli() -> None:
    """Mirror topics between Kafka clusters, offset for offset.

    Every option can come from the environment as well: --url from CLUSTERLINK_URL and so on. Completion for your shell:
    eval "$(_CLUSTERLINK_COMPLETE=bash_source clusterlink)" (or zsh_source, fish_source).
    """


cli.elsewhere = {
    "replica": "Brokers tell nobody outside how far the replicas of a topic are (CLI-15): kafka-topics.sh --describe "
    "shows leaders and in-sync replicas, `clusterlink mirror describe MIRROR --verbose` how far a mirror is."
}
for _group, _commands in (
    (cli, (link, mirror, apply, export, cluster, doctor, secret, worker)),
    (link, (*SHORT_FORMS, configuration, task, acl)),
    (mirror, (*OPERATIONS, state_transition_error, verify)),
):
    for _command in _commands:
        _group.add_command(_command)


def main() -> None:
    """Entry point: Ctrl-C and a closed pipe end quietly, everything else as click ends it."""
    try:
        cli(prog_name="clusterlink")
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
