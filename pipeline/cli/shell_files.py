"""The man page and the completions that the wheel brings, drawn from the commands.

`python -m pipeline.cli.shell_files` writes them into deploy/shell; a test compares them, so they cannot drift.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from pipeline.cli.main import cli

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "shell"
PROGRAM, VARIABLE = "clusterlink", "_CLUSTERLINK_COMPLETE"
_COMPLETIONS: dict[str, type[ShellComplete]] = {
    "clusterlink.bash": BashComplete,
    "_clusterlink": ZshComplete,
    "clusterlink.fish": FishComplete,
}
_HEAD = r""".\" drawn by python -m pipeline.cli.shell_files
.TH CLUSTERLINK 1 "" clusterlink "User commands"
.SH NAME
clusterlink \- mirror topics between Kafka clusters, offset for offset
.SH SYNOPSIS
.B clusterlink
.I command
[\fIoptions\fR]
"""
_TAIL = r""".SH EXIT STATUS
0 when all was done, 1 when anything was refused or failed, 2 for wrong usage.
"""


def files() -> dict[str, str]:
    """Each file's text by name."""
    found = {name: kind(cli, {}, PROGRAM, VARIABLE).source().strip() + "\n" for name, kind in _COMPLETIONS.items()}
    return {"clusterlink.1": man_page(), **found}


def man_page() -> str:
    """All commands on one page, in roff."""
    lines = [_HEAD.rstrip(), ".SH DESCRIPTION", *_paragraphs(cli.help or "")]
    lines.append(".SH COMMANDS")
    commands = [(path, command) for path, command in _commands(cli) if not isinstance(command, click.Group)]
    shared = set.intersection(*({option.name for option in _options(each)} for _, each in commands if _has_url(each)))
    for path, command in commands:
        lines += _command(path, command, shared)
    lines.append(".SH OPTIONS OF EVERY COMMAND")
    lines.append("But \\fBworker\\fR, whose options are its settings.")
    first = next(command for _, command in commands if _has_url(command))
    lines += [line for option in _options(first) if option.name in shared for line in _option(option)]
    return "\n".join(lines) + "\n" + _TAIL


def _command(path: tuple[str, ...], command: click.Command, shared: set[str | None]) -> list[str]:
    context = click.Context(command)
    arguments = [p.make_metavar(context) for p in command.params if isinstance(p, click.Argument)]
    lines = [f".SS {PROGRAM} {_roff(' '.join((*path, *arguments)))}", *_paragraphs(command.help or "")]
    own = [option for option in _options(command) if option.name not in shared or not _has_url(command)]
    lines += [line for option in own for line in _option(option)]
    if examples := [line.strip() for line in (command.epilog or "").splitlines() if line.startswith("  ")]:
        lines += [".PP", "Example:", ".nf", *(_roff(line) for line in examples), ".fi"]
    return lines


def _option(option: click.Option) -> list[str]:
    names = ", ".join(f"\\fB{_roff(name)}\\fR" for name in option.opts)
    if not option.is_flag and not option.count:
        names += f" \\fI{_roff(option.make_metavar(click.Context(cli)))}\\fR"
    return [".TP", names, _roff(" ".join((option.help or "").split())) or "."]


def _options(command: click.Command) -> list[click.Option]:
    return [option for option in command.params if isinstance(option, click.Option) and not option.hidden]


def _has_url(command: click.Command) -> bool:
    return any(option.name == "url" for option in _options(command))


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in sorted(group.commands.items()):
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))


def _paragraphs(text: str) -> list[str]:
    found = [" ".join(part.replace("\b", "").split()) for part in text.split("\n\n")]
    return [line for part in found if part for line in (".PP", _roff(part))]


def _roff(text: str) -> str:
    """Text as roff takes it literally; a line must not begin with a control character."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("\u2019", "'")
    return re.sub(r"^([.'])", r"\\&\1", escaped)


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
