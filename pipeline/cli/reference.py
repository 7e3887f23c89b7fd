"""The reference part of docs/cli.md, drawn from the commands themselves: `python -m pipeline.cli.reference` rewrites
it.

A test compares the two, so the document cannot drift. Options that every command has are listed once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from pipeline.cli.main import cli

BEGIN = "<!-- drawn by python -m pipeline.cli.reference -->"
WORKER = ("worker",)
"""Its options are the settings, which have a document of their own."""


def reference() -> str:
    """All commands with their arguments, options and examples, in Markdown."""
    plain = [path for path, command in _commands(cli) if not isinstance(command, click.Group) and path != WORKER]
    common = set.intersection(*({_flags(option) for option in _options(_find(path))} for path in plain))
    lines = [BEGIN, "", "### Options of every command", "", *_table(_find(plain[0]), common, inside=True)]
    for path in plain:
        command = _find(path)
        arguments = " ".join(
            p.make_metavar(click.Context(command)) for p in command.params if p.param_type_name == "argument"
        )
        usage = " ".join(("clusterlink", *path, arguments)).strip()
        lines += ["", f"### `{usage}`", "", (command.help or "").strip()]
        own = _table(command, common, inside=False)
        lines += ["", *own] if own else []
        lines += ["", "```sh", *_examples(command), "```"]
    return "\n".join(lines) + "\n"


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in sorted(group.commands.items()):
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))


def _find(path: tuple[str, ...]) -> click.Command:
    return dict(_commands(cli))[path]


def _options(command: click.Command) -> list[click.Option]:
    return [option for option in command.params if isinstance(option, click.Option) and not option.hidden]


def _flags(option: click.Option) -> str:
    return ", ".join(f"`{name}`" for name in option.opts)


def _table(command: click.Command, common: set[str], *, inside: bool) -> list[str]:
    rows = [
        f"| {_flags(option)} | {f'`{option.envvar}`' if option.envvar else ''} | {_sentence(option)} |"
        for option in _options(command)
        if (_flags(option) in common) == inside
    ]
    return ["| Option | Environment | Meaning |", "| --- | --- | --- |", *rows] if rows else []


def _sentence(option: click.Option) -> str:
    """Its help; choices and a default that says something behind it."""
    more = []
    if isinstance(option.type, click.Choice):
        more.append("One of " + ", ".join(f"`{choice}`" for choice in option.type.choices) + ".")
    if option.show_default and option.default is not None:
        more.append(f"Default: `{option.default}`.")
    return " ".join([(option.help or "").replace("  ", " "), *more]).replace("|", "\\|")


def _examples(command: click.Command) -> list[str]:
    return [line.strip() for line in (command.epilog or "").splitlines() if line.strip().startswith("clusterlink")]


if __name__ == "__main__":
    document = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/cli.md")
    kept = document.read_text("utf-8").partition(BEGIN)[0]
    document.write_text(kept + reference(), "utf-8")
