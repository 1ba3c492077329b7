# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip that Blender's own motion tracker solves, against the cameras that made its tracks.

Points are projected into the frames of a known lens by formulae written here; Blender solves them.
What is imported must see each point at its marker, whatever the lens model, and stand where the
true cameras stood, up to a similarity.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from conftest import module
from mathutils import Matrix
from pictures import colored, png

WIDTH, HEIGHT, FRAMES = 640, 480, 12
FOCAL, ASPECT, CENTRE = 700.0, 1.25, (330.0, 250.0)
"""Pixels from the top left; a pixel is 1.25 times as wide as high."""
POINTS = np.random.default_rng(0).uniform(-1.0, 1.0, (40, 3))

Lens = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def _polynomial(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r2 = x * x + y * y
    factor = 1.0 - 0.12 * r2 + 0.03 * r2**2 - 0.01 * r2**3
    return x * factor, y * factor


def _brown(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As OpenCV has it, Y down: p1 = 0.004, p2 = -0.006."""
    r2 = x * x + y * y
    factor = 1.0 - 0.3 * r2 + 0.05 * r2**2
    return (
        x * factor + 2 * 0.004 * x * y - 0.006 * (r2 + 2 * x * x),
        y * factor + 0.004 * (r2 + 2 * y * y) - 2 * 0.006 * x * y,
    )


def _division(x: np.ndarray, y: np.ndarray, k: float = -0.1) -> tuple[np.ndarray, np.ndarray]:
    factor = 1.0 / (1.0 + k * (x * x + y * y))
    return x * factor, y * factor


def _nuke(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """In halves of the longer side r_u = r_d / (1 + k r_d²), solved for r_d."""
    k = -0.02 * (FOCAL / (WIDTH / 2)) ** 2
    r2 = x * x + y * y
    factor = (1.0 - np.sqrt(1.0 - 4.0 * k * r2)) / (2.0 * k * r2)
    return x * factor, y * factor


LENSES: dict[str, tuple[Lens, dict[str, float]]] = {
    "POLYNOMIAL": (_polynomial, {"k1": -0.12, "k2": 0.03, "k3": -0.01}),
    "BROWN": (
        _brown,
        {"brown_k1": -0.3, "brown_k2": 0.05, "brown_p1": -0.006, "brown_p2": -0.004},
    ),
    "DIVISION": (_division, {"division_k1": -0.1}),
    "NUKE": (_nuke, {"nuke_k1": -0.02}),
}


def _poses() -> np.ndarray:
    """(F, 4, 4), OpenCV's axes, on an arc around the points."""
    angles = 0.06 * np.arange(FRAMES)
    centres = np.stack([5 * np.cos(angles), 5 * np.sin(angles), 1.0 + angles], axis=1)
    forward = -centres / np.linalg.norm(centres, axis=1, keepdims=True)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    poses = np.tile(np.eye(4), (FRAMES, 1, 1))
    poses[:, :3, :3] = np.stack([right, np.cross(forward, right), forward], axis=2)
    poses[:, :3, 3] = centres
    return poses


def _markers(lens: Lens) -> np.ndarray:
    """(F, N, 2), pixels from the top left corner."""
    poses = _poses()
    seen = np.einsum("fji,fnj->fni", poses[:, :3, :3], POINTS - poses[:, None, :3, 3])
    x, y = lens(seen[..., 0] / seen[..., 2], seen[..., 1] / seen[..., 2])
    return np.stack([FOCAL * x + CENTRE[0], FOCAL * ASPECT * y + CENTRE[1]], axis=-1)


def _dots(places: np.ndarray) -> np.ndarray:
    """A black picture with a white square around each place that lies in it."""
    picture = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    for x, y in np.floor(places).astype(int):
        picture[max(y - 2, 0) : max(y + 3, 0), max(x - 2, 0) : max(x + 3, 0)] = 255
    return picture


TO_FILM = """
import cv2, pathlib, sys
shots = [cv2.imread(str(path)) for path in sorted(pathlib.Path(sys.argv[1]).glob("shot_*.png"))]
film = cv2.VideoWriter(sys.argv[2], cv2.VideoWriter_fourcc(*"mp4v"), 15.0, shots[0].shape[1::-1])
for shot in shots:
    film.write(shot)
film.release()
"""
"""Run by the backend's Python: Blender's has nothing that writes films without a render."""


def _film(folder: Path) -> Path:
    """The images as a film; they are gone then."""
    film = folder / "shots.mp4"
    command = [os.environ["LIGHTKILN_PYTHON"], "-c", TO_FILM, str(folder), str(film)]
    subprocess.run(command, check=True)
    for shot in folder.glob("shot_*.png"):
        shot.unlink()
    return film


def _solve(folder: Path, model: str, as_film: bool = False) -> bpy.types.MovieClip:
    """A clip of an image sequence that begins at 7, or a film; its tracks and its solve."""
    for frame, places in enumerate(_markers(LENSES[model][0])):
        colored(folder / f"shot_{frame + 7:04}.png", _dots(places))
    first = _film(folder) if as_film else folder / "shot_0007.png"
    clip = bpy.data.movieclips.load(str(first))
    camera = clip.tracking.camera
    camera.units, camera.distortion_model, camera.pixel_aspect = "PIXELS", model, ASPECT
    camera.focal_length_pixels = FOCAL
    camera.principal_point_pixels = (CENTRE[0], HEIGHT - CENTRE[1])
    lens, coefficients = LENSES[model]
    for name, value in coefficients.items():
        setattr(camera, name, value)
    for index, places in enumerate(_markers(lens).transpose(1, 0, 2)):
        markers = clip.tracking.tracks.new(name=f"{index}", frame=1).markers
        for frame, (x, y) in enumerate(places):
            markers.insert_frame(frame + 1, co=(x / WIDTH, 1.0 - y / HEIGHT))
    tracked = clip.tracking.objects.active
    tracked.keyframe_a, tracked.keyframe_b = 1, FRAMES
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "CLIP_EDITOR"
    area.spaces.active.clip = clip
    with bpy.context.temp_override(window=window, area=area, region=area.regions[-1]):
        assert bpy.ops.clip.solve_camera() == {"FINISHED"}
    assert clip.tracking.reconstruction.average_error < 1e-2
    return clip


def _import(pump_until: Callable[..., None], **choice: object) -> bpy.types.Object:
    assert bpy.ops.lightkiln.import_tracked(**choice) == {"FINISHED"}
    pump_until(lambda: module("solve").roots(bpy.context.scene))
    assert module("status").current.problem == ""
    (root,) = module("solve").roots(bpy.context.scene)
    bpy.context.view_layer.update()
    return root


def _sent() -> list[object]:
    """The cameras as they would be submitted."""
    export, convert = module("scene_export"), module("convert")
    shots = [export.shot(each, bpy.context.scene) for each in export.cameras(bpy.context)]
    return [
        convert.camera_from_blender(shot.matrix_world, shot.lens, WIDTH, HEIGHT) for shot in shots
    ]


def _distances(centres: np.ndarray) -> np.ndarray:
    between = np.linalg.norm(centres[:, None] - centres, axis=-1)
    return between / between.mean()


@pytest.mark.parametrize("model", LENSES)
def test_each_camera_sees_each_point_at_its_marker(model: str, tmp_path: Path) -> None:
    tracker, scene = module("tracker"), bpy.context.scene
    tracked = tracker.read(_solve(tmp_path, model), scene, FRAMES, tmp_path)
    root = module("solve").add(scene, "Tracked", "clip", tracker.solved(tracked, "no backend"))
    module("solve").take_up(scene, root)
    bpy.context.view_layer.update()
    cameras = _sent()
    assert len(cameras) == FRAMES
    (cloud,) = module("solve").clouds(root.children)
    points = module("sparse_points").positions_of(cloud).astype(np.float64)
    project = module("shared.camera").project
    seen = np.array([project(camera, points)[0] for camera in cameras])
    miss = 0.3 if model in ("DIVISION", "NUKE") else 0.02  # fitted, or OpenCV's own
    assert np.abs(seen - _markers(LENSES[model][0])).max() < miss
    centres = np.array([camera.centre for camera in cameras])
    np.testing.assert_allclose(_distances(centres), _distances(_poses()[:, :3, 3]), atol=1e-3)
    files = [module("masks").photograph_of(each.data) for each in module("solve").cameras(root)]
    names = [f"shot_{frame + 7:04}.png" for frame in range(FRAMES)]
    assert sorted(Path(image.filepath).name for image in files) == names
    region = module("scene_export").region(bpy.context.scene.lightkiln.region)
    inside = np.abs(np.linalg.solve(region.world_from_region, np.c_[points, np.ones(40)].T)[:3])
    assert np.mean(inside.max(axis=0) < 1.0) > 0.8


def test_what_is_shown_behind_a_camera_lines_up_with_the_points(
    tmp_path: Path, pump_until: Callable[..., None]
) -> None:
    """Blender's own projection says where the point's white square must be seen."""
    scene = bpy.context.scene
    scene.render.pixel_aspect_x = ASPECT
    root = _import(pump_until, clip=_solve(tmp_path, "BROWN").name)
    (cloud,) = module("solve").clouds(root.children)
    for camera in module("solve").cameras(root):
        original, straight = camera.data.background_images
        assert not original.show_background_image
        assert Path(original.image.filepath).parent == tmp_path
        assert module("masks").photograph_of(camera.data) == original.image
        assert straight.image.packed_file is not None
        assert not straight.image.filepath, "it has no file that would be left"
        pixels = np.array(straight.image.pixels[:]).reshape(HEIGHT, WIDTH, 4)
        bent = np.array(original.image.pixels[:]).reshape(HEIGHT, WIDTH, 4)
        seen = [world_to_camera_view(scene, camera, vertex.co) for vertex in cloud.data.vertices]
        at = np.array([(y * HEIGHT, x * WIDTH) for x, y, _ in seen]).astype(int)
        inside = ((at > 0) & (at < (HEIGHT, WIDTH))).all(axis=1)
        assert inside.sum() > 20
        assert pixels[at[inside, 0], at[inside, 1], 0].min() > 0.6
        assert bent[at[inside, 0], at[inside, 1], 0].min() < 0.2  # else this would show nothing
    masks = module("masks")
    masks.put(camera.data, png(tmp_path / "mask.png"))  # bent like its photograph
    shown = [each.image for each in camera.data.background_images if each.show_background_image]
    assert shown == [masks.photograph_of(camera.data), masks.mask_of(camera.data)]
    masks.remove(camera.data)
    assert [each.show_background_image for each in camera.data.background_images] == [False, True]


def test_a_clip_that_was_set_upright_and_scaled_comes_in_like_that(
    tmp_path: Path, pump_until: Callable[..., None]
) -> None:
    """Blender's own evaluation of the constraint is the oracle."""
    clip, scene = _solve(tmp_path, "POLYNOMIAL"), bpy.context.scene
    follower = bpy.data.objects.new("follower", bpy.data.cameras.new("follower"))
    scene.collection.objects.link(follower)
    scene.camera = follower
    constraint = follower.constraints.new("CAMERA_SOLVER")
    constraint.use_active_clip, constraint.clip = False, clip
    follower.matrix_basis = Matrix.LocRotScale((3, -2, 1), Matrix.Rotation(0.7, 3, "Y"), [2.5] * 3)
    _import(pump_until, clip=clip.name, at_most=4)
    names = ["shot_0007", "shot_0011", "shot_0014", "shot_0018"]
    cameras = module("scene_export").cameras(bpy.context)
    assert [camera.name for camera in cameras] == names
    for camera in cameras:
        scene.frame_set(int(camera.name[-4:]) - 6)
        bpy.context.view_layer.update()
        expected = np.array(follower.matrix_world.normalized())
        assert np.allclose(np.array(camera.matrix_world), expected, atol=1e-5)


def test_of_a_film_the_frames_come_that_its_cameras_saw(
    tmp_path: Path, pump_until: Callable[..., None]
) -> None:
    """Each shows its own markers: no other frame has them there."""
    clip = _solve(tmp_path, "POLYNOMIAL", as_film=True)
    assert clip.source == "MOVIE"
    root = _import(pump_until, clip=clip.name, at_most=4)
    markers = _markers(LENSES["POLYNOMIAL"][0])
    cameras = module("solve").cameras(root)
    assert [camera.name for camera in cameras] == [f"frame-{n:06}" for n in (0, 4, 7, 11)]
    for camera in cameras:
        picture = module("masks").photograph_of(camera.data)
        grey = np.array(picture.pixels[:]).reshape(HEIGHT, WIDTH, 4)[::-1, :, 0]
        at = np.floor(markers[int(camera.name[-6:])]).astype(int)
        x, y = at[((at > 2) & (at < (WIDTH - 2, HEIGHT - 2))).all(axis=1)].T
        assert grey[y, x].min() > 0.6
        assert grey.mean() < 0.3
    again = _taken_at(picture)
    bpy.ops.lightkiln.import_tracked(clip=clip.name, at_most=4)
    pump_until(lambda: len(module("solve").roots(bpy.context.scene)) == 2)
    assert _taken_at(picture) == again, "the same frames are not taken anew"
    tracker, folder = module("tracker"), module("preferences").photographs_folder("clips")
    tracked = tracker.read(clip, bpy.context.scene, 4, folder)
    turned = replace(tracked.lens, width=HEIGHT, height=WIDTH)
    with pytest.raises(module("shared.errors").InvalidScene, match="come as 640 x 480 pixels"):
        tracker.solved(replace(tracked, lens=turned), "no backend")


def _taken_at(picture: bpy.types.Image) -> int:
    return Path(bpy.path.abspath(picture.filepath)).stat().st_mtime_ns


def test_without_a_backend_photographs_are_shown_as_they_are_and_that_is_told(
    tmp_path: Path, pump_until: Callable[..., None]
) -> None:
    module("preferences").get().command = str(tmp_path / "nothing")
    bpy.ops.lightkiln.import_tracked(clip=_solve(tmp_path, "BROWN").name, at_most=3)
    pump_until(lambda: module("solve").roots(bpy.context.scene))
    told = "3 photographs are shown as their lens bent them: points lie a little beside."
    assert module("status").current.problem == told
    for camera in bpy.data.cameras:
        (background,) = camera.background_images
        assert background.show_background_image


def test_a_clip_that_cannot_be_taken_is_told_in_a_sentence(
    tmp_path: Path, pump_until: Callable[..., None]
) -> None:
    assert not bpy.ops.lightkiln.import_tracked.poll()
    clip = _solve(tmp_path, "DIVISION")
    problem = module("status").current
    lens = clip.tracking.camera
    lens.focal_length_pixels, lens.division_k1 = 200.0, -1.0  # three coefficients miss by 2.5 px
    bpy.ops.lightkiln.import_tracked(clip=clip.name)
    pump_until(lambda: problem.problem)
    assert "too strong" in problem.problem
    lens.division_k1 = 9.0
    bpy.ops.lightkiln.import_tracked(clip=clip.name)
    pump_until(lambda: "folds" in problem.problem)
    for file in tmp_path.glob("*.png"):
        file.unlink()
    bpy.ops.lightkiln.import_tracked(clip=clip.name)
    pump_until(lambda: "frames is there" in problem.problem)
    clip.filepath = os.environ["LIGHTKILN_FILM"]  # of ten frames
    bpy.ops.lightkiln.import_tracked(clip=clip.name)
    pump_until(lambda: "has no frame 11: it ends at 9" in problem.problem)
    assert not bpy.data.cameras
