"""A cluster that nobody answers for: one error that says so, and no log of every attempt."""

from __future__ import annotations

import socket

import pytest

import pipeline.verify.sides
from pipeline.verify import Unreachable
from pipeline.verify.sides import RdSide


def test_nobody_there_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pipeline.verify.sides, "TIMEOUT_S", 1.0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: every connection is refused
        side = RdSide("mirror", {"bootstrap.servers": f"127.0.0.1:{taken.getsockname()[1]}"}, "orders")
        with pytest.raises(Unreachable, match=r"mirror: no answer of .* in 1 s: .*Connection refused"):
            side.partitions()
    assert not caplog.records
    assert capfd.readouterr() == ("", "")
