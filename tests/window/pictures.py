# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the pictures of the tutorial: `PYTHONPATH=tests python -m window.pictures`.

A real Blender goes the way from a folder of photographs to a textured mesh, and on the way every
panel and state is photographed off the screen into `docs/pictures/`. The photographs are those of
the demo's jug on its table. Nothing is drawn or pieced together here; pictures are
cropped and brought to a palette.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from addon.environments import python_of
from PIL import Image
from window import blender, chroot
from window.blender import Window
from window.sidebar import Sidebar

ROOT = Path(__file__).parents[2]
OUT = ROOT / "docs" / "pictures"
WORK = ROOT / "build" / "pictures"
"""What was made on the way stays there, `last.png` and Blender's log among it."""
BLENDER = "4.5.15"
SEEN_BY = "IMG_0004"
"""A camera that has the jug's handle beside it."""
PREFERENCES = (225, 385)
"""Rows of the extension's own settings, below what Blender says about it."""
DIALOG = (-290, -100, 110, 100)
"""Pixels (left, upper, right, lower) from the mouse, which is on the button, around a dialog."""
INVENTOR, INVENTED = "vae3d", 12
"""What invents a shape, and by which seed."""
JOBS = 3
"""Alignment, masks, mesh."""
PROMPT = "a red torus on a blue cube"
SLOW = 300
"""Seconds that anything short may take on a busy machine."""
LONG = 7200
"""The same, for what computes."""
SETTLE = 5
"""Seconds until a preview from a new place has come."""
FRAMES = 12
COLOURS = (256, 192, 128, 96, 64)
"""Of a palette: the first with which a picture is small enough."""
MAX_BYTES = 150_000
SHRUNK = 0.8
"""Pictures of the viewport; its words can still be read."""


class Tour:
    """A Blender that does what is wished, and the camera before its screen."""

    def __init__(self, window: Window, shared: Path, out: Path) -> None:
        self.window = window
        self.sidebar = Sidebar(window)
        self._wish = shared / "wish.json"
        self._out = out
        self._number = 0

    def do(self, name: str, /, **options: Any) -> None:
        """Have it done, and wait until it is."""
        self._number += 1
        part = self._wish.with_suffix(".part")
        part.write_text(json.dumps({"number": self._number, "do": name, "with": options}))
        part.replace(self._wish)
        state = self.window.wait_for(lambda state: state["done"] == self._number, SLOW)
        assert not state["error"], state["error"]

    def keep(self, name: str, *panels: str) -> None:
        """Keep a picture of the viewport, or of some panels that follow each other."""
        if panels:
            self.sidebar.open_only(panels)
        for _ in range(2):
            self.window.fresh()  # told between two draws
        self._save(name, self.window.screen.still(), panels)

    def catch(
        self, name: str, holds: Callable[[dict[str, Any]], object], *panels: str, seconds: float
    ) -> None:
        """Keep a picture of what passes, as it is last seen while it holds.

        The panels are open already; what holds is drawn a little later.
        """
        self.window.wait_for(holds, seconds)
        kept = None
        for _ in range(FRAMES):
            picture = self.window.screen.picture()
            if not holds(self.window.state()):
                break
            kept = picture
        assert kept is not None, f"{name} was missed"
        self._save(name, kept, panels)

    def _save(self, name: str, picture: Image.Image, panels: Sequence[str]) -> None:
        if panels:
            picture = picture.crop(self.sidebar.box_of(panels, picture))
        else:
            picture = picture.crop(self._viewport())
            picture = picture.resize(
                (round(SHRUNK * picture.width), round(SHRUNK * picture.height)),
                Image.Resampling.LANCZOS,
            )
        self._write(name, picture)

    def _write(self, name: str, picture: Image.Image) -> None:
        path = self._out / f"{name}.png"
        for colours in COLOURS:
            few = picture.quantize(colours, kmeans=1, dither=Image.Dither.NONE)
            few.save(path, optimize=True)
            if path.stat().st_size < MAX_BYTES:
                break
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()

    def keep_rows(self, name: str, first: int, last: int) -> None:
        """Keep a picture of some rows of the largest area."""
        left, upper, right, _ = self._viewport()
        for _ in range(2):
            self.window.fresh()
        picture = self.window.screen.still()
        self._write(name, picture.crop((left, upper + first, right, upper + last)))

    def keep_dialog(self, name: str, ask: Callable[[], None]) -> None:
        """Keep a picture of a dialog that stands where the mouse is, then press Enter in it."""
        left, upper, right, lower = self._viewport()
        x, y = (left + right) // 2, (upper + lower) // 2
        self.window.screen.move(x, y)
        ask()
        picture = self.window.screen.still()
        box = (x + DIALOG[0], y + DIALOG[1], x + DIALOG[2], y + DIALOG[3])
        self._write(name, picture.crop(box))
        self.window.screen.key("Return", x, y)

    def _viewport(self) -> tuple[int, int, int, int]:
        x, y, width, height = self.window.state()["places"]["WINDOW"]
        return x, y, x + width, y + height


def begin(tour: Tour) -> None:
    """Before anything: no backend, a backend that starts, an empty tab, photographs chosen."""
    tour.keep("not-connected", "main", "align", "scene", "method")
    tour.sidebar.open_only(("main",))
    tour.do("call", name="connect")
    tour.catch("starting", lambda state: state["link"] == "CONNECTING", "main", seconds=SLOW)
    tour.window.wait_for(lambda state: state["link"] == "ONLINE", SLOW)
    tour.keep("connected", "main", "scene", "method")
    tour.keep_dialog("dropped", lambda: tour.do("drop", folder="//jug", name=f"{SEEN_BY}.jpg"))
    tour.window.wait_for(lambda state: state["photographs"], SLOW)
    tour.do("settings", photographs="//jug")
    tour.keep("photographs", "align")


def align(tour: Tour) -> None:
    """Cameras for the photographs."""
    tour.sidebar.open_only(("main", "align", "job"))
    tour.do("call", name="align")
    tour.catch(
        "aligning",
        lambda state: (
            state["job"]["state"] == "running" and state["job"]["metrics"].get("registered")
        ),
        "align",
        seconds=LONG,
    )
    tour.window.wait_for(lambda state: state["job"]["imported"], LONG)
    tour.do("look", like=SEEN_BY, rise=25.0, away=6.0, up=0.5)
    tour.sidebar.open_only(("main", "align", "solve", "unplaced"))
    tour.keep("aligned")
    tour.keep("not-placed", "solve", "unplaced")
    tour.do("look_through", name=SEEN_BY)
    tour.keep("through-a-camera")


def prepare(tour: Tour) -> None:
    """Region, masks, pre-flight, finish."""
    tour.do("call", name="select_solved")
    tour.do("draw_region_round")
    tour.do("look", like=SEEN_BY, rise=20.0, away=3.6)
    tour.sidebar.open_only(("scene",))
    tour.keep("region")
    tour.do("call", name="segment")
    tour.window.wait_for(lambda state: _is_imported(state, "segment"), LONG)
    tour.do("show_points", show=False)
    tour.do("look_through", name=SEEN_BY)
    tour.sidebar.open_only(("scene", "masks"))
    tour.keep("masks")
    tour.do("call", name="remove_masks")
    tour.do("select_only", first=6)
    tour.do("call", name="preflight")
    tour.window.wait_for(lambda state: state["findings"] is not None, SLOW)
    tour.keep("pre-flight", "scene", "preflight")
    tour.do("settings", preset="draft")
    tour.do("call", name="select_solved")
    tour.keep("method", "method", "finish", "params")


def reconstruct(tour: Tour) -> None:
    """A run: seen from beside, through a camera, paused."""
    tour.do("look", like=SEEN_BY, rise=20.0, away=3.6)
    tour.sidebar.open_only(("main", "job", "curves", "preview"))
    tour.do("call", name="reconstruct")
    tour.catch("running", _trains, seconds=LONG)
    tour.do("settings", beside_photograph=True, show_mesh=False)
    tour.do("look_through", name=SEEN_BY)
    time.sleep(SETTLE)
    tour.catch("beside-photograph", _trains, seconds=LONG)
    tour.catch("curves", _trains, "job", "curves", "preview", seconds=LONG)
    tour.do("settings", beside_photograph=False, show_mesh=True)
    tour.do("call", name="pause")
    tour.window.wait_for(lambda state: state["job"]["state"] == "paused", SLOW)
    tour.keep("paused", "job")
    tour.do("call", name="resume")
    tour.window.wait_for(lambda state: _is_imported(state, "kiln"), LONG)


def text(tour: Tour) -> None:
    """A mesh of words: its candidates, how it comes, and what can be made of it."""
    tour.do("show_only_words", only=True)
    tour.do("settings", text__prompt=PROMPT, preset="draft")
    tour.do("call", name="candidates")
    tour.window.wait_for(lambda state: state["drawn"], LONG)
    tour.do("look_at_cursor", turn=25.0, rise=20.0, away=4.0)
    tour.sidebar.open_only(("text",))
    tour.keep("text")
    tour.sidebar.open_only(("main", "text", "job"))
    tour.do("call", name="generate")
    tour.catch("text-running", _sharpens, seconds=LONG)
    tour.window.wait_for(lambda state: _is_imported(state, "dreamfusion"), LONG)
    tour.sidebar.open_only(("main", "text", "text_again"))
    tour.keep("text-made")
    tour.do("show_only_words", only=False)


def shapes(tour: Tour) -> None:
    """A shape that was learned: invented, at the 3D cursor."""
    tour.do("show_only_words", only=True)
    tour.do("settings", shape__method=INVENTOR, shape__seed=INVENTED)
    tour.do("look_at_cursor", turn=25.0, rise=20.0, away=4.0)
    tour.sidebar.open_only(("main", "shapes"))
    tour.do("call", name="shape")
    tour.window.wait_for(lambda state: _is_imported(state, INVENTOR), LONG)
    tour.keep("shapes")
    tour.do("remove_made_by", method=INVENTOR)
    tour.do("show_only_words", only=False)


def finish(tour: Tour) -> None:
    """The mesh; then a job that fails, the list of all, and the preferences."""
    tour.do("show_cameras", show=False)
    tour.do("shade", kind="MATERIAL")
    tour.do("look", like=SEEN_BY, rise=20.0, away=3.6)
    tour.sidebar.open_only(("main", "job", "result"))
    tour.keep("finished")
    tour.keep("result", "result", "again")
    tour.do("show_cameras", show=True)
    tour.do("shade", kind="SOLID")
    tour.do("call", name="select_solved")
    tour.do("move_region", by=50.0)
    tour.do("call", name="reconstruct")
    tour.window.wait_for(lambda state: state["job"]["state"] == "failed" or state["problem"], LONG)
    tour.keep("failed", "job")
    tour.window.wait_for(lambda state: state["listed"] >= JOBS, SLOW)
    tour.do("select_job", index=0)
    tour.keep("all-jobs", "jobs")
    tour.do("open_preferences")
    tour.keep_rows("preferences", *PREFERENCES)


def _is_imported(state: dict[str, Any], method: str) -> bool:
    job = state["job"]
    assert job["state"] != "failed", job
    return job["method"] == method and bool(job["imported"])


def _trains(state: dict[str, Any]) -> bool:
    """The curves can be seen, and so can the backend's image."""
    job = state["job"]
    return job["state"] == "running" and job["has_picture"] and job["curves"].get("psnr", 0) > 4


def _sharpens(state: dict[str, Any]) -> bool:
    """The shape can be seen as it comes."""
    job = state["job"]
    assert job["state"] != "failed", job
    return job["state"] == "running" and job["has_picture"] and job["fraction"] > 0.5


STAGES = {
    stage.__name__: stage for stage in (begin, align, prepare, reconstruct, text, shapes, finish)
}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=Path, help="a folder; without it, the jug's")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--start", choices=STAGES, default="begin", help="go on at a stage")
    parser.add_argument("--last", choices=STAGES, default="finish", help="end after a stage")
    options = parser.parse_args(arguments)
    chroot.prepare()
    options.out.mkdir(parents=True, exist_ok=True)
    document = WORK / "jug.blend"
    if options.start == "begin":
        shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True, exist_ok=True)
    if options.start == "begin":
        _photograph(options.photographs, WORK / "jug")
    script = shutil.copy(Path(__file__).with_name("tour.py"), WORK)
    words = [str(document)] if document.exists() else []
    words += ["--python", script, "--"]
    words += [str(WORK / name) for name in ("wish.json", "state.json", "backend")]
    for name in ("wish.json", "state.json"):
        (WORK / name).unlink(missing_ok=True)
    with blender.opened(WORK, words) as window:
        window.wait_for(lambda state: state.get("places"), SLOW)
        tour = Tour(window, WORK, options.out)
        tour.do("set_up", document=str(document))
        window.open_tab("Lightkiln")
        if options.start != "begin":
            tour.do("call", name="connect")
            window.wait_for(lambda state: state["link"] == "ONLINE", SLOW)
        first, last = (list(STAGES).index(each) for each in (options.start, options.last))
        for stage in list(STAGES)[first : last + 1]:
            STAGES[stage](tour)
            tour.do("save")


def _photograph(source: Path | None, folder: Path) -> None:
    if source is not None:
        shutil.copytree(source, folder)
        return
    take = [str(python_of(BLENDER)), "-m", "demo.make_photographs", str(folder)]
    subprocess.run(take, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main(sys.argv[1:])
