"""kafka-python's classes, made from Kafka's own message definitions, as the oracle of our encodings."""

from __future__ import annotations

from io import BytesIO
from typing import Any, TypeVar

from pipeline.wire.requests.base import Prepared, Request

R = TypeVar("R")

CORRELATION_ID = 77
CLIENT_ID = "link"


def prepared(request: Request[R], version: int) -> Prepared[R]:
    """The request as it goes to a broker that offers just this version."""
    ready = request.prepare({request.API_KEY: (version, version)})
    assert ready.version == version
    return ready


def sent(request: Request[Any], version: int) -> bytes:
    """What aiokafka's connection sends behind the frame's size."""
    ready = prepared(request, version)
    header = ready.build_request_header(CORRELATION_ID, CLIENT_ID)
    return header.encode() + ready.encode()


def expected(theirs: Any, version: int) -> bytes:
    theirs.API_VERSION = version
    theirs.with_header(CORRELATION_ID, CLIENT_ID)
    return bytes(theirs.encode(header=True))


def received(request: Request[R], version: int, answer: Any) -> R:
    """Our reading of an answer that kafka-python wrote."""
    return decoded(request, version, frame(answer, version))


def frame(answer: Any, version: int) -> bytes:
    """The bytes of an answer as the broker sends them behind the frame's size."""
    answer.API_VERSION = version
    answer.with_header(CORRELATION_ID)
    return bytes(answer.encode(header=True))


def decoded(request: Request[R], version: int, raw: bytes) -> R:
    """What aiokafka's connection does with a frame."""
    ready = prepared(request, version)
    buffer = BytesIO(raw)
    assert ready.parse_response_header(buffer).correlation_id == CORRELATION_ID
    return ready.RESPONSE_TYPE.decode(buffer)
