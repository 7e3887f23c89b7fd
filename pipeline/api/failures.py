"""Every failure becomes the one error body of spec 8.4; nothing malformed becomes a 500, no traceback leaves the
house.
"""

from __future__ import annotations

import logging
import math

from aiohttp import web
from aiohttp.typedefs import Handler

from pipeline.api.bodies import BodyTooLarge
from pipeline.link import errors

log = logging.getLogger(__name__)

RETRY_AFTER_S = 1


class Challenged(errors.NotAuthenticated):
    """401 with the methods this server takes."""

    def __init__(self, challenge: str) -> None:
        super().__init__()
        self.challenge = challenge


class Throttled(errors.TooManyRequests):
    """REST-81, with the seconds to wait, rounded up."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("Too many requests: try again later.")
        self.retry_after_s = max(RETRY_AFTER_S, math.ceil(wait_s))


@web.middleware
async def answer_failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Map LinkError and what aiohttp raises itself (404, 405, 413) to `{"error_code", "message"}`."""
    try:
        return await handler(request)
    except errors.LinkError as error:
        return _response(error)
    except web.HTTPException as answer:
        response = _response(_translated(request, answer))
        if "Allow" in answer.headers:
            response.headers["Allow"] = answer.headers["Allow"]
        return response
    except TimeoutError:
        return _response(
            errors.KafkaRetriable("The workers did not answer in time; the command may still be carried out.")
        )
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return _response(errors.InternalError())


def _response(error: errors.LinkError) -> web.Response:
    headers = {}
    match error:
        case Challenged():
            headers["WWW-Authenticate"] = error.challenge
        case Throttled():
            headers["Retry-After"] = str(error.retry_after_s)
        case errors.Unavailable():
            headers["Retry-After"] = str(RETRY_AFTER_S)
    return web.json_response(error.body(), status=error.status, headers=headers)


def _translated(request: web.Request, answer: web.HTTPException) -> errors.LinkError:
    match answer.status:
        case 404:
            return errors.NotFound(f"There is nothing at {request.path}.")
        case 405:
            return errors.MethodNotAllowed(f"Method {request.method} is not allowed for {request.path}.")
        case 413:
            return BodyTooLarge()
        case status if status < 500:
            return errors.Malformed(answer.reason)
    log.error("%s %s answered %s", request.method, request.path, answer.status)
    return errors.InternalError()
