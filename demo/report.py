# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells a story as one HTML page that needs nothing beside it: pictures and charts are in the page.

It must not know Blender or the backend.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template

from PIL import Image

from demo.charts import line_chart
from demo.story import Story, spread

MAX_STILLS = 12
STILL_SIDE, SIDE_SIDE = 330, 640
"""Longest side of pictures, pixels: twice what a page shows, for fine screens."""
UNITS = {"psnr": "dB"}
NAMES = {"psnr": "PSNR", "loss": "Loss"}
ORDER = ("psnr", "loss")
MAX_CHARTS = 4


def write_report(story: Story, folder: Path, path: Path) -> None:
    """Write the page; `folder` holds the pictures."""
    template = Template(Path(__file__).with_name("report.template.html").read_text())
    page = template.substitute(
        title=escape(story.title),
        lead=_lead(story),
        facts="".join(
            f"<li><b>{value}</b><span>{name}</span></li>" for name, value in _facts(story)
        ),
        num_sides=str(len(story.sides)),
        sides=_sides(story, folder),
        stills=_stills(story, folder),
        charts=_charts(story),
        times=_times(story.times),
        warnings=_warnings(story.warnings),
        footer=escape(" · ".join(f"{name} {version}" for name, version in story.versions.items())),
    )
    path.write_text(page, encoding="utf-8")


def _lead(story: Story) -> str:
    return (
        f"{story.num_views} photographs went from Blender to the backend; "
        f"the mesh came back to where their cameras stand. Method <b>{escape(story.method)}</b>, "
        f"preset <b>{escape(story.preset)}</b>."
    )


def _facts(story: Story) -> list[tuple[str, str]]:
    facts = [
        ("photographs", f"{story.num_views}"),
        ("from Reconstruct to the mesh", f"{dict(story.times).get(RECONSTRUCTION, 0.0):.0f} s"),
        ("triangles", f"{story.num_triangles:,}"),
        ("vertices", f"{story.num_vertices:,}"),
    ]
    if psnr := story.curves.get("psnr"):
        facts.append(("PSNR at the end", f"{psnr[-1][1]:.1f} dB"))
    return facts


def _sides(story: Story, folder: Path) -> str:
    rows = (
        ("Photograph", [side.photograph for side in story.sides]),
        ("Mesh", [side.coloured for side in story.sides]),
        ("Clay", [side.clay for side in story.sides]),
    )
    return "".join(
        f"<h3>{name}</h3>" + "".join(_image(folder / file, SIDE_SIDE, name) for file in files)
        for name, files in rows
    )


def _stills(story: Story, folder: Path) -> str:
    figures = "".join(
        f"<figure>{_image(folder / still.picture, STILL_SIDE, still.phase)}<figcaption>"
        f"<b>{still.seconds:.0f} s</b> {escape(still.phase)}</figcaption></figure>"
        for still in spread(story.stills, MAX_STILLS)
    )
    head = (
        "<h2>As it took shape</h2><p>What the backend drew for the viewport while it worked, "
        "seconds after Reconstruct was pressed.</p>"
    )
    return f'{head}<div class="stills">{figures}</div>' if figures else ""


def _charts(story: Story) -> str:
    names = sorted(story.curves, key=lambda name: (ORDER.index(name) if name in ORDER else 9, name))
    charts = "".join(
        line_chart(NAMES.get(name, name.capitalize()), UNITS.get(name, ""), story.curves[name])
        for name in names[:MAX_CHARTS]
        if len(story.curves[name]) > 1
    )
    return f'<h2>Curves</h2><div class="charts">{charts}</div>' if charts else ""


def _times(times: list[tuple[str, float]]) -> str:
    longest = max(seconds for _, seconds in times)
    rows = "".join(
        f"<tr><td>{escape(what)}</td><td>{seconds:.1f} s</td>"
        f'<td><div class="bar" style="width:{100 * seconds / longest:.1f}%"></div></td></tr>'
        for what, seconds in times
    )
    total = sum(seconds for _, seconds in times)
    return f"{rows}<tr><td>All of it</td><td>{total:.1f} s</td><td></td></tr>"


def _warnings(warnings: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(warning)}</li>" for warning in warnings)
    return f'<h2>Warnings</h2><ul class="warnings">{items}</ul>' if items else ""


def _image(path: Path, longest: int, words: str) -> str:
    picture = Image.open(path)
    picture.thumbnail((longest, longest))
    data = io.BytesIO()
    picture.save(data, "WEBP", quality=86)
    source = base64.b64encode(data.getvalue()).decode()
    return f'<img alt="{escape(words)}" src="data:image/webp;base64,{source}">'


RECONSTRUCTION = "Reconstruction"
"""The step of `Story.times` that the person waits for."""
