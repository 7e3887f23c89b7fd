"""What the tests of the engine's pure part need."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """The mark is known even where pytest-timeout is not installed."""
    config.addinivalue_line("markers", "timeout(seconds): end the test after this time")
