"""The documents keep to what is there: commands, codes, files. (Their commands are run: tests/acceptance/documents.)"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pipeline.cli.main import cli
from pipeline.link.states import LinkErrorCode, MirrorError, TaskErrorCode
from tests.acceptance.documents.table import LEFT_OUT
from tests.support.documents import pages, pieces

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
MADE_BY_RUNNING = ("bench/results",)
NEVER_SHOWN = {"NO_ERROR", "NOT_SET", "LINK_COORDINATOR_NOT_ENABLED_ERROR"}


def commands(document: Path) -> Iterator[list[str]]:
    """The clusterlink commands in a document's shell blocks and between its lines, as words."""
    text = document.read_text()
    for line in re.findall(r"`clusterlink ([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)):
        yield [word for word in line.replace("|", " ").split() if word not in ("...", "…")]
    for block in re.findall(r"^```(?:sh|bash|console)[^\n]*\n(.*?)^```", text, re.M | re.S):
        for line in block.replace("\\\n", " ").splitlines():
            at = line.find("clusterlink ")
            if at >= 0 and line[:at].strip().replace("$ ", "") == "" and "=" not in line[:at]:
                yield shlex.split(line[at:].split(" | ")[0], comments=True)[1:]


def problem(words: list[str]) -> str:
    """What the program would not know of a command; nothing where it knows it all."""
    command: click.Command = cli
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(click.Context(command), rest.pop(0))
        if found is None:
            return f"there is no command {' '.join(words)}"
        command = found
    known = {"--help", "-h"} | {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    unknown = [word for word in rest if word.startswith("-") and word.split("=")[0] not in known and len(word) > 1]
    return f"{command.name} does not know {', '.join(unknown)}" if unknown else ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: each.name)
def test_the_program_knows_every_command_of_the_documents(document: Path) -> None:
    assert [found for words in commands(document) if (found := problem(words))] == []


def test_commands_are_found_at_all() -> None:
    assert ["link", "list"] in list(commands(ROOT / "docs" / "quickstart.md"))
    assert problem(["link", "frobnicate"]) and problem(["link", "list", "--frobnicate"])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: each.name)
def test_files_that_documents_name_are_there(document: Path) -> None:
    text = document.read_text()
    linked = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    missing = [link for link in linked if not (document.parent / link).exists()]
    missing += [
        path
        for path in re.findall(r"`((?:tests|deploy|bench|docs)/[\w./-]+)`", text)
        if not path.startswith(MADE_BY_RUNNING) and not any((ROOT / name).exists() for name in (path, f"{path}.py"))
    ]
    assert missing == []


@pytest.mark.parametrize("codes", [LinkErrorCode, MirrorError, TaskErrorCode], ids=lambda each: each.__name__)
def test_every_code_that_a_user_can_meet_is_explained(codes: type[LinkErrorCode | MirrorError | TaskErrorCode]) -> None:
    explained = (ROOT / "docs" / "troubleshooting.md").read_text()
    assert [code.value for code in codes if code.value not in NEVER_SHOWN and f"`{code.value}`" not in explained] == []


def test_every_reason_to_leave_a_command_out_is_needed() -> None:
    """Those of tests/acceptance/documents: what none of them is about is run there."""
    found = [piece.text.strip() for page in pages() for piece in pieces(page)]
    assert [why for pattern, why in LEFT_OUT if not any(re.search(pattern, text) for text in found)] == []


def test_every_limit_of_the_specification_has_our_column() -> None:
    wanted, told = (
        re.findall(r"^\| (LIM-\d+) \|", (ROOT / "docs" / name).read_text(), re.M) for name in ("spec.md", "limits.md")
    )
    assert wanted and told == wanted


def test_the_figures_that_the_readme_begins_with_are_those_of_the_page_of_figures() -> None:
    section = (ROOT / "README.md").read_text().partition("## What it costs")[2].partition("\n## ")[0]
    cells = [cell.strip() for row in section.splitlines() for cell in row.split("|")[2:]]
    figures = [cell for cell in cells if re.match(r"\d", cell)]
    measured = (ROOT / "docs" / "performance.md").read_text()
    assert figures and [figure for figure in figures if f"| {figure} |" not in measured] == []
