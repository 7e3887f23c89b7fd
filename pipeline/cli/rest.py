"""The REST API as the commands use it: one call, and a refusal as an exception that ends the program with exit code
1.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import click

if TYPE_CHECKING:
    import httpx

BASE = "/kafka/v3"
_WARNING = re.compile(r'\d+ \S+ "(.*)"')
WAIT_S = 120.0
"""A little longer than a worker takes to give up on a command."""


REFUSED = 1
"""Exit code where something was refused or failed, also if it was one topic of several (CLI-62)."""


class Refusal(click.ClickException):
    """What the endpoint refused or could not do; its message is shown as it came."""

    def __init__(self, status: int, error_code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code


@dataclass(frozen=True)
class Endpoint:
    """Which endpoint, and how to prove who we are (CLI-60). Secrets stay out of `repr`."""

    url: str
    cluster: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    authority: str | None = None
    certificate: str | None = None
    key: str | None = None

    def tls(self) -> ssl.SSLContext | bool:
        if not self.url.startswith("https:"):
            return True
        try:
            context = ssl.create_default_context(cafile=self.authority)
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise click.ClickException(f"cannot use the TLS files given: {error}") from None
        return context


class Rest:
    """Calls to one endpoint for one cluster. Use as a context manager."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _client(self) -> httpx.Client:
        import httpx  # noqa: PLC0415  a fifth of a second that --help need not pay

        at = self.endpoint
        headers = {"Authorization": f"Bearer {at.token}"} if at.token else {}
        basic = (at.username, at.password or "") if at.username and not at.token else None
        return httpx.Client(
            base_url=at.url.rstrip("/") + BASE,
            headers=headers,
            auth=basic,
            verify=at.tls(),
            timeout=WAIT_S,
            trust_env=False,
        )

    @cached_property
    def cluster_id(self) -> str:
        """The cluster named by --cluster, else the one the endpoint serves."""
        return self.endpoint.cluster or str(self.clusters()[0]["cluster_id"])

    def clusters(self) -> list[dict[str, Any]]:
        return list(self._call("GET", "/clusters", None, None)["data"])

    def get(self, *path: str, **query: Any) -> dict[str, Any]:
        """GET below the cluster."""
        return self.call("GET", path, query)

    def call(self, method: str, path: tuple[str, ...], query: Mapping[str, Any], body: Any = None) -> dict[str, Any]:
        """Call below the cluster; query values that are None are left out. Gives {} where the answer has no content."""
        place = "/".join(quote(part, safe=":") for part in ("clusters", self.cluster_id, *path))
        words = {name: _word(value) for name, value in query.items() if value is not None}
        return self._call(method, f"/{place}", words, body)

    def _call(self, method: str, place: str, query: Mapping[str, str] | None, body: Any) -> dict[str, Any]:
        import httpx  # noqa: PLC0415

        try:
            answer = self._client.request(method, place, params=query, json=body)
        except httpx.InvalidURL as error:
            raise click.UsageError(f"--url {self.endpoint.url}: {error}") from None
        except httpx.UnsupportedProtocol:
            raise click.UsageError(f"--url {self.endpoint.url}: must begin with http:// or https://") from None
        except httpx.TimeoutException:
            raise click.ClickException(f"{self.endpoint.url} did not answer in time") from None
        except httpx.TransportError as error:
            raise click.ClickException(
                f"cannot reach {self.endpoint.url}: {str(error).rstrip('.')}. Is a worker running there?"
            ) from None
        for warning in answer.headers.get_list("Warning"):
            click.echo(f"Warning: {_warning(warning)}", err=True)
        return _content(answer)


def _content(answer: httpx.Response) -> dict[str, Any]:
    try:
        content = answer.json() if answer.content else {}
    except ValueError:
        content = None
    if answer.is_success and isinstance(content, dict):
        return content
    if isinstance(content, dict) and "message" in content:
        message = str(content["message"])
        if answer.status_code == 401:
            message += " (set CLUSTERLINK_USERNAME and CLUSTERLINK_PASSWORD, or CLUSTERLINK_TOKEN)"
        raise Refusal(answer.status_code, int(content.get("error_code", answer.status_code)), message)
    raise click.ClickException(f"{answer.url} answered {answer.status_code}, but not as a clusterlink worker does")


def _warning(header: str) -> str:
    """The text of a Warning header: code, agent, quoted text."""
    quoted = _WARNING.fullmatch(header)
    return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else header


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
