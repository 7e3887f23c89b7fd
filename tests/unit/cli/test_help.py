"""CLI-60, CLI-67: every command has help with an example, and the common options, each from the environment too."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pipeline.cli.main import cli
from pipeline.cli.reference import BEGIN, reference
from pipeline.cli.suggesting import Group
from pipeline.setting_table import SETTINGS

COMMON = (
    "--url",
    "--cluster",
    "--output",
    "-v",
    "--no-authentication",
    "--certificate-authority-path",
    "--client-cert-path",
    "--client-key-path",
)


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in sorted(group.commands.items()):
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))


EVERY = [(), *_commands(cli)]


def _find(path: tuple[str, ...]) -> click.Command:
    found: click.Command = cli
    for name in path:
        assert isinstance(found, click.Group)
        found = found.commands[name]
    return found


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_help_shows_an_example_of_that_very_command(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, [*path, "--help"])
    assert result.exit_code == 0
    _, found, example = result.output.partition("Example:")
    assert found
    assert " ".join(("clusterlink", *path)) in example


@pytest.mark.parametrize("path", [path for path in EVERY if isinstance(_find(path), click.Group)], ids=" ".join)
def test_a_group_lists_its_commands_with_whole_sentences(path: tuple[str, ...]) -> None:
    group = _find(path)
    assert isinstance(group, Group)
    text = " ".join(CliRunner().invoke(cli, [*path, "--help"]).output.split())
    for name, command in group.commands.items():
        assert f" {name} {' '.join((command.help or '').partition('.')[0].split())}" in text


@pytest.mark.parametrize("path", [path for path in EVERY if not isinstance(_find(path), click.Group)], ids=" ".join)
def test_common_options_come_from_the_environment_too(path: tuple[str, ...]) -> None:
    if path == ("worker",):
        return
    options = {name: parameter for parameter in _find(path).params for name in parameter.opts}
    assert set(COMMON) <= options.keys()
    for name in COMMON:
        assert str(options[name].envvar).startswith("CLUSTERLINK_")


def test_every_command_of_the_specification_is_there() -> None:
    wanted = """link create/link list/link describe/link update/link configuration update/link configuration list
    link configuration describe/link task list/link pause/link resume/link delete/mirror create/mirror list
    mirror describe/mirror promote/mirror failover/mirror pause/mirror resume/mirror reverse-and-start
    mirror reverse-and-pause/mirror truncate-and-restore/mirror state-transition-error list/mirror delete
    mirror verify/cluster id/cluster list/worker"""
    names = {" ".join(name.split()) for line in wanted.splitlines() for name in line.split("/")}
    assert names <= {" ".join(path) for path in EVERY}


def test_worker_lists_the_settings() -> None:
    text = " ".join(CliRunner().invoke(cli, ["worker", "--help"]).output.split())
    for setting in SETTINGS:
        assert f"--{setting.field.replace('_', '-')}" in text
        assert setting.env in text


def test_the_heavy_libraries_are_not_loaded_for_help() -> None:
    """Start-up stays under half a second: what a command does not need is not imported."""
    heavy = "{'faust', 'httpx', 'aiohttp', 'aiokafka', 'kafka', 'confluent_kafka', 'rich.table', 'yaml'}"
    code = f"import sys, pipeline.cli.main; print(sorted({heavy} & sys.modules.keys()))"
    printed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=200
    ).stdout
    assert printed.strip() == "[]"


def test_shell_completion() -> None:
    result = CliRunner().invoke(
        cli,
        [],
        prog_name="clusterlink",
        env={"_CLUSTERLINK_COMPLETE": "bash_complete", "COMP_WORDS": "clusterlink mirror pro", "COMP_CWORD": "2"},
    )
    assert "plain,promote" in result.output


def test_the_document_is_drawn_from_the_commands() -> None:
    document = (Path(__file__).parents[3] / "docs" / "cli.md").read_text("utf-8")
    assert document.partition(BEGIN)[0] + reference() == document, "run: python -m pipeline.cli.reference"


def test_every_group_says_what_was_meant() -> None:
    assert all(isinstance(group, Group) for group in groups(cli))


def groups(of: click.Command) -> Iterator[click.Group]:
    """This one, if it is a group, and those below."""
    if isinstance(of, click.Group):
        yield of
        for each in of.commands.values():
            yield from groups(each)


@pytest.mark.parametrize(
    "words, said",
    [
        (("lnk", "list"), "No such command 'lnk'. Did you mean 'link'?"),
        (("mirror", "promte"), "No such command 'promte'. Did you mean 'promote'?"),
        (("link", "task", "lst"), "Did you mean 'list'?"),
        (("link", "acl", "lst"), "Did you mean 'list'?"),
        (("mirror", "state-transition-error", "lst"), "Did you mean 'list'?"),
        (
            ("replica", "status", "list", "--topic", "t"),
            "kafka-topics.sh --describe shows leaders and in-sync replicas",
        ),
        (("--url", "http://b:8090", "link", "list"), "No such option: --url here. It belongs behind the command"),
        (("frobnicate",), "No such command 'frobnicate'.\n"),
        (("--frobnicate",), "No such option: --frobnicate\n"),
    ],
)
def test_typing_errors_are_met_with_what_was_meant(words: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 2
    assert said in done.output
