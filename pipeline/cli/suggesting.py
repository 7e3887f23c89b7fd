"""Groups of commands that say what was probably meant, and what each command is for."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import click

WHOLE = 500
"""Characters; longer than any first sentence."""


class Group(click.Group):
    """A group whose refusals help: a mistyped command has a likely one, an option has its place.

    `elsewhere`: commands of the original that are none here, and what to do instead.
    """

    elsewhere: Mapping[str, str] = {}

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            close = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            if args[0] in self.elsewhere:
                error.message += f" {self.elsewhere[args[0]]}"
            elif close:
                error.message += f" Did you mean {close[0]!r}?"
            raise

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if self._has_below(error.option_name):
                error.message += f" here. It belongs behind the command: {ctx.command_path} ... {error.option_name} ..."
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Every command with its whole first sentence: click cuts them off at the end of a line."""
        rows = [
            (name, command.get_short_help_str(limit=WHOLE))
            for name, command in sorted(self.commands.items())
            if not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def _has_below(self, option: str) -> bool:
        """Whether a command below has this option."""
        return any(
            each._has_below(option) if isinstance(each, Group) else any(option in known.opts for known in each.params)
            for each in self.commands.values()
        )
