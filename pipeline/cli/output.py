"""What a command prints: a table for people, or JSON or YAML with the field names of CLI-2..13 (CLI-61).

A command lists its columns once, as (field, heading); rows are dicts by field. Fields that are empty or absent stay
out of JSON and YAML where the original leaves them out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import click

from pipeline.cli.fitting import fitted

Columns = Mapping[str, str]
Row = Mapping[str, Any]


class Format(StrEnum):
    HUMAN = "human"
    JSON = "json"
    YAML = "yaml"


def show_rows(rows: Sequence[Row], columns: Columns, form: Format) -> None:
    """Print a list. Columns that are empty in every row are left out of the table."""
    if form is not Format.HUMAN:
        show_data(list(rows), form)
        return
    used = {name: title for name, title in columns.items() if not rows or any(_text(row.get(name)) for row in rows)}
    if not rows:
        click.echo("None found.")
        return
    _table([*used.values()], [[_text(row.get(name)) for name in used] for row in rows])


def show_object(row: Row, columns: Columns, form: Format) -> None:
    """Print one object: a line for each field that is not empty."""
    if form is not Format.HUMAN:
        show_data(row, form)
        return
    _table(None, [[title, _text(row[name])] for name, title in columns.items() if _text(row.get(name))])


def show_data(data: Any, form: Format) -> None:
    """Print as JSON or YAML."""
    if form is Format.YAML:
        import yaml  # noqa: PLC0415  only where asked for: start-up time

        click.echo(yaml.safe_dump(data, sort_keys=False, allow_unicode=True).rstrip("\n"))
    else:
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    return str(value)


def _table(titles: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> None:
    from rich import box  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 10_000, highlight=False)
    if titles is None:
        table = Table(box=box.ASCII2, show_header=False, pad_edge=False)
        for _ in range(2):
            table.add_column(overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(table)
        return
    fit = fitted(titles, rows, console.width)
    for pairs in (fit.alike, *fit.blocks):
        _lines(pairs)
    if fit.titles:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for title in fit.titles:
            table.add_column(title, overflow="fold")
        for row in fit.rows:
            table.add_row(*map(Text, row))
        console.print(table)


def _lines(pairs: Sequence[tuple[str, str]]) -> None:
    """One thing a line, values under each other; the terminal breaks what is longer than it."""
    if pairs:
        widest = max(len(title) for title, _ in pairs)
        click.echo("\n" + "\n".join(f" {title:{widest}}   {value}".rstrip() for title, value in pairs))
