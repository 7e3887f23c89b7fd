"""Which link is meant where --link was left out: the only one, or the only one that has the mirror (CLI-66)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import click

from pipeline.cli.rest import Rest


def find_link(rest: Rest) -> str:
    """The only link of the cluster."""
    names = [str(link["link_name"]) for link in rest.get("links")["data"]]
    if len(names) == 1:
        return names[0]
    if not names:
        raise click.ClickException("the cluster has no link yet: `clusterlink link create` makes one")
    raise click.UsageError(f"name one of the links with --link: {', '.join(names)}")


def links_of(rest: Rest, topics: Sequence[str], link: str | None) -> dict[str, list[str]]:
    """The named mirrors by link; with --link all belong to that one, known or not."""
    if link:
        return {link: list(topics)}
    places = defaultdict(list)
    for mirror in rest.get("links", "-", "mirrors")["data"]:
        places[mirror["mirror_topic_name"]].append(str(mirror["link_name"]))
    by_link: dict[str, list[str]] = defaultdict(list)
    for topic in topics:
        if not places[topic]:
            raise click.ClickException(f'mirror topic "{topic}" not found on any link')
        if len(places[topic]) > 1:
            raise click.UsageError(
                f'"{topic}" is on several links, name one with --link: {", ".join(sorted(places[topic]))}'
            )
        by_link[places[topic][0]].append(topic)
    return dict(by_link)
