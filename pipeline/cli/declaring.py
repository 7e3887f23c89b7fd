"""`clusterlink apply` and `clusterlink export`: links and mirrors as a file says they shall be."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.given import pairs, read_text
from pipeline.cli.options import Session, dry_run, example, force, session
from pipeline.cli.output import Format, show_data
from pipeline.cli.rest import REFUSED, Refusal, Rest
from pipeline.cli.waiting import wait_for

if TYPE_CHECKING:
    from pipeline.declared.models import DeclaredLink
    from pipeline.declared.planning import Plan, Step

SIGNS = {"create": "+", "delete": "-"}


@click.command(
    epilog=example(
        "clusterlink apply -f links.yaml --dry-run",
        "clusterlink apply -f links.yaml",
        "clusterlink apply -f links.yaml --prune",
    )
)
@click.option("-f", "--file", "path", required=True, help="File of links, YAML or JSON; `-` reads it from stdin.")
@click.option(
    "--prune", is_flag=True, help="Also reset properties, fail over mirrors and delete links not in the file."
)
@click.option("--secrets", is_flag=True, help="Set secrets that a link has already; whether they differ is not known.")
@click.option(
    "--timeout", type=click.FloatRange(min=0), default=120.0, show_default=True, help="Most seconds for a new mirror."
)
@force
@dry_run
@session
def apply(on: Session, *, path: str, prune: bool, secrets: bool, timeout: float, force: bool, dry_run: bool) -> None:
    """Make links and mirrors be as a file says: shows the difference first, then changes what differs."""
    from pipeline.cli.current import current_links  # noqa: PLC0415  only where needed: start-up time
    from pipeline.declared.planning import plan  # noqa: PLC0415

    links = _read(path)
    with on.rest() as rest:
        found = plan(
            links,
            current_links(rest, None if prune else {link.name for link in links}),
            prune=prune,
            secrets=secrets,
        )
        _show(found, on.output)
        for line, text in found.conflicts:
            click.echo(f"{path}:{line}: {text}", err=True)
        removed = [step for step in found.steps if _is_removal(step)]
        if removed and not force and not dry_run:
            click.confirm(
                f"Remove {len(removed)} links, mirrors or values that are not in {path}?", abort=True, err=True
            )
        done = sum([_try(rest, step, timeout, dry_run) for step in found.steps])
    if done < len(found.steps) or found.conflicts:
        raise SystemExit(REFUSED)


@click.command(epilog=example("clusterlink export > links.yaml", "clusterlink export east"))
@click.argument("names", metavar="[LINK]...", nargs=-1)
@session
def export(on: Session, names: tuple[str, ...]) -> None:
    """Write links and mirrors as a file for `clusterlink apply`; secrets become references to the environment."""
    from pipeline.cli.current import current_links  # noqa: PLC0415  only where needed: start-up time
    from pipeline.declared.exporting import export as text  # noqa: PLC0415
    from pipeline.declared.exporting import link_row  # noqa: PLC0415

    with on.rest() as rest:
        found = current_links(rest, names or None)
    if missing := sorted(set(names) - {link.name for link in found}):
        raise click.ClickException(f"cluster link {', '.join(missing)} not found")
    if on.output is Format.JSON:
        show_data({"links": [link_row(link) for link in found]}, Format.JSON)
    else:
        click.echo(text(found), nl=False)


def _read(path: str) -> list[DeclaredLink]:
    from pipeline.declared.models import DeclarationError  # noqa: PLC0415  only where needed: start-up time
    from pipeline.declared.reading import read  # noqa: PLC0415

    text, folder = (sys.stdin.read(), Path()) if path == "-" else (read_text(path), Path(path).parent)
    try:
        return read(text, path, folder)
    except DeclarationError as error:
        raise click.ClickException("\n".join([f"{len(error.problems)} problems in {path}:", *error.problems])) from None


def _is_removal(step: Step) -> bool:
    """What only --prune asks for: a link, a mirror that nobody declared, values that are reset."""
    return step.is_pruned or any(difference.after is None for difference in step.differences)


def _show(found: Plan, form: Format) -> None:
    if form is not Format.HUMAN:
        show_data([_row(step) for step in found.steps], form)
        return
    if not found.steps:
        click.echo("Nothing differs.")
    for step in found.steps:
        click.echo(_line(step))
        for each in step.differences:
            before = "(not set)" if each.before is None else each.before
            after = "(default)" if each.after is None else each.after
            is_new = step.action == "create link"
            click.echo(f"    {each.name} = {after}" if is_new else f"    {each.name}: {before} -> {after}")


def _line(step: Step) -> str:
    sign = SIGNS.get(step.action.partition(" ")[0], "~")
    what = f"mirror {step.mirror} of link {step.link}" if step.mirror else f"link {step.link}"
    return f"{sign} {step.action.partition(' ')[0]} {what}"


def _row(step: Step) -> dict[str, Any]:
    differences = [{"name": d.name, "before": d.before, "after": d.after} for d in step.differences]
    return {
        "action": step.action.value,
        "link_name": step.link,
        "mirror_topic_name": step.mirror or None,
        "mirror_status": step.before or None,
        "configs": differences,
    }


def _try(rest: Rest, step: Step, timeout_s: float, dry_run: bool) -> bool:
    """Take a step, or in a dry run have it checked where that is possible; a refusal does not stop the others."""
    try:
        return _take(rest, step, timeout_s, dry_run)
    except Refusal as refusal:
        click.echo(f"{_line(step)}: {refusal.message}", err=True)
        return False


def _take(rest: Rest, step: Step, timeout_s: float, dry_run: bool) -> bool:
    place, only = ("links", step.link), {"validate_only": dry_run}
    match step.action.value:
        case "create link":
            assert step.declared is not None
            body = {**step.declared.ids, "configs": pairs(step.declared.configs)}
            rest.call("POST", ("links",), {"link_name": step.link, **only}, body)
        case "update link":
            rest.call("PUT", (*place, "configs:alter"), only, {"data": _changes(step)})
        case "delete link":
            rest.call("DELETE", place, {"force": True, **only})
        case "create mirror":
            if not dry_run or _exists(rest, step.link):
                rest.call("POST", (*place, "mirrors"), only, _mirror_body(step))
        case verb:
            is_new = step.before in ("new", "PENDING_MIRROR")
            if is_new and dry_run:
                return True
            if is_new and not wait_for(rest, [(step.link, step.mirror)], "ACTIVE", timeout_s):
                return False
            answer = rest.call("POST", (*place, f"mirrors:{verb}"), only, {"mirror_topic_names": [step.mirror]})
            return _is_accepted(answer["data"])
    return True


def _is_accepted(rows: Sequence[dict[str, Any]]) -> bool:
    for row in rows:
        if row["error_code"]:
            click.echo(f"{row['mirror_topic_name']}: {row['error_message']}", err=True)
    return not any(row["error_code"] for row in rows)


def _exists(rest: Rest, link: str) -> bool:
    """In a dry run the link of a mirror may be about to be created as well; then the mirror cannot be checked."""
    return any(row["link_name"] == link for row in rest.get("links")["data"])


def _changes(step: Step) -> list[dict[str, str]]:
    assert step.values is not None
    return [
        {"name": name, "operation": "DELETE"} if value is None else {"name": name, "value": value, "operation": "SET"}
        for name, value in step.values.items()
    ]


def _mirror_body(step: Step) -> dict[str, Any]:
    mirror = step.declared_mirror
    assert mirror is not None
    body: dict[str, Any] = {"source_topic_name": mirror.source_topic, "mirror_topic_name": mirror.name}
    if mirror.replication_factor is not None:
        body["replication_factor"] = mirror.replication_factor
    return body | ({"configs": pairs(mirror.configs)} if mirror.configs else {})
