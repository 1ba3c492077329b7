# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is let in, before any page is made, and what a browser may do with what it gets.

- The link carries the secret; it opens `/` once and becomes a cookie that no script can read and
  no other site can send. Then the address bar is without it.
- A name in `Host` that is not this box's is refused: so no site can point a name of its own here.
- What changes something must come from a page of this very origin.
- The pages may load nothing from elsewhere, and nobody may frame them.

It must not know what the pages show.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN = ("/page.css", "/icon.svg")
"""What a refusal needs to look like one; there is nothing of anybody in it."""
COOKIE_SECONDS = 90 * 24 * 3600
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; "
    "script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
ENTERED = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/">'
    '<title>Lightkiln</title><p><a href="/">Go on to the page</a></p>'
)
"""Not a redirection: a browser that came from another site would not send the cookie along."""
STRANGER = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Lightkiln</title>'
    '<meta name="viewport" content="width=device-width">'
    '<link rel="stylesheet" href="/page.css"><link rel="icon" href="/icon.svg">'
    "<main class=refused><h1>This page opens by its link</h1>"
    "<p>Type <kbd>lightkiln web</kbd> on the box: it prints the link.</p></main></html>"
)


class Door:
    """Stands before an application, and speaks ASGI like it."""

    def __init__(self, app: ASGIApp, *, secret: str, cookie: str, names: frozenset[str]) -> None:
        """`names` are those of this box, in lower case; addresses and `localhost` always hold."""
        self._app, self._secret, self._cookie, self._names = app, secret, cookie, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-store")
                message["headers"] = headers.raw
            await send(message)

        if scope["type"] != "http":
            return  # no other kind of connection is offered
        answer = self._before(Request(scope)) or self._app
        await answer(scope, receive, send_with_headers)

    def _before(self, request: Request) -> Response | None:
        """The answer to who may not come in, or comes in by the link."""
        host = request.headers.get("host", "")
        if not self._is_here(host):
            return PlainTextResponse("This is not that host.\n", HTTPStatus.MISDIRECTED_REQUEST)
        if request.url.path in OPEN:
            return None
        given = request.query_params.get("token")
        if given is not None and request.url.path == "/" and self._fits(given):
            return self._entered(request)
        if given is not None or not self._fits(request.cookies.get(self._cookie, "")):
            return Response(STRANGER, HTTPStatus.FORBIDDEN, media_type="text/html")
        if request.method not in ("GET", "HEAD") and not _is_own(request, host):
            return PlainTextResponse("Another site asked for this.\n", HTTPStatus.FORBIDDEN)
        return None

    def _entered(self, request: Request) -> Response:
        response = Response(ENTERED, media_type="text/html")
        response.set_cookie(
            self._cookie,
            self._secret,
            max_age=COOKIE_SECONDS,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return response

    def _fits(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(errors="replace"), self._secret.encode())

    def _is_here(self, host: str) -> bool:
        """True for an address or a name of this box, on whatever port: it may be forwarded."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
        except ValueError:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return True


def own_names(name: str) -> frozenset[str]:
    """What this machine may be called by: its host's name and the box's, in the local domain too.

    `name` is what people call the box.
    """
    host = socket.gethostname().lower()
    short = {host, host.partition(".")[0], name.lower()} - {""}
    return frozenset({"localhost", *short, *(f"{each}.local" for each in short)})


def _is_own(request: Request, host: str) -> bool:
    return request.headers.get("origin") == f"{request.url.scheme}://{host}"
