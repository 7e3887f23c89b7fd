"""Bearer tokens for SASL OAUTHBEARER, by the client-credentials grant from a token endpoint (LINK-80, LINK-81).

A token is kept and used again until it is time to get the next: after ``sasl.login.refresh.window.factor`` of its life
plus some jitter, but not closer to its end than the buffer and not sooner than the least period (as Kafka's own login
does; where a short life leaves no room for both, they give way). While an old token is still good, an endpoint that
fails does no harm.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import random
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from aiokafka.abc import AbstractTokenProvider as AioTokenProvider
from kafka.net.sasl.oauth import AbstractTokenProvider as SyncTokenProvider

from pipeline.cluster.errors import ClusterError, NotAuthenticated, Unreachable

log = logging.getLogger(__name__)

_ANSWER_LIMIT = 1 << 20
_LIFE_UNKNOWN_SECONDS = 60.0


@dataclass(frozen=True)
class Refreshing:
    """When to get the next token; see the ``sasl.login.refresh.*`` properties."""

    window_factor: float = 0.8
    window_jitter: float = 0.05
    min_period_seconds: float = 60
    buffer_seconds: float = 300

    def due_at(self, start: float, end: float, chance: float) -> float:
        """Return when the token that lives from ``start`` to ``end`` is to be replaced; ``chance`` is in 0..1."""
        life = end - start
        due = start + life * min(1.0, self.window_factor + self.window_jitter * chance)
        if self.min_period_seconds + self.buffer_seconds > life:
            return due
        return min(max(due, start + self.min_period_seconds), end - self.buffer_seconds)


@dataclass(frozen=True)
class TokenEndpoint:
    """Where tokens come from and who asks for them. The secret stays out of ``repr``."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    extensions: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = 10.0


class TokenSource:
    """The current token. Safe to use from several threads; one request to the endpoint at a time."""

    def __init__(
        self,
        endpoint: TokenEndpoint,
        refreshing: Refreshing | None = None,
        ssl_context: Callable[[], ssl.SSLContext | None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.endpoint = endpoint
        self._refreshing = refreshing or Refreshing()
        self._ssl_context = ssl_context
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._ends = self._due = float("-inf")

    def token(self) -> str:
        """Return a token that is good now. Blocks. Raises NotAuthenticated (refused) or Unreachable."""
        with self._lock:
            now = self._clock()
            if now >= self._due:
                try:
                    self._renew(now)
                except ClusterError as error:
                    if now >= self._ends:
                        raise
                    log.warning("%s; the present token goes on for %d s", error, self._ends - now)
            return self._token

    def _renew(self, now: float) -> None:
        answer = self._ask()
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise NotAuthenticated(f"{self.endpoint.url}: the answer has no access_token")
        life = _life(answer, token, now)
        self._token, self._ends = token, now + life
        self._due = self._refreshing.due_at(now, self._ends, random.random())

    def _ask(self) -> dict[str, Any]:
        endpoint = self.endpoint
        form = {"grant_type": "client_credentials"} | ({"scope": endpoint.scope} if endpoint.scope else {})
        credentials = base64.b64encode(f"{endpoint.client_id}:{endpoint.client_secret}".encode()).decode()
        request = urllib.request.Request(
            endpoint.url,
            data=urlencode(form).encode(),
            headers={"Authorization": f"Basic {credentials}", "Accept": "application/json"},
        )
        try:
            with urllib.request.urlopen(
                request, timeout=endpoint.timeout_seconds, context=self._ssl_context()
            ) as response:
                answer = json.loads(response.read(_ANSWER_LIMIT))
        except urllib.error.HTTPError as error:
            with error:
                kind = Unreachable if error.code >= 500 or error.code == 429 else NotAuthenticated
                raise kind(f"{endpoint.url}: token endpoint answered {error.code} {error.reason}") from None
        except ValueError as error:
            raise NotAuthenticated(f"{endpoint.url}: token endpoint did not answer in JSON") from error
        except OSError as error:
            reason = getattr(error, "reason", None) or error.strerror or "no answer in time"
            if isinstance(reason, ssl.SSLError):
                raise NotAuthenticated(f"{endpoint.url}: TLS handshake failed: {reason.reason}") from error
            raise Unreachable(f"{endpoint.url}: {reason}") from error
        if not isinstance(answer, dict):
            raise NotAuthenticated(f"{endpoint.url}: token endpoint did not answer with an object")
        return answer


class AioTokens(AioTokenProvider):  # type: ignore[misc]
    """The token source as aiokafka asks for it."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    async def token(self) -> str:
        return await asyncio.to_thread(self._source.token)

    def extensions(self) -> dict[str, str]:
        return dict(self._source.endpoint.extensions)


class SyncTokens(SyncTokenProvider):  # type: ignore[misc]
    """The token source as kafka-python asks for it."""

    def __init__(self, source: TokenSource) -> None:
        super().__init__()
        self._source = source

    def token(self) -> str:
        return self._source.token()

    def extensions(self) -> dict[str, str]:
        return dict(self._source.endpoint.extensions)


def _life(answer: Mapping[str, Any], token: str, now: float) -> float:
    """Seconds the token is good for: by ``expires_in``, else by the ``exp`` claim of a JWT, else a minute."""
    try:
        if "expires_in" in answer:
            return max(0.0, float(answer["expires_in"]))
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        return max(0.0, float(claims["exp"]) - now)
    except (ValueError, TypeError, KeyError, IndexError):
        return _LIFE_UNKNOWN_SECONDS
