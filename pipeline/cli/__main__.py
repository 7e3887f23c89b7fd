"""`python -m pipeline.cli`: the same as `clusterlink`."""

from __future__ import annotations

from pipeline.cli.main import main

main()
