"""Reading what the user gives: properties as pairs or files, filters as JSON files, credentials as key and secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import click

SASL_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required username='{key}' password='{secret}';"

FILTER_FILES = {
    "acl_filters_json_file": "acl.filters",
    "consumer_group_filters_json_file": "consumer.offset.group.filters",
    "topic_filters_json_file": "auto.create.mirror.topics.filters",
}
"""Option to the property that its file becomes (CLI-40)."""


def read_text(path: str) -> str:
    """The content of a file the user named; exit code 2 where it cannot be read."""
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(
            f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}"
        ) from None


def filters(files: Mapping[str, str | None]) -> dict[str, str]:
    """Properties from filter files, by option name."""
    return {FILTER_FILES[option]: read_text(path).strip() for option, path in files.items() if path}


def credentials(key: str | None, secret: str | None, side: str, head: str = "") -> dict[str, str]:
    """Properties for an API key and its secret, which come only together (LINK-98)."""
    if not key and not secret:
        return {}
    if not key or not secret:
        raise click.UsageError(f"--{side}-api-key and --{side}-api-secret only go together")
    if "'" in key + secret:
        raise click.UsageError(f"--{side}-api-key and --{side}-api-secret cannot contain a single quote; use --config")
    return {
        f"{head}security.protocol": "SASL_SSL",
        f"{head}sasl.mechanism": "PLAIN",
        f"{head}sasl.jaas.config": SASL_PLAIN.format(key=key, secret=secret),
    }


def one_of(**given: str | None) -> str | None:
    """The one value of several options that mean the same; two different ones are a mistake."""
    values = {value for value in given.values() if value}
    if len(values) > 1:
        names = " and ".join("--" + name.replace("_", "-") for name, value in given.items() if value)
        raise click.UsageError(f"{names} contradict each other")
    return values.pop() if values else None


def pairs(configs: Mapping[str, str]) -> list[dict[str, str]]:
    """Properties as REST takes them."""
    return [{"name": name, "value": value} for name, value in configs.items()]


def merged(parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """All properties; a name given twice with different values is a mistake."""
    merged_: dict[str, str] = {}
    for part in parts:
        for name, value in part.items():
            if merged_.setdefault(name, value) != value:
                raise click.UsageError(f"'{name}' is given twice with different values")
    return merged_
