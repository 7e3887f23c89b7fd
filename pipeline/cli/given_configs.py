"""`--config` and its relatives: pairs or files of properties (LINK-1, LINK-2), and what may be printed (CLI-63)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pipeline.cli.given import FILTER_FILES, merged, read_text


def read_configs(given: Sequence[str], file: str | None = None) -> dict[str, str]:
    """Properties of all `--config` options, each a file if there is one of that name, else pairs; and of
    `--config-file`.
    """
    parts = [properties(each) if _is_file(each) else _pairs(each) for each in given]
    return merged([*parts, properties(file)] if file else parts)


def properties(path: str) -> dict[str, str]:
    """The properties in a file; exit code 2 naming its bad lines."""
    from pipeline.link.errors import InvalidProperties  # noqa: PLC0415  only where needed: start-up time
    from pipeline.link.property_files import parse_file  # noqa: PLC0415

    try:
        return parse_file(read_text(path))
    except InvalidProperties as error:
        raise click.UsageError("\n".join(f"{path}: {problem}" for problem in error.problems)) from None


def client_configs(bootstrap_server: str | None, command_config: str | None) -> dict[str, str]:
    """Client properties of a file, with the addresses given beside it."""
    configs = properties(command_config) if command_config else {}
    return configs | ({"bootstrap.servers": bootstrap_server} if bootstrap_server else {})


def printable(configs: Mapping[str, str]) -> dict[str, str]:
    """Only what is known not to be secret (CLI-63)."""
    from pipeline.link.properties import PROPERTIES  # noqa: PLC0415  only where needed: start-up time

    return {name: value for name, value in configs.items() if name in PROPERTIES and not PROPERTIES[name].secret}


def configs_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--config`, may be repeated, and the older `--config-file`."""
    command = click.option("--config-file", type=click.Path(), hidden=True)(command)
    help_text = "Properties: `a=b,c=d`, or the name of a file of them. May be repeated."
    return click.option("--config", multiple=True, help=help_text)(command)


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each filter property that comes as a JSON file (CLI-40)."""
    for option, name in reversed(FILTER_FILES.items()):
        flag = f"--{option.replace('_', '-')}"
        command = click.option(flag, option, type=click.Path(), help=f"JSON file for {name}.")(command)
    return command


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _pairs(text: str) -> dict[str, str]:
    from pipeline.link.errors import InvalidProperties  # noqa: PLC0415  only where needed: start-up time
    from pipeline.link.property_files import parse_pairs  # noqa: PLC0415

    try:
        return parse_pairs(text)
    except InvalidProperties as error:
        no_file = "" if "=" in text else f"\nThere is no file {text} either."
        raise click.UsageError("\n".join(f"--config: {problem}" for problem in error.problems) + no_file) from None
