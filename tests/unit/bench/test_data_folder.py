"""Where a benchmark's brokers keep their logs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from bench import data_folder


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", tempfile.gettempdir())


def test_the_folder_asked_for(tmp_path: Path) -> None:
    assert data_folder.use(tmp_path) == tmp_path
    assert Path(tempfile.mkdtemp()).parent == tmp_path


def test_memory_where_it_has_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_folder, "MEMORY", tmp_path)
    monkeypatch.setattr(data_folder, "NEEDED_BYTES", 1)
    assert data_folder.use(None) == tmp_path


@pytest.mark.parametrize("name", [".", "nowhere"])
def test_the_usual_folder_where_memory_has_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    usual = Path(tempfile.gettempdir())
    monkeypatch.setattr(data_folder, "MEMORY", tmp_path / name)
    monkeypatch.setattr(data_folder, "NEEDED_BYTES", 1 << 60)
    assert data_folder.use(None) == usual


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="nowhere"):
        data_folder.use(tmp_path / "nowhere")
