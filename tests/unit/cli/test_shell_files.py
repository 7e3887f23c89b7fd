"""The man page and the completions are those of the commands that there are."""

from __future__ import annotations

import pytest

from pipeline.cli.shell_files import FOLDER, files


@pytest.mark.parametrize("name", files())
def test_the_files_are_drawn_from_the_commands(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == files()[name], "run: python -m pipeline.cli.shell_files"


def test_the_man_page_has_every_command() -> None:
    page = files()["clusterlink.1"]
    for command in ("doctor", "link create", "mirror promote", "cluster id", "worker"):
        assert f".SS clusterlink {command}" in page
