"""Where the key comes from, and that it shows nowhere (SEC-30, SEC-34)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.secrets.keys import Key, UnusableKey


def test_a_value_or_nothing() -> None:
    assert Key("abc").current() == "abc"
    assert Key().current() == ""
    assert "abc" not in repr(Key("abc"))


def test_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("first\n")
    key = Key(path=str(path))
    assert key.current() == "first"
    replacement = tmp_path / "replacement"
    replacement.write_text("second\n")
    os.replace(replacement, path)
    assert key.current() == "second"
    assert "second" not in repr(key)


def test_a_file_that_goes_away_keeps_what_it_said(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("first")
    key = Key(path=str(path))
    path.unlink()
    assert key.current() == key.current() == "first"
    path.write_text("second")
    assert key.current() == "second"


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_an_unusable_file_is_refused_at_the_start(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnusableKey, match="cannot be read from"):
        Key(path=str(path))


def test_a_value_and_a_file_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(UnusableKey, match="one of them"):
        Key("value", str(tmp_path / "key"))
