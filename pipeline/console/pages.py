"""The page itself: files that hold no data, and who the caller is. Nothing is loaded from anywhere else.

The files are read once, when the console is mounted, and served by name from memory: there is no path to climb. Who
may not see anything gets the page all the same, and is asked there who he is: so a password goes with requests that
our script sends, and a browser does not add it to what other pages send.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from aiohttp import web
from aiohttp.typedefs import Handler

from pipeline.api.context import AUTHENTICATION, plane

BASE = "/console"
INDEX = "index.html"
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Scripts from our files only, none inline; no text becomes markup; in nobody's frame."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True)
class Page:
    """One file; the tag changes with its content, so that browsers fetch it anew after an upgrade only."""

    content: bytes
    content_type: str
    tag: str


def read_pages() -> Mapping[str, Page]:
    """Every file of `static`, by its path below it."""
    return dict(_pages(resources.files("pipeline.console").joinpath("static"), ""))


def application() -> web.Application:
    made = web.Application(middlewares=[_guard])
    pages = read_pages()
    for path, page in {**pages, "": pages[INDEX]}.items():
        made.router.add_get(f"/{path}", _serving(page))
    made.router.add_get("/session", get_session)
    return made


async def to_the_console(request: web.Request) -> web.Response:
    return web.Response(status=308, headers={"Location": f"{BASE}/", **HEADERS})


async def get_session(request: web.Request) -> web.Response:
    """Who asks, and how one proves it: 200 also for nobody, so that no browser asks in a window of its own."""
    authentication = request.config_dict[AUTHENTICATION]
    transport = request.transport
    certificate = transport.get_extra_info("peercert") if transport is not None else None
    principal = authentication.recognise(request.headers.get("Authorization"), certificate)
    methods = sorted({credential.method.value for credential in authentication.credentials})
    known = {} if principal is None else {"cluster_id": plane(request).cluster_id, "worker": plane(request).worker}
    return web.json_response(
        {
            "principal": None if principal is None else principal.name,
            "role": None if principal is None else principal.role.value,
            "methods": methods if authentication.required else [],
            **known,
        }
    )


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    response.headers.update(HEADERS)
    response.headers["Cache-Control"] = "no-cache" if "ETag" in response.headers else "no-store"
    return response


def _serving(page: Page) -> Handler:
    async def serve(request: web.Request) -> web.Response:
        if f'"{page.tag}"' in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers={"ETag": f'"{page.tag}"'})
        return web.Response(
            body=page.content, content_type=page.content_type, charset="utf-8", headers={"ETag": f'"{page.tag}"'}
        )

    return serve


def _pages(folder: Traversable, path: str) -> list[tuple[str, Page]]:
    found = []
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            found += _pages(entry, f"{path}{entry.name}/")
        elif (ending := entry.name.rpartition(".")[2]) in TYPES:
            content = entry.read_bytes()
            found.append((path + entry.name, Page(content, TYPES[ending], hashlib.sha256(content).hexdigest()[:16])))
    return found
