"""pipeline.cluster comes first: it loads kafka-python, whose protocol classes the tests use, without its warnings."""

from __future__ import annotations

import pipeline.cluster  # noqa: F401
