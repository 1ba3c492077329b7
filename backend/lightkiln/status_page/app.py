# SPDX-License-Identifier: GPL-3.0-or-later
"""Which address shows what. A page is whole without its script; the script only fetches it again.

Whoever looks fetches the page every second; those who ask within the same second get the same one,
and a page that has not changed is not sent again.
It must not know who may look.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

import jinja2
from lightkiln_shared.errors import UnknownJob
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from . import words
from .curves import HEIGHT, WIDTH
from .facts import Facts

FRESH_SECONDS = 0.7
HERE = Path(__file__).parent
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""A picture's address names its version."""


class StatusPage:
    """The routes of a running server's page."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {name: getattr(words, name) for name in words.FILTERS}
        self._templates.globals |= {"curve_box": f"0 0 {WIDTH:.0f} {HEIGHT:.0f}"}
        self._made: dict[str, tuple[float, bytes]] = {}
        self._making = asyncio.Lock()

    def routes(self) -> Starlette:
        """The application."""
        return Starlette(
            routes=[
                Route("/", self.overview),
                Route("/jobs/{job_id}", self.detail),
                Route("/jobs/{job_id}/picture", self.picture),
                Route("/jobs/{job_id}/cancel", self.cancel, methods=["POST"]),
                *(Route(f"/{name}", _file(name)) for name in ("page.css", "page.js", "icon.svg")),
            ],
            exception_handlers={UnknownJob: self.unknown, HTTPStatus.NOT_FOUND: self.unknown},
        )

    async def overview(self, request: Request) -> Response:
        async def make() -> bytes:
            found = await self._facts.overview()
            return await self._drawn("overview.html", found=found, box=found.box)

        return await self._answer(request, make)

    async def detail(self, request: Request) -> Response:
        async def make() -> bytes:
            found = await self._facts.detail(request.path_params["job_id"])
            return await self._drawn("detail.html", found=found, box=found.box)

        return await self._answer(request, make)

    async def picture(self, request: Request) -> Response:
        found = await self._facts.picture(request.path_params["job_id"])
        if found is None:
            return Response(status_code=HTTPStatus.NOT_FOUND)
        return Response(found, media_type="image/png", headers=FOR_EVER)

    async def cancel(self, request: Request) -> Response:
        job_id = request.path_params["job_id"]
        await self._facts.cancel(job_id)
        self._made.clear()
        return RedirectResponse(f"/jobs/{job_id}", HTTPStatus.SEE_OTHER)

    async def unknown(self, request: Request, error: Exception) -> Response:
        why = error.message if isinstance(error, UnknownJob) else "There is no such page."
        text = await self._drawn("unknown.html", why=why)
        return Response(text, HTTPStatus.NOT_FOUND, media_type="text/html")

    async def _drawn(self, template: str, **values: object) -> bytes:
        drawn = self._templates.get_template(template).render
        return (await asyncio.to_thread(drawn, **values)).encode(errors="replace")

    async def _answer(self, request: Request, make: Callable[[], Awaitable[bytes]]) -> Response:
        text = await self._fresh(request.url.path, make)
        tag = f'"{hashlib.sha256(text).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "no-store"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(text, media_type="text/html", headers=headers)

    async def _fresh(self, path: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        async with self._making:
            now = time.monotonic()
            self._made = {
                p: made for p, made in self._made.items() if now - made[0] < FRESH_SECONDS
            }
            if path not in self._made:
                self._made[path] = now, await make()
            return self._made[path][1]


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def send(request: Request) -> Response:
        return FileResponse(HERE / "files" / name, headers={"Cache-Control": "no-cache"})

    return send
