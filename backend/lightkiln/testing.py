# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract that every method must pass, ours or another's.

    pytest --pyargs lightkiln.testing -k NAME

Each test runs once for every method that the registry finds, on a scene made here: a painted ball
before ten small cameras, with masks, or for methods that need text three words and a prior that
knows the same ball (`testing_prior`), so that nothing has to be installed or downloaded. One that
has learned shapes is given the ball as a photograph, as points or as a volume; what it knows of
balls is its own affair, so only the mesh's soundness is judged.
It must not know any particular method.
"""

from __future__ import annotations

import atexit
import json
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from lightkiln_shared.camera import Camera
from lightkiln_shared.errors import JobCancelled
from lightkiln_shared.geometry import PointCloud, TriangleMesh
from lightkiln_shared.params import Scalar, specs_of
from lightkiln_shared.scene import Region, RegionShape
from PIL import Image

from lightkiln import testing_prior
from lightkiln.capture.inputs import Inputs, LearnedInputs, LoadedView, MeshFile, TextInputs
from lightkiln.methods import registry
from lightkiln.methods.detached import DetachedRun
from lightkiln.methods.spec import CheckpointState, MethodSpec, Need, Product
from lightkiln.priors import catalogue

RADIUS, DISTANCE, SIZE, NUM_VIEWS = 0.5, 2.5, 64, 10
"""The ball's radius and the cameras' distance in metres, pixels of a side, cameras."""
SMALL: dict[str, Scalar] = {
    "resolution": 48,
    "faces": 4000,
    "levels": 2,
    "rays": 2048,
    "passes": 1.0,
    "time_budget": 100_000.0,
    "num_planes": 16,
    "rounds": 1,
    "steps": 12,
    "batch": 64,
    "start": "ball",
    "variants": 2,
}
"""Parameters that make a run short, for the methods that have them."""
SMALL_OF_WORDS: dict[str, Scalar] = {
    **SMALL,
    "prior": "ball",
    "resolution": 32,
    "steps": 20,
    "batch": 4,
    "size": 24,
}
"""The same for those that need text."""
HALF = 0.6
"""Half the region's side, metres."""
HALF_OF_WORDS = RADIUS / testing_prior.RADIUS
"""The same for methods that need text: the ball that the prior knows is the scene's."""

METHODS = tuple(
    found.name
    for found in registry.discover().values()
    if found.spec is not None and not found.unavailable and found.spec.produces is Product.MESH
)
of_every_method = pytest.mark.parametrize("name", METHODS)


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a run keeps for the next one is not there: every run has all of its steps."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def a_prior_without_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a test runs, the catalogue knows the ball's prior by that name."""
    load = catalogue.open_prior

    def opened(name: str, device: Any, *settings: Any) -> Any:
        return testing_prior.BallPrior() if name == "ball" else load(name, device, *settings)

    monkeypatch.setattr(catalogue, "open_prior", opened)


class Watched(DetachedRun):
    """A run that counts steps and may cancel, finish or save before a given one."""

    def __init__(
        self, at: int = -1, act: Callable[[Watched], None] | None = None, **settings: Any
    ) -> None:
        super().__init__(**settings)
        self.num_begun = 0
        self._at, self._act = at, act

    def steps(self, count: int) -> Iterator[int]:
        for step in super().steps(count):
            if self.num_begun == self._at and self._act is not None:
                self._act(self)
            self.num_begun += 1
            yield step


@of_every_method
def test_a_run_gives_a_mesh_and_reports_all_of_its_work(name: str) -> None:
    run, mesh = whole_run(name)
    is_what_was_asked(name, mesh)
    assert run.num_begun > 0
    assert sum(phase.share for phase in run.phases) == pytest.approx(1.0, abs=1e-6)
    assert all(math.isfinite(value) for step in run.metrics for value in step.values())


@of_every_method
def test_a_cancel_stops_it_within_one_step(name: str) -> None:
    def cancel(run: Watched) -> None:
        raise JobCancelled("the contract's test")

    run = Watched(at=1, act=cancel)
    with pytest.raises(JobCancelled):
        reconstructed(name, run)
    assert run.num_begun == 1


@of_every_method
@pytest.mark.parametrize("part", [0.0, 0.3, 0.9])
def test_told_to_finish_it_gives_the_mesh_so_far(name: str, part: float) -> None:
    last = int(part * num_steps(name))
    run = Watched(at=last, act=Watched.finish)
    is_a_mesh(reconstructed(name, run))
    assert run.num_begun == last + 1


@of_every_method
def test_one_seed_gives_one_mesh(name: str) -> None:
    first, second = whole_run(name)[1], reconstructed(name, DetachedRun())
    np.testing.assert_array_equal(first.positions, second.positions)
    np.testing.assert_array_equal(first.triangles, second.triangles)


@of_every_method
def test_it_resumes_from_what_it_saved(name: str) -> None:
    is_what_was_asked(name, reconstructed(name, DetachedRun(state=saved_state(name))))


@of_every_method
def test_when_memory_was_full_it_goes_on_with_less_from_what_it_saved(name: str) -> None:
    spec = registry.spec_named(name)
    values = short_values(spec)
    for names in spec.halvings:
        values = registry.halved(spec, "draft", values, names)
    params = registry.params_for(spec, "draft", values)
    run = DetachedRun(state=saved_state(name))
    is_what_was_asked(name, registry.load_entry(spec)(given(spec), params, run))


@of_every_method
def test_what_it_offers_can_be_looked_at(name: str) -> None:
    run, _ = whole_run(name)
    camera = a_scene().views[0].camera
    picture, mesh = run.render(camera), run.make_mesh()
    assert (run.render_frame is not None) == registry.spec_named(name).renders_frames
    if run.render_frame is not None:
        frame = run.render_frame(camera)
        assert frame.pixels.shape == (camera.height, camera.width, 4)
        assert frame.pixels.dtype == np.uint8
    if picture is not None:
        height, width = picture.camera.height, picture.camera.width
        assert picture.pixels.shape == (height, width, 4)
        assert picture.pixels.dtype == np.uint8
    if mesh is not None:
        is_a_mesh(mesh)


@of_every_method
def test_every_parameter_is_described(name: str) -> None:
    spec = registry.spec_named(name)
    for parameter in specs_of(spec.params):
        assert parameter.help.endswith("."), f"{parameter.name} has no sentence"
        assert parameter.choices or parameter.min is not None or parameter.kind in ("bool", "str")
    for preset in registry.PRESETS:
        registry.params_for(spec, preset, {})
    kinds = {parameter.name: parameter.kind for parameter in specs_of(spec.params)}
    assert all(kinds[each] == "int" for names in spec.halvings for each in names)
    assert spec.title
    assert spec.summary.endswith(".")


def reconstructed(name: str, run: DetachedRun) -> TriangleMesh:
    """Run a method on the scene, as short as its parameters allow."""
    spec = registry.spec_named(name)
    mesh = registry.load_entry(spec)(given(spec), short_params(spec), run)
    assert isinstance(mesh, TriangleMesh)
    return mesh


def short_params(spec: MethodSpec) -> Any:
    """The draft preset with `SMALL` where the method has such parameters."""
    return registry.params_for(spec, "draft", short_values(spec))


def short_values(spec: MethodSpec) -> dict[str, Scalar]:
    """`SMALL` as far as the method has such parameters."""
    known = {parameter.name for parameter in specs_of(spec.params)}
    small = SMALL_OF_WORDS if Need.TEXT in spec.needs else SMALL
    return {name: value for name, value in small.items() if name in known}


def given(spec: MethodSpec) -> Inputs | TextInputs | LearnedInputs:
    """What a method is given: the scene, or words where it needs those, or what it learned from."""
    if Need.TEXT in spec.needs:
        region = Region(
            shape=RegionShape.BOX, world_from_region=np.diag([*[HALF_OF_WORDS] * 3, 1.0])
        )
        return TextInputs(prompt="a red ball", negative="", region=region)
    return a_scene() if has_views(spec) else learned_given(spec)


def has_views(spec: MethodSpec) -> bool:
    """Whether a method sees the scene."""
    return Need.POSED_VIEWS in spec.needs


def learned_given(spec: MethodSpec) -> LearnedInputs:
    """The ball in the form that a method which has learned shapes needs; or nothing of it."""
    region = Region(shape=RegionShape.BOX, world_from_region=np.eye(4))
    if {Need.ONE_IMAGE, Need.FEW_IMAGES} & set(spec.needs):
        view = a_scene().views[0]
        assert view.mask is not None
        alpha = (255.0 * view.mask).astype(np.uint8)
        return LearnedInputs(region=region, images=(np.dstack([view.image, alpha]),))
    if Need.POINTS in spec.needs:
        points = np.random.default_rng(0).standard_normal((2000, 3))
        points *= RADIUS / np.linalg.norm(points, axis=1, keepdims=True)
        return LearnedInputs(region=region, points=PointCloud(positions=points.astype(np.float32)))
    if Need.MESH in spec.needs:
        return LearnedInputs(region=region, meshes=some_meshes()[:1])
    if Need.MESHES in spec.needs:
        return LearnedInputs(region=region, meshes=some_meshes(), workspace=a_folder())
    if Need.VOLUME in spec.needs:
        return LearnedInputs(region=region, volume=a_volume())
    return LearnedInputs(region=region)


@cache
def some_meshes() -> tuple[MeshFile, ...]:
    """The ball, and two that are stretched."""
    folder, found = a_folder(), []
    for index, height in enumerate((1.0, 1.5, 2.0)):
        ball = trimesh.creation.icosphere(3, RADIUS).apply_scale((1.0, 1.0, height))
        path = folder / f"{index}.ply"
        ball.export(path)
        found.append(MeshFile(family="ball", path=path))
    return tuple(found)


def a_folder() -> Path:
    """One that goes with this process."""
    folder = Path(tempfile.mkdtemp(prefix="lightkiln-testing-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def a_volume() -> Path:
    """The ball as slices: hard as bone (700 Hounsfield units) in soft tissue, 10 mm a sample."""
    side = 24
    steps = 10.0 * (np.arange(side) - 0.5 * (side - 1))
    z, y, x = np.meshgrid(steps, steps, steps, indexing="ij")
    values = np.where(x * x + y * y + z * z < 80.0**2, 700.0, 40.0)
    folder = a_folder()
    for index, slice_ in enumerate(values):
        picture = Image.fromarray((slice_ + 1024.0).astype(np.uint16))
        picture.save(folder / f"{index:03}.png")
    about = {"spacing_mm": [10.0] * 3, "slope": 1.0, "intercept": -1024.0}
    (folder / "spacing.json").write_text(json.dumps(about), encoding="ascii")
    return folder


def is_what_was_asked(name: str, mesh: TriangleMesh) -> None:
    """Whether it is the scene's ball; without a prior nobody knows what words mean: then whether it
    is sound and in the region."""
    spec = registry.spec_named(name)
    if not has_views(spec) and Need.TEXT not in spec.needs:
        is_a_mesh(mesh)
    elif Need.TEXT in spec.needs and "prior" not in short_values(spec):
        is_a_mesh(mesh)
        assert np.abs(mesh.positions).max() < 1.1 * HALF_OF_WORDS
    else:
        is_a_mesh_of_the_ball(mesh)


@cache
def whole_run(name: str) -> tuple[Watched, TriangleMesh]:
    """A run that nobody disturbed, and what came of it; tests only look at it."""
    run = Watched()
    return run, reconstructed(name, run)


def num_steps(name: str) -> int:
    """How many steps a whole run has."""
    return whole_run(name)[0].num_begun


@cache
def saved_state(name: str) -> CheckpointState | None:
    """What a run saves shortly before its last step, if it can."""
    saved: list[CheckpointState | None] = []

    def save_and_end(run: Watched) -> None:
        saved.append(None if run.save is None else run.save())
        raise JobCancelled("the contract's test")

    with pytest.raises(JobCancelled):
        reconstructed(name, Watched(at=num_steps(name) - 2, act=save_and_end))
    return saved[0]


def is_a_mesh(mesh: TriangleMesh) -> None:
    """Whether it is sound: finite, indexed within its bounds, colours linear in [0, 1]."""
    assert len(mesh.triangles) > 0
    assert np.isfinite(mesh.positions).all()
    assert mesh.triangles.min() >= 0
    assert mesh.triangles.max() < len(mesh.positions)
    if mesh.colors is not None:
        assert mesh.colors.shape == mesh.positions.shape
        assert mesh.colors.min() >= 0.0
        assert mesh.colors.max() <= 1.0


def is_a_mesh_of_the_ball(mesh: TriangleMesh) -> None:
    """Whether it also lies where the ball is, and is seen from outside."""
    is_a_mesh(mesh)
    radius = np.linalg.norm(mesh.positions, axis=1)
    assert abs(float(np.median(radius)) - RADIUS) < 0.1 * RADIUS
    a, b, c = (mesh.positions[mesh.triangles[:, corner]].astype(float) for corner in range(3))
    volume = float((np.cross(a, b) * c).sum()) / 6.0
    assert volume == pytest.approx(4.0 / 3.0 * math.pi * RADIUS**3, rel=0.3)


@cache
def a_scene() -> Inputs:
    """A painted ball about the origin, seen from all around."""
    region = Region(shape=RegionShape.BOX, world_from_region=np.diag([HALF, HALF, HALF, 1.0]))
    return Inputs(views=tuple(_view(index) for index in range(NUM_VIEWS)), region=region)


def _view(index: int) -> LoadedView:
    camera = _camera(index)
    y, x = np.mgrid[0:SIZE, 0:SIZE] + 0.5
    ends = np.stack([x, y, np.ones_like(x)], axis=-1) @ np.linalg.inv(camera.intrinsics).T
    rays = ends @ camera.world_from_camera[:3, :3].T
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    along = rays @ camera.centre
    inside = along**2 - camera.centre @ camera.centre + RADIUS**2
    hit = -along - np.sqrt(np.maximum(inside, 0.0))
    points = camera.centre + hit[..., None] * rays
    waves = np.stack([np.sin(17.0 * points @ turn) for turn in np.eye(3) + 0.6], axis=-1)
    image = np.where(inside[..., None] > 0.0, 128.0 + 100.0 * waves, 0.0)
    return LoadedView(
        name=f"view {index}",
        camera=camera,
        image=image.astype(np.uint8),
        mask=(inside > 0.0).astype(np.float32),
    )


def _camera(index: int) -> Camera:
    height = 0.8 - 1.6 * index / (NUM_VIEWS - 1)
    angle = index * math.pi * (3.0 - math.sqrt(5.0))  # the golden angle: no two above another
    ring = math.sqrt(1.0 - height**2)
    backwards = np.array([ring * math.cos(angle), ring * math.sin(angle), height])
    right = np.cross(-backwards, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(-backwards, right), -backwards], axis=1)
    pose[:3, 3] = DISTANCE * backwards
    return Camera(
        world_from_camera=pose,
        focal=(1.2 * SIZE, 1.2 * SIZE),
        principal_point=(SIZE / 2, SIZE / 2),
        width=SIZE,
        height=SIZE,
    )
