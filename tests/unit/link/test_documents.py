"""The printed pages in docs/ are what the tables say today."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.link import describe
from pipeline.link.commands import KINDS
from pipeline.link.properties import PROPERTIES
from pipeline.link.states import LinkState, MirrorStatus

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.mark.parametrize("name", describe.DOCUMENTS)
def test_page_is_printed_from_the_tables(name: str) -> None:
    page = (DOCS / f"{name}.md").read_text()
    assert page == describe.DOCUMENTS[name](), f"run: python -m pipeline.link.describe {name} > docs/{name}.md"


def test_pages_name_every_row() -> None:
    assert all(f"### {kind}\n" in describe.commands() for kind in KINDS)
    page = describe.properties()
    assert all(f"`{name}`" in page or f"`{name.removeprefix('local.')}`" in page for name in PROPERTIES)


def test_diagrams_show_every_state() -> None:
    mirror, link = "\n".join(describe.mirror_diagram()), "\n".join(describe.link_diagram())
    assert all(status in mirror for status in MirrorStatus)
    assert all(state in link for state in LinkState)


def test_usage_error_names_the_pages(capsys: pytest.CaptureFixture[str]) -> None:
    assert describe.main(["nonsense"]) == 2
    assert "commands|properties|states" in capsys.readouterr().err
    assert describe.main(["states"]) == 0
    assert capsys.readouterr().out == describe.states()
