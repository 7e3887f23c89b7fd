"""Benchmarks on real brokers: `python -m bench`, `python -m bench --quick` (`make bench`, `make bench-quick`)."""

import pipeline.cluster  # noqa: F401  (imports kafka-python without the warnings of its schemas; later imports find it)
