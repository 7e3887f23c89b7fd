"""Words for people."""

from __future__ import annotations


def counted(number: int, what: str) -> str:
    """ "1 broker", "3 brokers"."""
    return f"{number} {what}{'' if number == 1 else 's'}"
