"""`clusterlink link configuration` and its short forms: list, describe, update, pause, resume (CLI-43, 44, 46)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

from pipeline.cli.given import filters, merged
from pipeline.cli.given_configs import configs_option, filter_options, read_configs
from pipeline.cli.link_shown import CONFIG_COLUMNS, config_row
from pipeline.cli.options import Session, dry_run, example, session
from pipeline.cli.output import show_object, show_rows
from pipeline.cli.suggesting import Group

Change = dict[str, Any]
PAUSED = "cluster.link.paused"


@click.group(cls=Group, epilog=example("clusterlink link configuration list east"))
def configuration() -> None:
    """See and change the properties of a link."""


@configuration.command("list", epilog=example("clusterlink link configuration list east -o json"))
@click.argument("name", metavar="LINK")
@session
def list_configs(on: Session, name: str) -> None:
    """List the properties of a link, defaults included; secrets are not shown."""
    with on.rest() as rest:
        found = rest.get("links", name, "configs")["data"]
    show_rows([config_row(data) for data in found], CONFIG_COLUMNS, on.output)


@configuration.command(epilog=example("clusterlink link configuration describe east consumer.offset.sync.ms"))
@click.argument("name", metavar="LINK")
@click.argument("config", metavar="CONFIG")
@session
def describe(on: Session, name: str, config: str) -> None:
    """Show one property of a link."""
    with on.rest() as rest:
        data = rest.get("links", name, "configs", config)
    show_object(config_row(data), CONFIG_COLUMNS, on.output)


def _update(on: Session, name: str, reset: tuple[str, ...], dry_run: bool, **given: Any) -> None:
    """Change properties of a link: all of them or, where one is refused, none."""
    configs = merged(
        [
            read_configs(given["config"], given["config_file"]),
            filters({option: path for option, path in given.items() if option.endswith("_json_file")}),
        ]
    )
    both = configs.keys() & set(reset)
    if both:
        raise click.UsageError(f"cannot both set and --reset {', '.join(sorted(both))}")
    changes: list[Change] = [{"name": config, "value": value, "operation": "SET"} for config, value in configs.items()]
    changes += [{"name": config, "operation": "DELETE"} for config in reset]
    if not changes:
        raise click.UsageError("nothing to change: give --config, --reset or a filter file")
    _alter(on, name, changes, dry_run, "Updated")


def _alter(on: Session, name: str, changes: Iterable[Change], dry_run: bool, done: str) -> None:
    with on.rest() as rest:
        rest.call("PUT", ("links", name, "configs:alter"), {"validate_only": dry_run}, {"data": list(changes)})
    click.echo(f'{"[DRY RUN]: " if dry_run else ""}{done} cluster link "{name}".')


def _update_command(path: str) -> click.Command:
    command: Callable[..., None] = session(_update)
    command = dry_run(command)
    command = click.option("--reset", multiple=True, help="Property to put back to its default. May be repeated.")(
        command
    )
    command = configs_option(filter_options(command))
    command = click.argument("name", metavar="LINK")(command)
    epilog = example(
        f"clusterlink {path} east --config consumer.offset.sync.ms=10000",
        f"clusterlink {path} east --reset consumer.offset.sync.ms --dry-run",
    )
    return click.command("update", epilog=epilog)(command)


def _pause_command(verb: str, paused: bool, done: str) -> click.Command:
    def run(on: Session, name: str, dry_run: bool) -> None:
        _alter(on, name, [{"name": PAUSED, "value": str(paused).lower(), "operation": "SET"}], dry_run, done)

    run.__doc__ = f"{verb.capitalize()} a whole link: its data, offsets, ACLs and configs."
    command = click.argument("name", metavar="LINK")(dry_run(session(run)))
    return click.command(verb, epilog=example(f"clusterlink link {verb} east"))(command)


configuration.add_command(_update_command("link configuration update"))
SHORT_FORMS = (
    _update_command("link update"),
    _pause_command("pause", True, "Paused"),
    _pause_command("resume", False, "Resumed"),
)
"""Commands of the group `link` itself."""
