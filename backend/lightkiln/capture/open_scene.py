# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens a scene folder of any known kind: cameras, images and masks become a `Scene`.

It must not know a format beyond how its files are called or begin; a module each reads them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from lightkiln_shared.checks import check_scene
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.scene import FileRef, Scene, View

from . import bundle, colmap, idr, meshroom, metashape, realityscan, transforms
from .sources import Source


def open_scene(folder: Path) -> tuple[Scene, dict[str, Path]]:
    """Return the scene and, by SHA-256, where its files lie. No image is decoded.

    Raises `InvalidScene` if the folder has no poses or if they cannot be used.
    """
    if bundle.is_bundle(folder):
        return bundle.read(folder)
    source = read_source(folder)
    paths = {photo.image for photo in source.photos}
    paths |= {photo.mask for photo in source.photos if photo.mask is not None}
    refs = _refs(sorted(paths))
    views = tuple(
        View(
            camera=photo.camera,
            image=refs[photo.image],
            mask=None if photo.mask is None else refs[photo.mask],
        )
        for photo in source.photos
    )
    scene = Scene(views=views, region=source.region)
    check_scene(scene)
    return scene, {ref.sha256: path for path, ref in refs.items()}


def has_poses(folder: Path) -> bool:
    """False for photographs that have to be aligned first: a file, or a folder without cameras of
    a known kind and with something in it."""
    if not folder.is_dir():
        return not folder.is_file()
    if bundle.is_bundle(folder):
        return True
    return _reader_of(folder) is not None or not any(folder.iterdir())


def read_source(folder: Path) -> Source:
    """Find out what kind of folder it is, and read its cameras; raises `InvalidScene`."""
    if not folder.is_dir():
        raise InvalidScene(
            f"There is no folder {folder}.", hint="Give the folder that holds the scene."
        )
    read = _reader_of(folder)
    if read is not None:
        return read()
    raise InvalidScene(
        f"The folder {folder.name} has no camera poses.",
        hint="It needs a transforms.json, a COLMAP model in sparse/0, cameras of Meshroom, "
        "Metashape or RealityScan, or a cameras_sphere.npz.",
    )


def _reader_of(folder: Path) -> Callable[[], Source] | None:
    for name in transforms.NAMES:
        if (folder / name).is_file():
            return partial(transforms.read, folder / name)
    model = colmap.find_model(folder)
    if model is not None:
        return partial(colmap.read, folder, model)
    for module in (idr, meshroom):
        for name in module.NAMES:
            if (folder / name).is_file():
                return partial(module.read, folder / name)
    return _export_of(folder)


def _export_of(folder: Path) -> Callable[[], Source] | None:
    """The readers of files that may have any name: they are known by how they begin."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    for path in files:
        if path.suffix.lower() == ".xml" and metashape.is_metashape(path):
            return partial(metashape.read, path)
        if path.suffix.lower() == ".csv" and realityscan.is_csv(path):
            return partial(realityscan.read_csv, path)
    sidecars = [path for path in files if path.suffix.lower() == ".xmp"]
    if any(realityscan.is_xmp(path) for path in sidecars):
        posed = [path for path in sidecars if realityscan.is_xmp(path)]
        return partial(realityscan.read_xmp, folder, posed)
    return None


def hash_file(path: Path) -> str:
    """SHA-256 of a file, 64 lower-case hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refs(paths: Iterable[Path]) -> dict[Path, FileRef]:
    with ThreadPoolExecutor(2) as pool:
        return dict(pool.map(lambda path: (path, file_ref(path)), paths))


def file_ref(path: Path) -> FileRef:
    """Name a file by its content."""
    return FileRef(sha256=hash_file(path), size=path.stat().st_size, name=path.name)
