"""Tests: unit (no broker), broker (real brokers), fault (both, with faults), acceptance (runbooks)."""
