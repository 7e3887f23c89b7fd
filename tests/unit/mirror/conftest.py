"""What the tests of the engine need; pipeline.cluster comes first, for it loads kafka-python without its warnings."""

from __future__ import annotations

import pytest

import pipeline.cluster  # noqa: F401


def pytest_configure(config: pytest.Config) -> None:
    """The mark is known even where pytest-timeout is not installed."""
    config.addinivalue_line("markers", "timeout(seconds): end the test after this time")
