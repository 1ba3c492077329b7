# SPDX-License-Identifier: GPL-3.0-or-later
"""The status page in a real headless Chromium: what people see, and what nobody can do to them."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import paged_server
import pytest
import running_server
import synthetic
from lightkiln_shared.jobs import JobAction
from lightkiln_shared.messages import ControlJob
from paged_server import Paged
from pairing_client import paired
from playwright.async_api import Page, async_playwright, expect
from wire_client import connected

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: apt-get install chromium-headless-shell"
)
expect.set_options(timeout=30_000)
PHONE = {"width": 390, "height": 844}
HOSTILE = (
    "<script>document.title='taken'</script>",
    '"><img src=x onerror=alert(1)><iframe src=//evil.example>',
    "{{ 7 * 7 }}<style>*{display:none}</style>",
    "left \u202eright\u202c \u2066in\u2069side\u200b \x1b[2Jclear\nline",
    "W" * 200,
    "Z\u0301\u0302\u0303" * 50,
)


@asynccontextmanager
async def visit(paged: Paged, **context: object) -> AsyncIterator[Page]:
    """The page, opened by its link; any dialog, fault or request elsewhere fails the test."""
    wrong: list[str] = []
    asked: set[str] = set()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM)
        page = await browser.new_page(**context)  # type: ignore[arg-type]
        page.on("dialog", lambda dialog: wrong.append(f"dialog {dialog.message}"))
        page.on("pageerror", lambda error: wrong.append(f"error {error}"))
        page.on("console", lambda line: wrong.append(line.text))
        page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
        await page.goto(paged.link)
        await page.wait_for_url(f"{paged.address}/")
        yield page
        await browser.close()
    assert not [line for line in wrong if "ERR_CONNECTION" not in line], "it may be away"
    assert asked == {urlsplit(paged.address).netloc}


async def width_of(page: Page) -> int:
    return int(await page.evaluate("document.documentElement.scrollWidth"))


def test_a_job_at_work_is_followed_without_a_reload(paged: Paged, job_id: str) -> None:
    async def look() -> None:
        async with visit(paged) as page:
            await page.evaluate("window.same = true")
            card = page.locator(f"#job-{job_id}")
            await expect(card.locator("h3")).to_have_text("a quiet still life")
            await expect(card).to_contain_text("ann")
            await expect(card.locator("progress")).to_be_visible()
            waiting = await paged.submit("the next one", steps=3)
            await expect(page.locator(f"#waiting ~ * #job-{waiting} .place")).to_have_text("1")
            await expect(page.locator(f"#job-{waiting}")).to_contain_text("the next one")

            await card.locator("h3 a").click()
            await page.evaluate("window.same = true")
            line = page.locator("figure .line").first
            shorter = len(str(await line.get_attribute("d")))
            before = float(str(await page.locator("progress").get_attribute("value")))
            await page.wait_for_function(
                "n => document.querySelector('figure .line').getAttribute('d').length > n",
                arg=shorter,
            )
            assert float(str(await page.locator("progress").get_attribute("value"))) > before
            picture = page.locator(".stage img")
            assert await picture.evaluate("image => image.decode().then(() => image.naturalWidth)")
            assert await page.evaluate("window.same")

    asyncio.run(look())


def test_what_is_open_stays_open_and_a_job_can_be_cancelled(paged: Paged, job_id: str) -> None:
    async def cancel() -> None:
        unwanted = await paged.submit("not wanted", steps=3)
        async with visit(paged) as page:
            await page.goto(f"{paged.address}/jobs/{unwanted}")
            await page.evaluate("window.same = true")
            await page.locator(".cancel summary").click()
            async with connected(paged.server.port, paged.token) as ann:
                await ann.ask(ControlJob(job_id=unwanted, action=JobAction.PAUSE))
            await expect(page.locator(".top .state")).to_have_text("paused")
            assert await page.evaluate("window.same")
            await page.locator(".cancel button").click()
            await expect(page.locator(".top .state")).to_have_text("cancelled")
            await expect(page.locator(".cancel")).to_have_count(0)

    asyncio.run(cancel())


def test_hostile_names_are_only_names_on_a_phone_too(paged: Paged, job_id: str) -> None:
    async def look() -> None:
        jobs = [
            await paged.submit(title, steps=3) for title in HOSTILE
        ]  # they wait for the long one
        async with visit(paged, viewport=PHONE) as page:
            for hostile, title in zip(jobs, HOSTILE, strict=True):
                shown = page.locator(f"#job-{hostile} bdi").first
                await expect(shown).to_be_visible()
                text = str(await shown.text_content())
                assert text == title or title == HOSTILE[3]
                assert not set(text) & set("\u202e\u202c\u2066\u2069\u200b\x1b\n")
            assert await page.locator("script").count() == 1
            assert await page.locator("iframe, style, img:not(.picture, .mark img)").count() == 0
            assert await width_of(page) <= PHONE["width"]
            for hostile in jobs:
                await page.goto(f"{paged.address}/jobs/{hostile}")
                await expect(page.locator("h1")).to_be_visible()
                assert await page.title() != "taken"
                assert await width_of(page) <= PHONE["width"]
        async with connected(paged.server.port, paged.token) as ann:
            for hostile in jobs:
                await ann.ask(ControlJob(job_id=hostile, action=JobAction.CANCEL))

    asyncio.run(look())


def test_a_wrong_link_shows_how_to_get_the_right_one(paged: Paged) -> None:
    async def look() -> None:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM)
            page = await browser.new_page()
            answer = await page.goto(f"{paged.address}/?token=wrong")
            assert answer is not None
            assert answer.status == 403
            await expect(page.locator("main")).to_contain_text("lightkiln web")
            assert await page.context.cookies() == []
            await browser.close()

    asyncio.run(look())


def test_the_page_outlives_its_server(
    tmp_path: Path, synthetic_scene: synthetic.SyntheticScene
) -> None:
    """The same tab goes on with the next server, with no new link."""
    data = tmp_path / "data"
    first = paged_server.start(data, synthetic_scene.folder, "--web", "--web-port", "0")

    async def look() -> None:
        async with visit(first) as page:
            await page.evaluate("window.same = true")
            first.server.kill()
            await expect(page.locator("#away")).to_be_visible()
            port = str(first.port)
            second = running_server.start_box(data, "--web", "--web-port", port)
            try:
                await expect(page.locator("#away")).to_be_hidden()
                link = json.loads((data / "server.json").read_text())["page"]
                paged = Paged(second, link, await paired(second, "bob"), first.scene)
                job_id = await paged.submit("after the fall", steps=3)
                await expect(page.locator(f"#job-{job_id}")).to_contain_text("after the fall")
                assert await page.evaluate("window.same")
            finally:
                second.stop()

    asyncio.run(look())
