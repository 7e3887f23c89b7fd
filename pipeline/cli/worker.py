"""`clusterlink worker`: the same as `faust -A pipeline.app worker`, with the settings table as its options."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import click

from pipeline.cli.options import example
from pipeline.setting_table import SETTINGS
from pipeline.settings import PROPERTIES_FILE

LOG_LEVELS = ("debug", "info", "warn", "error")


OPTIONS = tuple(setting for setting in SETTINGS if not setting.is_secret)
"""Secrets come from the environment or a file only: everybody on the machine sees a process's arguments (SEC-34)."""


def _settings(command: Callable[..., None]) -> Callable[..., None]:
    for setting in reversed(OPTIONS):
        command = click.option(
            "--" + setting.field.replace("_", "-"),
            setting.field,
            help=f"{setting.doc}  [env: {setting.env}; default: {setting.default_text}]",
        )(command)
    return command


@click.command(epilog=example("clusterlink worker --bootstrap-servers b:9092 --data-dir /var/lib/clusterlink"))
@click.option("--properties", type=click.Path(), help=f"File of settings, `name=value`.  [env: {PROPERTIES_FILE}]")
@_settings
@click.option(
    "-l", "--loglevel", type=click.Choice(LOG_LEVELS), default="info", show_default=True, help="How much to log."
)
def worker(properties: str | None, loglevel: str, **given: Any) -> None:
    """Run a worker: it carries out commands, mirrors its share of the partitions and serves REST.

    An option wins over the environment, the environment over the properties file.
    """
    if properties:
        os.environ[PROPERTIES_FILE] = properties
    for setting in OPTIONS:
        if given[setting.field] is not None:
            os.environ[setting.env] = str(given[setting.field])
    banner = [] if loglevel == "debug" else ["--quiet"]
    run = [sys.executable, "-m", "faust", *banner, "-A", "pipeline.app", "worker", "--loglevel", loglevel]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, run)
