"""The audit log (SEC-36): one JSON object per command, with who, when, what and what came of it, secrets masked.

Each goes to the logger `clusterlink.audit`, one line, and to the topic `<app>.audit`, keyed by link and kept a year.
The principal of a REST request is the caller who proved it; that of a record which somebody produced to the commands
topic is what the record says: who may produce there is a matter of ACLs.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from pipeline.control.sealing import masked
from pipeline.link.models import Command, Result

AUDIT = logging.getLogger("clusterlink.audit")


def audit_record(result: Result, command: Command | None) -> dict[str, Any]:
    """What is remembered of a command; `command` is None for a record that could not be read as one."""
    asked: dict[str, Any] = {}
    if command is not None:
        asked = {
            "principal": command.principal,
            "asked_ms": command.time_ms,
            "request": masked(command).arguments,
            "validate_only": command.validate_only,
        }
    return {
        "time_ms": result.time_ms,
        "id": result.id,
        "link": result.link,
        "kind": result.kind,
        **asked,
        "status": result.status,
        "error_code": result.error_code,
        "message": result.message,
        **_refused(result),
        "worker": result.worker,
    }


def _refused(result: Result) -> dict[str, Any]:
    """The codes of the mirrors that a command on several was refused for, by topic: the command itself was accepted."""
    rows = result.data.get("mirrors", ()) if isinstance(result.data, Mapping) else ()
    codes = {str(row["mirror_topic_name"]): row["error_code"] for row in rows if row.get("error_code") is not None}
    return {"refused": codes} if codes else {}


def audit_line(result: Result, command: Command | None) -> bytes:
    """Write it to the log, and give it as the topic gets it."""
    line = json.dumps(audit_record(result, command), separators=(",", ":"), default=str)
    AUDIT.info("%s", line)
    return line.encode()
