"""What every test gets: a failing test shows what it was given, and nothing reaches out to a network by accident."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import settings

# One profile for all: examples are bounded in number, not by the clock, which is unfair on a busy machine.
settings.register_profile("clusterlink", deadline=None, max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "100")))
settings.load_profile("clusterlink")

ROOT = Path(__file__).resolve().parent.parent
