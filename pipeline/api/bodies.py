"""Reading what a client sent: a JSON object as body, booleans and words as query parameters.

Only the shape is checked here (REST-70, 78, 80); what a field may say is the business of `pipeline.link.commands`.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from pipeline.link import errors

MOST_BODY_BYTES = 512 << 10
"""Half of what a record of the commands topic may have, so that every body fits into one."""

JSON_TYPES = frozenset({"application/json", "text/json"})


class BodyTooLarge(errors.Malformed):
    """413: a body above the limit is not read to its end."""

    status = 413
    error_code = 413

    def __init__(self) -> None:
        super().__init__(f"The request body is larger than {MOST_BODY_BYTES} bytes.")


async def json_object(request: web.Request) -> dict[str, Any]:
    """Return the body as a JSON object; 415 for another media type, 422 for no body, 400 for anything else.

    A request without Content-Type is taken for JSON, as the vendor's server does.
    """
    declared = "Content-Type" in request.headers
    if declared and request.content_type not in JSON_TYPES and not request.content_type.endswith("+json"):
        raise errors.UnsupportedMedia(f"Media type {request.content_type} is not supported; send application/json.")
    if (request.content_length or 0) > MOST_BODY_BYTES:
        raise BodyTooLarge()
    raw = await request.read()
    if len(raw) > MOST_BODY_BYTES:
        raise BodyTooLarge()
    if not raw.strip():
        raise errors.EmptyBody()
    return parsed_object(raw)


def parsed_object(raw: bytes) -> dict[str, Any]:
    """Parse bytes as one JSON object, or raise Malformed with the place of the mistake."""
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise errors.Malformed(f"The request body is not UTF-8 (byte {error.start}).") from None
    except json.JSONDecodeError as error:
        raise errors.Malformed(
            f"The request body is not valid JSON: {error.msg} at line {error.lineno} column {error.colno}."
        ) from None
    except (ValueError, RecursionError) as error:
        raise errors.Malformed(f"The request body is not valid JSON: {type(error).__name__}.") from None
    if not isinstance(value, dict):
        raise errors.Malformed("The request body must be a JSON object.")
    return value


def flag(request: web.Request, name: str, default: bool = False) -> bool:
    """A boolean query parameter; given without a value it means true."""
    text = request.query.get(name)
    if text is None:
        return default
    words = {"true": True, "": True, "false": False}
    if text.lower() not in words:
        raise errors.Malformed(f"Query parameter {name} must be true or false, not '{text}'.")
    return words[text.lower()]


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)
