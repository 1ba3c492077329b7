# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenMVS beside us: `python -m benchmarks.peers FOLDER_OF_ITS_PROGRAMS` writes `peers.md`.

OpenMVS (AGPL) is built outside this repository and run as programs, with their defaults: dense
points at full resolution, mesh, refined mesh. It gets the scenes' own cameras and masks, and sparse
points from SIFT features at these cameras, whose time is not counted. We run in the same minutes,
on the same machine, and both are judged by the same functions.
"""

from __future__ import annotations

import argparse
import json
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

import trimesh
from lightkiln.capture.colmap_library import pycolmap
from lightkiln.capture.open_scene import read_source
from lightkiln.metrics.surface import TAUS, SurfaceScores, evaluate
from lightkiln_shared.geometry import TriangleMesh
from PIL import Image

from benchmarks.heldout import OPEN, SEED
from benchmarks.machine import DOCS, commit, machine, today
from benchmarks.measure import TRUTH, Case, measure
from benchmarks.run import NAMES, SCENES, WORK, keep
from benchmarks.tables import table

OURS = ("draft", "standard")
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
    parser.add_argument("--only", choices=("peer", "ours"), help="the rest keeps its figures")
    chosen = parser.parse_args()
    path = DOCS / "peers.json"
    entries: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    for scene in chosen.scenes:
        made = [] if chosen.only == "ours" else [openmvs(scene, chosen.programs)]
        made += [] if chosen.only == "peer" else [ours(scene, preset) for preset in OURS]
        for entry in made:
            entries[f"{scene}.{entry.program}"] = asdict(entry)
        path.write_text(json.dumps(entries, indent=1, sort_keys=True) + "\n")
        _report([Entry(**values) for values in entries.values()])


def ours(scene: str, preset: str) -> Entry:
    """The default method, by its command."""
    before = _processor()
    made = measure(Case(scene=scene, method="kiln", preset=preset), SCENES, WORK)
    keep(made)
    return Entry(
        scene=scene,
        program=f"kiln {preset}",
        seconds=made.seconds,
        processor=round(_processor() - before, 1),
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
    _run(programs, ["InterfaceCOLMAP", "-i", ".", "-o", "scene.mvs"], folder)
    start, before = time.perf_counter(), _processor()
    for step in steps:
        _run(programs, [*step, *FAIR], folder)
    spent = time.perf_counter() - start, _processor() - before
    return _judged(scene, "OpenMVS", spent, _mesh(folder / "refined.ply"))


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
    _triangulate(folder, names)


def _triangulate(folder: Path, names: Sequence[str]) -> None:
    """SIFT features, matched between all pairs, as points at the cameras that are known."""
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
    pycolmap.triangulate_points(posed, str(database), str(images), str(model.parent))


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
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def _mesh(path: Path) -> TriangleMesh:
    mesh = trimesh.load_mesh(path)
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


def _report(entries: Sequence[Entry]) -> None:
    order = sorted(entries, key=lambda each: (NAMES.index(each.scene), each.program))
    rows = [
        [
            each.scene,
            each.program,
            f"{each.seconds:.0f}",
            f"{each.processor:.0f}",
            f"{each.distance:.3f}",
            f"{each.accuracy:.3f} / {each.completeness:.3f}",
            f"{each.f_score:.1f}",
            f"{each.normals:.3f}",
        ]
        for each in order
    ]
    head = ["scene", "program", "seconds", "of the cores"]
    head += ["distance, %", "accuracy / completeness, %"]
    head += ["F-score at 0.5 %", "normals"]
    template = Path(__file__).with_suffix(".template.md").read_text()
    about = {"date": today(), "machine": machine(), "commit": commit()}
    (DOCS / "peers.md").write_text(template.format(table=table(head, rows), **about))


if __name__ == "__main__":
    main()
