"""Benchmarks on real brokers: `python -m bench`, `python -m bench --quick` (`make bench`, `make bench-quick`)."""
