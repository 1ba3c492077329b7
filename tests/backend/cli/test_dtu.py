# SPDX-License-Identifier: GPL-3.0-or-later
"""DTU's protocol from folders to figures, on a made-up scan whose figures are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dtu_folder
import numpy as np
import pytest
from dtu_folder import CORNER, OBSERVED_BELOW, SCAN, SIZE
from lightkiln.cli import app
from lightkiln.cli.dtu_files import read_scan
from lightkiln.mesh.export import save_mesh
from lightkiln.metrics import dtu
from lightkiln.metrics.dtu import DtuScores, Scan, evaluate
from lightkiln_shared.errors import UserError
from lightkiln_shared.geometry import TriangleMesh
from PIL import Image
from scipy.io import loadmat, savemat
from typer.testing import CliRunner

Piece = tuple[float, float, float, float, float]
WHOLE = (0.0, SIZE[0], 0.0, SIZE[1])
# From any place on the slab to the scanner's nearest point, and to the mesh's after thinning:
# half a square's diagonal; what was thinned away is 0.2 mm from what stayed, and a sample is
# nowhere farther than a cell's diagonal.
TO_STL, TO_DATA = 0.0708, 0.2 + 0.2 * np.sqrt(2.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dtu_folder.write(tmp_path_factory.mktemp("dtu"))


@pytest.fixture(scope="module")
def scan(folder: Path) -> Scan:
    return read_scan(folder, SCAN)


def flat(*pieces: Piece, cell: float = 100.0) -> TriangleMesh:
    """Rectangles (x0, x1, y0, y1, z) from the slab's corner, in squares of at most so much."""
    positions, triangles, num = [], [], 0
    for x0, x1, y0, y1, z in pieces:
        columns, rows = (int(np.ceil(length / cell)) + 1 for length in (x1 - x0, y1 - y0))
        x, y = np.meshgrid(np.linspace(x0, x1, columns), np.linspace(y0, y1, rows))
        positions.append(np.stack([x.ravel(), y.ravel(), np.full(x.size, z)], axis=-1) + CORNER)
        a = num + (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
        b, c, d = a + 1, a + columns + 1, a + columns
        triangles += [np.stack([a, b, c], axis=-1), np.stack([a, c, d], axis=-1)]
        num += x.size
    return TriangleMesh(
        positions=np.concatenate(positions).astype(np.float32),
        triangles=np.concatenate(triangles).astype(np.int32),
    )


def scores(scan: Scan, *pieces: Piece) -> DtuScores:
    return evaluate(flat(*pieces), scan)


@pytest.mark.parametrize("height", [0.5, 2.0, -0.5])
def test_an_offset_is_both_figures(scan: Scan, height: float) -> None:
    got = scores(scan, (*WHOLE, height))
    away = abs(height)
    assert away <= got.accuracy <= np.hypot(away, TO_STL)
    # The mean square of the way to the nearest of points 0.1 mm apart is twice 0.1² / 12.
    assert got.accuracy == pytest.approx(np.sqrt(away**2 + 0.1**2 / 6.0), abs=1e-4)
    assert away <= got.completeness <= np.hypot(away, TO_DATA)
    assert got.chamfer == (got.accuracy + got.completeness) / 2.0
    assert got.num_observed == got.num_accurate == got.num_data
    assert got.num_stl == got.num_above == got.num_complete == 80_000


def test_what_the_scanner_saw_below_the_plane_does_not_count(tmp_path: Path, scan: Scan) -> None:
    legs = dtu_folder.slab() + np.array([0.0, 0.0, dtu_folder.FLOOR - 0.5])
    got = scores(read_scan(dtu_folder.write(tmp_path, legs), SCAN), (*WHOLE, 0.5))
    same = scores(scan, (*WHOLE, 0.5))
    assert got.num_stl == 160_000
    assert (got.num_above, got.completeness) == (same.num_above, same.completeness)


def test_a_floater_counts_where_space_was_observed(scan: Scan) -> None:
    # Of one shape, so after thinning both are as dense.
    inside = scores(scan, (*WHOLE, 0.5), (*WHOLE, OBSERVED_BELOW - 5.0))
    assert inside.accuracy == pytest.approx((0.5 + 10.0) / 2.0, rel=0.01)
    above = scores(scan, (*WHOLE, 0.5), (*WHOLE, OBSERVED_BELOW + 1.0))
    beside = scores(scan, (*WHOLE, 0.5), (-9.0, -6.0, 0.0, 20.0, 0.5))
    for got in (above, beside):
        assert got.num_observed < got.num_data
        assert got.accuracy < np.hypot(0.5, TO_STL)


def test_a_floater_beyond_20_mm_does_not_count(scan: Scan) -> None:
    # The lowest lies a tenth below the grid's first value, whose space is still its own.
    got = scores(scan, (*WHOLE, 0.5), (*WHOLE, -18.0), (*WHOLE, -20.1))
    assert got.num_observed == got.num_data
    assert got.num_accurate == pytest.approx(2.0 / 3.0 * got.num_observed, rel=0.01)
    assert got.accuracy == pytest.approx((0.5 + 18.0) / 2.0, rel=0.01)


def test_a_missing_part_costs_completeness_up_to_20_mm(scan: Scan) -> None:
    got = scores(scan, (0.0, 10.0, 0.0, SIZE[1], 0.0))
    assert got.accuracy < TO_STL
    # A quarter is met, a half is 0 to 20 mm away, the last quarter farther.
    assert got.num_complete == pytest.approx(0.75 * got.num_above, rel=0.02)
    assert got.completeness == pytest.approx((10.0 * 0.0 + 20.0 * 10.0) / 30.0, abs=TO_DATA)


def test_what_lies_outside_the_box_is_not_even_sampled(
    scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = scores(scan, (*WHOLE, 0.5))
    far = scores(scan, (*WHOLE, 0.5), (-500.0, 500.0, -500.0, 500.0, -90.0))
    assert far == near
    monkeypatch.setattr(dtu, "MOST_SAMPLES", 30_000)
    with pytest.raises(UserError, match="too large to be sampled"):
        scores(scan, (*WHOLE, 0.5))


def test_the_command_culls_compares_and_prints(folder: Path, tmp_path: Path) -> None:
    mesh = tmp_path / "mesh.ply"
    # A table about the slab, and something that no image shows.
    save_mesh(flat((-16.0, 56.0, -15.0, 35.0, 0.5), (72.0, 76.0, 0.0, 20.0, 0.5), cell=0.5), mesh)
    words = ["evaluate", str(mesh), "--dtu", str(folder), "--scan", str(SCAN)]
    whole = answered(*words)
    assert whole["culling"] is None
    assert whole["chamfer"] == (whole["accuracy"] + whole["completeness"]) / 2.0
    assert whole["accuracy"] > 2.0  # the table
    cut = answered(*words, "--views", str(scene_above(tmp_path / "scene")))
    assert cut["culling"] == {
        **{"num_masks": 3, "dilation": 24, "width": 200, "height": 160},
        **{"num_vertices": 145 * 101 + 9 * 41, "num_kept": cut["culling"]["num_kept"]},
    }
    # 24 pixels are 12 mm: what lies so near to the slab stays, in a shape with round corners, but
    # for half a square along its edge of 195 mm.
    stays = 40.0 * 20.0 + 12.0 * 2.0 * (40.0 + 20.0) + np.pi * 12.0**2 + 4.0 * 20.0
    share = stays / (72.0 * 50.0 + 4.0 * 20.0)
    assert cut["num_data"] / whole["num_data"] == pytest.approx(share, rel=0.03)
    assert cut["culling"]["num_kept"] / (145 * 101 + 9 * 41) == pytest.approx(share, rel=0.03)
    assert cut["completeness"] == pytest.approx(whole["completeness"], rel=0.01)
    shown = CliRunner().invoke(app, words).stdout
    assert f"{whole['accuracy']:.4f}" in shown
    assert "Not culled." in shown


def answered(*words: str) -> Any:
    answer = CliRunner().invoke(app, [*words, "--json"])
    assert answer.exit_code == 0, answer.stderr
    return json.loads(answer.stdout)


def scene_above(folder: Path, *, masks: bool = True) -> Path:
    """Three cameras that look straight down from 200 mm above the mesh: 2 pixels are a millimetre,
    an image spans 100 x 80 mm, and its mask shows the slab."""
    frames = []
    folder.mkdir()
    lens = {"fl_x": 400.0, "fl_y": 400.0, "cx": 100.0, "cy": 80.0, "w": 200, "h": 160}
    for index, (x, y) in enumerate([(20.0, 10.0), (18.0, 10.0), (20.0, 12.0)]):
        pose = np.eye(4)
        pose[:3, 3] = CORNER + np.array([x, y, 200.5])
        across = x + (np.arange(200) + 0.5 - 100.0) / 2.0
        up = y - (np.arange(160) + 0.5 - 80.0) / 2.0
        mask = np.outer((up > 0.0) & (up < SIZE[1]), (across > 0.0) & (across < SIZE[0]))
        picture = np.dstack([np.full((160, 200, 3), 90), np.where(mask, 255, 0)]).astype(np.uint8)
        Image.fromarray(picture if masks else picture[..., :3]).save(folder / f"{index}.png")
        frames.append({"file_path": f"{index}.png", "transform_matrix": pose.tolist()})
    (folder / "transforms.json").write_text(json.dumps({**lens, "frames": frames}))
    return folder


@pytest.mark.parametrize(
    "lost",
    [
        f"Points/stl/stl{SCAN:03}_total.ply",
        f"ObsMask/ObsMask{SCAN}_10.mat",
        f"ObsMask/Plane{SCAN}.mat",
    ],
)
def test_a_missing_or_damaged_file_is_named(tmp_path: Path, lost: str) -> None:
    path = dtu_folder.write(tmp_path) / lost
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    # Only the first part: a cloud's or a grid's values are as good as any other
    for at in (3, 128, 136, 150, 190):
        for damaged in (whole[:at], whole[:at] + rng.bytes(8) + whole[at + 8 :]):
            path.write_bytes(damaged)
            try:
                read_scan(tmp_path, SCAN)
            except UserError as error:
                assert path.name in error.message
    path.write_bytes(b"")
    with pytest.raises(UserError, match=path.name):
        read_scan(tmp_path, SCAN)
    path.unlink()
    with pytest.raises(UserError, match=f"has no {lost}"):
        read_scan(tmp_path, SCAN)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("BB", np.zeros((3, 2))),
        ("BB", np.full((2, 3), np.nan)),
        ("Res", 0.0),
        ("ObsMask", "none"),
        ("Other", 0.0),
    ],
)
def test_a_grid_that_cannot_be_is_refused(tmp_path: Path, name: str, values: Any) -> None:
    dtu_folder.write(tmp_path)
    path = tmp_path / "ObsMask" / f"ObsMask{SCAN}_10.mat"
    good = loadmat(path, variable_names=["ObsMask", "BB", "Res"])
    kept = {key: good[key] for key in ("ObsMask", "BB", "Res") if name != "Other" or key != "BB"}
    savemat(path, {**kept, name: values})
    with pytest.raises(UserError, match="it is damaged"):
        read_scan(tmp_path, SCAN)


def test_what_cannot_be_compared_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    mesh, metres = tmp_path / "mesh.ply", tmp_path / "metres.ply"
    made = flat((*WHOLE, 0.5))
    save_mesh(made, mesh)
    save_mesh(TriangleMesh(positions=made.positions / 1e3, triangles=made.triangles), metres)
    bare, above = scene_above(tmp_path / "bare", masks=False), scene_above(tmp_path / "scene")
    by_dtu = ("--dtu", str(folder), "--scan", str(SCAN))
    cases = {
        (str(metres), *by_dtu): "nowhere within 20 mm",
        (str(mesh), *by_dtu, "--views", str(bare)): "no mask to cut",
        (str(mesh), "--dtu", str(folder), "--scan", "8"): "has no Points/stl/stl008_total.ply",
        (str(mesh), "--dtu", str(folder)): "either by a reference or by a scan",
        (str(mesh), "--against", str(mesh), "--views", str(above)): "either by a reference",
        (str(mesh),): "either by a reference",
    }
    for words, says in cases.items():
        answer = CliRunner().invoke(app, ["evaluate", *words])
        assert answer.exit_code == 2
        assert says in answer.stderr
        assert "Traceback" not in answer.stderr
