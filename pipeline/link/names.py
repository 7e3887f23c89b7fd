"""Names and ids: link names (LINK-17), topic names (MIRROR-7, MIRROR-20), cluster link ids (TERM-14)."""

from __future__ import annotations

import base64
import difflib
import re
import uuid
from collections.abc import Iterable

from pipeline.link.errors import Invalid, Malformed

LONGEST_NAME = 249
"""Most characters in a topic's or a link's name (NUM-9, LINK-17)."""

EVERY_LINK = "-"
"""Reserved: stands for every link in REST-12 (LINK-17)."""

_LEGAL = re.compile(r"[a-zA-Z0-9._-]*")


def link_name_problem(name: str) -> str | None:
    """Say what makes a link's name illegal, or None (LINK-17)."""
    return "the name '-' is reserved." if name == EVERY_LINK else _problem(name)


def check_link_name(name: str) -> str:
    """Give the name back, or raise Malformed with the text of REST-70 and what is wrong."""
    problem = link_name_problem(name)
    if problem:
        raise Malformed(f"Invalid Cluster Link Name. {problem[0].upper()}{problem[1:]}")
    return name


def topic_name_problem(name: str) -> str | None:
    """Say what makes a topic name illegal in Kafka, or None."""
    return _problem(name)


def check_mirror_name(name: str) -> str:
    """Give the name back, or raise Invalid (400/40002) saying what is illegal (MIRROR-20, STATE-41)."""
    problem = _problem(name)
    if problem:
        raise Invalid(f"Topic name '{shorten(name)}' is illegal: {problem}")
    return name


def mirror_name(prefix: str, source_topic: str) -> str:
    """The name a mirror must have: there is no renaming but by the link's prefix (MIRROR-7, CONF-10)."""
    return prefix + source_topic


def colliding(name: str, existing: Iterable[str]) -> str | None:
    """The first other topic whose name differs only in '.' and '_'; Kafka refuses such pairs (STATE-41)."""
    folded = name.replace(".", "_")
    return next((other for other in existing if other != name and other.replace(".", "_") == folded), None)


def nearest(name: str, known: Iterable[str], likeness: float = 0.5) -> str | None:
    """The known name that looks most like one that nobody knows (LINK-8); 1 would be the same name."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=likeness)
    return close[0] if close else None


def cluster_link_id(raw: bytes) -> str:
    """Print 16 bytes as the 22-character URL-safe base64 that Kafka uses for ids (TERM-14)."""
    if len(raw) != 16:
        raise ValueError(f"an id has 16 bytes, not {len(raw)}")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def read_cluster_link_id(text: str) -> bytes:
    """Read what `cluster_link_id` printed; ValueError for anything that it would not print."""
    try:
        raw = base64.b64decode(text.encode("ascii") + b"==", altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 16 or cluster_link_id(raw) != text:
        raise ValueError(f"'{shorten(text)}' is not a 22-character base64 id")
    return raw


def link_id(raw: bytes) -> str:
    """Print the same 16 bytes in the deprecated UUID form (TERM-14)."""
    return str(uuid.UUID(bytes=raw))


def shorten(text: str, most: int = 300) -> str:
    """Cut a text from outside so that it fits into a message."""
    return text if len(text) <= most else text[:most] + "..."


def _problem(name: str) -> str | None:
    if not name:
        return "it is empty."
    if name in (".", ".."):
        return "it cannot be '.' or '..'."
    if len(name) > LONGEST_NAME:
        return f"its length is {len(name)}, longer than the max allowed length {LONGEST_NAME}."
    if not _LEGAL.fullmatch(name):
        return "only ASCII letters, digits, '.', '_' and '-' are allowed."
    return None
