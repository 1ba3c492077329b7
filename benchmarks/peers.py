# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenMVS beside us: `python -m benchmarks.peers FOLDER_OF_ITS_PROGRAMS` writes `peers.md`.

OpenMVS (AGPL) is built outside this repository and run as programs, with their defaults: dense
points at full resolution, mesh, refined mesh. It gets the scenes' own cameras and masks, and sparse
points from SIFT features at these cameras, whose time is not counted. Our own figures are those of
`benchmarks.run`; both are judged by the same functions.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from lightkiln.capture.colmap_camera import camera_from_colmap
from lightkiln.capture.colmap_library import pycolmap
from lightkiln.capture.open_scene import read_source
from lightkiln.mesh.rasterize import rasterize
from lightkiln.metrics.surface import TAUS, SurfaceScores, evaluate
from lightkiln_shared.camera import Camera, project
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from PIL import Image

from benchmarks.heldout import OPEN, SEED
from benchmarks.machine import DOCS, commit, machine, today
from benchmarks.measure import TRUTH, Result
from benchmarks.run import NAMES, SCENES, WORK
from benchmarks.tables import table

PEER = "OpenMVS"
MOST_SECONDS, MOST_MEMORY = 1800, 16 << 30
"""Of one of its programs: without any points to start from the first never ends."""
FEW_POINTS, TRUE_POINTS = 100, 3000
SAME_DEPTH = 0.005
"""Of the depth: nearer to what is seen there a point is in sight."""
MINUTES = (1, 2, 5, 10)
FAIR = ("--max-threads", "2", "--process-priority", "0")
"""Its programs would make way for others by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one program made of one scene; distances in percent of the truth's diagonal."""

    scene: str
    program: str
    seconds: float
    processor: float
    """Seconds of the processor's cores together: they do not depend on who else is at work."""
    distance: float
    accuracy: float
    completeness: float
    f_score: float
    normals: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", type=Path, help="where DensifyPointCloud and the others are")
    parser.add_argument("--scenes", nargs="*", default=NAMES, help="which scenes")
    chosen = parser.parse_args()
    path = DOCS / "peers.json"
    entries: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    for scene in chosen.scenes:
        entries[scene] = asdict(openmvs(scene, chosen.programs))
        path.write_text(json.dumps(entries, indent=1, sort_keys=True) + "\n")
    _report([Entry(**values) for values in entries.values()])


def ours() -> list[Entry]:
    """What `benchmarks.run` has measured of the default method."""
    results = json.loads((DOCS / "surfaces.json").read_text())["results"].values()
    return [_entry(Result(**values)) for values in results if values["method"] == "kiln"]


def _entry(made: Result) -> Entry:
    return Entry(
        scene=made.scene,
        program=f"kiln {made.preset}",
        seconds=made.seconds,
        processor=math.nan,
        distance=round(made.distance, 4),
        accuracy=made.accuracy,
        completeness=made.completeness,
        f_score=made.f_score,
        normals=made.normals,
    )


def openmvs(scene: str, programs: Path) -> Entry:
    """Its chain from cameras to the refined mesh."""
    folder = WORK / f"{scene}.openmvs"
    shutil.rmtree(folder, ignore_errors=True)
    _prepare(SCENES / scene, folder)
    masks = ["--mask-path", "masks", "--ignore-mask-label", "0"]
    steps = [
        ["DensifyPointCloud", "scene.mvs", "-o", "dense.mvs", "--resolution-level", "0"],
        ["ReconstructMesh", "dense.mvs", "-p", "dense.ply", "-o", "mesh.ply"],
        ["RefineMesh", "dense.mvs", "-m", "mesh.ply", "-o", "refined.ply"],
    ]
    steps[0] += masks if not scene.endswith(OPEN) else []
    start, before = time.perf_counter(), _processor()
    try:
        _run(programs, ["InterfaceCOLMAP", "-i", ".", "-o", "scene.mvs"], folder)
        for step in steps:
            _run(programs, [*step, *FAIR], folder)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return nothing(scene)
    spent = time.perf_counter() - start, _processor() - before
    return _judged(scene, PEER, spent, _mesh(folder / "refined.ply"))


def nothing(scene: str) -> Entry:
    """It made no mesh."""
    none = math.nan
    return Entry(
        scene=scene,
        program=PEER,
        seconds=none,
        processor=none,
        distance=none,
        accuracy=none,
        completeness=none,
        f_score=none,
        normals=none,
    )


def _processor() -> float:
    """Seconds that ended programs, and what they started, have taken of the processor so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _prepare(scene: Path, folder: Path) -> None:
    """A COLMAP model with the scene's cameras and triangulated points; opaque images, masks."""
    command = [sys.executable, "-m", "lightkiln", "convert", str(scene), "-o", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "masks").mkdir()
    names = []
    for photo in read_source(scene).photos:
        path = folder / "images" / photo.image.name
        names.append(path.name)
        image = Image.open(path).convert("RGBA")
        image.getchannel("A").save(folder / "masks" / f"{path.stem}.mask.png")
        path.unlink()  # it may be a link to the scene's own
        over = Image.new("RGBA", image.size, (0, 0, 0, 255))
        Image.alpha_composite(over, image).convert("RGB").save(path)
    _triangulate(folder, names, scene / TRUTH)


def _triangulate(folder: Path, names: Sequence[str], truth: Path) -> None:
    """SIFT features, matched between all pairs, as points at the cameras that are known; points of
    the truth itself, as a present, where these are too few to begin with."""
    database, images, model = (folder / name for name in ("points.db", "images", "sparse/0"))
    known = pycolmap.Reconstruction(str(model))
    camera = next(iter(known.cameras.values()))  # rendered scenes have one lens
    reader = pycolmap.ImageReaderOptions()
    reader.camera_model, reader.camera_params = camera.model_name, camera.params_to_string()
    pycolmap.extract_features(
        str(database), str(images), list(names), pycolmap.CameraMode.SINGLE, reader
    )
    pairs = folder / "pairs.txt"
    pairs.write_text("".join(f"{a} {b}\n" for a, b in combinations(names, 2)))
    pairing = pycolmap.ImportedPairingOptions()
    pairing.match_list_path = str(pairs)
    pycolmap.match_image_pairs(str(database), pairing_options=pairing)
    posed = _numbered_like(database, known)
    found = pycolmap.triangulate_points(posed, str(database), str(images), str(model.parent))
    if len(found.points3D) < FEW_POINTS:
        _with_true_points(known, trimesh.load_mesh(truth)).write(str(model.parent))


def _with_true_points(known: Any, truth: trimesh.Trimesh) -> Any:
    """The known cameras with points of the true surface, where they are seen."""
    points, _ = trimesh.sample.sample_surface(truth, TRUE_POINTS, seed=SEED)
    mesh, model = _arrays(truth), pycolmap.Reconstruction()
    tracks: list[list[Any]] = [[] for _ in points]
    for lens in known.cameras.values():
        model.add_camera_with_trivial_rig(lens)
    for number, image in known.images.items():
        world_from_camera = np.vstack([image.cam_from_world().inverse().matrix(), [0, 0, 0, 1]])
        camera = camera_from_colmap(known.cameras[image.camera_id], world_from_camera)
        assert camera is not None  # a pinhole
        pixels, seen = _seen(mesh, camera, points)
        for place, point in enumerate(seen):
            tracks[point].append(pycolmap.TrackElement(number, place))
        model.add_image_with_trivial_frame(
            pycolmap.Image(
                name=image.name,
                camera_id=image.camera_id,
                image_id=number,
                points2D=pycolmap.Point2DList([pycolmap.Point2D(xy) for xy in pixels[seen]]),
            ),
            image.cam_from_world(),
        )
    for point, track in zip(points, tracks, strict=True):
        if len(track) > 1:
            model.add_point3D(point, pycolmap.Track(track))
    return model


def _seen(
    mesh: TriangleMesh, camera: Camera, points: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Where points (N, 3) fall in a picture, pixels (N, 2), and the indices of those in sight."""
    pixels, depth = project(camera, points)
    columns, rows = np.clip(pixels.astype(int), 0, [[camera.width - 1, camera.height - 1]]).T
    nearest = rasterize(mesh, camera).depth[rows, columns]
    return pixels, np.flatnonzero(np.abs(depth / nearest - 1.0) < SAME_DEPTH)


def _numbered_like(database: Path, known: Any) -> Any:
    """The known cameras under the numbers that the database gave their images."""
    poses = {image.name: image.cam_from_world() for image in known.images.values()}
    posed = pycolmap.Reconstruction()
    with pycolmap.Database.open(str(database)) as opened:
        for camera in opened.read_all_cameras():
            posed.add_camera_with_trivial_rig(camera)
        for image in opened.read_all_images():
            posed.add_image_with_trivial_frame(image, poses[image.name])
    return posed


def _run(programs: Path, words: Sequence[str], folder: Path) -> None:
    command = [str(programs / words[0]), *words[1:], "-w", str(folder)]
    command = ["prlimit", f"--as={MOST_MEMORY}", *command]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=MOST_SECONDS)


def _mesh(path: Path) -> TriangleMesh:
    return _arrays(trimesh.load_mesh(path))


def _arrays(mesh: trimesh.Trimesh) -> TriangleMesh:
    return TriangleMesh(
        positions=mesh.vertices.astype("f4"), triangles=mesh.faces.astype("i4"), normals=None
    )


def _judged(scene: str, program: str, spent: tuple[float, float], made: TriangleMesh) -> Entry:
    scores: SurfaceScores = evaluate(made, _mesh(SCENES / scene / TRUTH), seed=SEED)
    accuracy = 100.0 * scores.fraction(scores.accuracy)
    completeness = 100.0 * scores.fraction(scores.completeness)
    return Entry(
        scene=scene,
        program=program,
        seconds=round(spent[0], 1),
        processor=round(spent[1], 1),
        distance=round((accuracy + completeness) / 2.0, 4),
        accuracy=round(accuracy, 4),
        completeness=round(completeness, 4),
        f_score=round(100.0 * scores.f_scores[TAUS.index(min(TAUS))], 2),
        normals=round(scores.normal_consistency or 0.0, 4),
    )


def by_then(entries: Sequence[Entry], scene: str, program: str, minutes: float) -> str:
    """The best distance of a program's meshes that were there after so many minutes, as text."""
    mine = [e for e in entries if e.scene == scene and e.program.split()[0] == program]
    there = [e.distance for e in mine if e.seconds <= 60.0 * minutes]
    return f"{min(there):.3f}" if there else ""


def _waiting(entries: Sequence[Entry], scenes: Sequence[str]) -> str:
    """Who waits how long for what."""
    rows = []
    for scene in scenes:
        cells = (
            [by_then(entries, scene, program, minutes) or "-" for program in ("kiln", PEER)]
            for minutes in MINUTES
        )
        rows.append([scene, *(" / ".join(pair) for pair in cells)])
    return table(["scene", *(f"{minutes} min" for minutes in MINUTES)], rows)


def _rows(entries: Sequence[Entry]) -> list[list[str]]:
    order = sorted(entries, key=lambda each: (NAMES.index(each.scene), each.program))
    return [
        [each.scene, each.program, "no mesh", *[""] * 5]
        if math.isnan(each.distance)
        else [
            each.scene,
            each.program,
            f"{each.seconds:.0f}",
            "" if math.isnan(each.processor) else f"{each.processor:.0f}",
            f"{each.distance:.3f}",
            f"{each.accuracy:.3f} / {each.completeness:.3f}",
            f"{each.f_score:.1f}",
            f"{each.normals:.3f}",
        ]
        for each in order
    ]


def _report(theirs: Sequence[Entry]) -> None:
    scenes = [name for name in NAMES if any(name == each.scene for each in theirs)]
    entries = [each for each in (*theirs, *ours()) if each.scene in scenes]
    head = ["scene", "program", "seconds", "of the cores"]
    head += ["distance, %", "accuracy / completeness, %"]
    head += ["F-score at 0.5 %", "normals"]
    text = Path(__file__).with_suffix(".template.md").read_text()
    text = text.format(
        table=table(head, _rows(entries)),
        waiting=_waiting(entries, scenes),
        date=today(),
        machine=machine(),
        commit=commit(),
    )
    (DOCS / "peers.md").write_text(text)


if __name__ == "__main__":
    main()
