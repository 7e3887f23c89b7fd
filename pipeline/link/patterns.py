"""Name patterns that users give (MIRROR-50), matched in time linear in the name: no pattern can stall a worker.

Python's own matcher takes exponential time for `(a+)+$`. RE2 does not; it has no look-around and no back-references,
which are refused when the pattern is read.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2


class BadPattern(ValueError):
    """Not a regular expression, or one that takes more than linear matching; the message says what is wrong."""


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise BadPattern(text) from None


def check(pattern: str) -> None:
    """Raise BadPattern where it cannot be used."""
    _compiled(pattern)


def matches(pattern: str, name: str) -> bool:
    """Whether the whole name matches. Raises BadPattern."""
    return _compiled(pattern).fullmatch(name) is not None
