"""What every test gets: a failing test shows what it was given, and nothing reaches out to a network by accident."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from hypothesis import HealthCheck, settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Shells start background jobs with SIGINT ignored, and children inherit that: Ctrl-C could not be tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# One profile for all: examples are bounded in number, not by the clock, which is unfair on a busy machine.
settings.register_profile(
    "clusterlink",
    deadline=None,
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "100")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("clusterlink")

ROOT = Path(__file__).resolve().parent.parent
