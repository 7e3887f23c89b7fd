"""An authorization server for a test: a token endpoint (client credentials) and the keys of its tokens' signatures.

Tokens are JWTs signed by RS256, as brokers with Kafka's OAuthBearerValidatorCallbackHandler take them.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from pipeline.local.ports import HOST

ISSUER, AUDIENCE, KEY_ID = "https://issuer.test", "kafka", "key-1"


class TokenServer:
    """Serves from the start of a `with` block to its end. Clients are known by id and secret."""

    def __init__(self, clients: dict[str, str], token_life_s: int = 3600) -> None:
        self.clients = clients
        self.token_life_s = token_life_s
        self.granted: list[str] = []
        """The client of each token, in the order they were asked for."""
        self.refused = 0
        self.is_down = False
        """Whether the token endpoint answers 503."""
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, name="token server")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def token_url(self) -> str:
        return f"http://{HOST}:{self._server.server_port}/token"

    @property
    def keys_url(self) -> str:
        return f"http://{HOST}:{self._server.server_port}/keys"

    def keys(self) -> dict[str, Any]:
        """The public key as a JWK set (RFC 7517)."""
        public = self._key.public_key().public_numbers()
        numbers = {name: _text(_bytes(number)) for name, number in (("n", public.n), ("e", public.e))}
        return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, **numbers}]}

    def token(self, client: str) -> str:
        """A token for a client, good from now on for `token_life_s`."""
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": client, "iat": now, "exp": now + self.token_life_s}
        head = {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
        signed = ".".join(_text(json.dumps(part).encode()) for part in (head, claims))
        return f"{signed}.{_text(self._key.sign(signed.encode(), padding.PKCS1v15(), SHA256()))}"

    def grant(self, authorization: str, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        """Answer a request for a token: HTTP status and body."""
        if self.is_down:
            return 503, {"error": "temporarily_unavailable"}
        client, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if form.get("grant_type") != ["client_credentials"] or self.clients.get(client) != secret:
            self.refused += 1
            return 401, {"error": "invalid_client"}
        self.granted.append(client)
        return 200, {"access_token": self.token(client), "token_type": "Bearer", "expires_in": self.token_life_s}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(200, server.keys())

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self._answer(*server.grant(self.headers.get("Authorization", ""), form))

            def _answer(self, status: int, body: dict[str, Any]) -> None:
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: tests look at the counts."""

        return Handler


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
