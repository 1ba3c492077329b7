# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads RealityScan's (RealityCapture's) exports: XMP beside the photographs, or its CSV.

XMP: `Rotation` is camera-from-world by rows, `Position` the camera's place, with our camera axes.
CSV (Internal/External camera parameters): x, y, alt is the place, heading, pitch and roll turn a
camera that looks straight down with north above:

    world_from_camera (OpenGL axes) = R_z(-heading) R_x(pitch) R_y(roll)

Both give the focal length in millimetres of a 36 mm film as wide as the longer side, and the
principal point as its offset from the image's centre: in XMP in parts of the longer side, in CSV
in those millimetres. The lens is Brown's: k1, k2, k3, k4, t1, t2.
It must not know other formats.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from lightkiln_shared.camera import Camera, FloatArray
from lightkiln_shared.errors import InvalidScene
from scipy.spatial.transform import Rotation

from .documents import find_image, image_of, numbers, pose, read_xml, without_zeros
from .images import read_size
from .sources import PosedPhoto, Source
from .transforms import OPENGL_FROM_OPENCV

FILM = 36.0
"""Millimetres."""
COLUMNS = ("#name", "x", "y", "alt", "heading", "pitch", "roll", "f", "px", "py")
_XCR = "{http://www.capturingreality.com/ns/xcr/1.1#}"
_COEFFICIENTS = ("k1", "k2", "k3", "k4", "t1", "t2")


def is_csv(path: Path) -> bool:
    """By the first line."""
    with path.open("rb") as file:
        head = file.readline(2048)
    return head.removeprefix(b"\xef\xbb\xbf").startswith(b"#name,x,y,alt,heading")


def is_xmp(path: Path) -> bool:
    """By the namespace; other programs write XMP as well, without poses."""
    with path.open("rb") as file:
        head = file.read(16_384)
    return _XCR[1:-1].encode() in head and b"Position" in head


def read_csv(path: Path) -> Source:
    """Read the table at `path`; raises `InvalidScene` that names what is wrong."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    missing = [key for key in COLUMNS if not rows or key not in rows[0]]
    if missing:
        raise InvalidScene(
            f"{path.name} has no column {missing[0]}.",
            hint="Export as Internal/External camera parameters.",
        )
    return Source(photos=tuple(_row(path.parent, row) for row in rows))


def _row(folder: Path, row: dict[str, str]) -> PosedPhoto:
    name = str(row["#name"])
    image = image_of(folder, name)
    keys = ("x", "y", "alt", "heading", "pitch", "roll", "f", "px", "py")
    values = numbers([row[key] for key in keys], 9, f"row of {name}")
    heading, pitch, roll, focal = values[3:7]
    turn = Rotation.from_euler("ZXY", (-heading, pitch, roll), degrees=True).as_matrix()
    lens = numbers([row.get(key) or 0.0 for key in _COEFFICIENTS], 6, f"lens of {name}")
    return _photo(
        image, pose(turn @ OPENGL_FROM_OPENCV[:3, :3], values[:3]), focal, values[7:] / FILM, lens
    )


def read_xmp(folder: Path, sidecars: Sequence[Path]) -> Source:
    """Read the sidecars that belong to photographs; raises `InvalidScene`."""
    photos = []
    for sidecar in sidecars:
        image = find_image(folder, sidecar.stem)
        if image is not None:
            photos.append(_sidecar(sidecar, image))
    if not photos:
        raise InvalidScene(
            "None of the XMP files lies beside its photograph.",
            hint="Put the photographs into the same folder.",
        )
    return Source(photos=tuple(photos))


def _sidecar(path: Path, image: Path) -> PosedPhoto:
    found: dict[str, str] = {}
    for element in read_xml(path).iter():
        if element.tag.startswith(_XCR) and element.text:
            found[element.tag.removeprefix(_XCR)] = element.text
        for key, value in element.attrib.items():
            if key.startswith(_XCR):
                found[key.removeprefix(_XCR)] = value
    turn = numbers(found.get("Rotation"), 9, f"rotation in {path.name}").reshape(3, 3).T
    centre = numbers(found.get("Position"), 3, f"position in {path.name}")
    keys = ("FocalLength35mm", "PrincipalPointU", "PrincipalPointV")
    about = [found.get(key, 0.0) for key in keys]
    focal, *offset = numbers(about, 3, f"lens in {path.name}")
    lens = numbers(found.get("DistortionCoeficients", "0 0 0 0 0 0"), 6, f"lens in {path.name}")
    model = found.get("DistortionModel", "perspective")
    if any(lens) and not model.startswith("brown"):
        raise _other_lens(image.name, model)
    return _photo(image, pose(turn, centre), float(focal), np.array(offset), lens)


def _photo(
    image: Path,
    world_from_camera: FloatArray,
    film_focal: float,
    offset: FloatArray,
    lens: FloatArray,
) -> PosedPhoto:
    """`offset` (2,) in parts of the longer side; `lens` is k1, k2, k3, k4, t1, t2."""
    width, height = read_size(image, image.name)
    longer = max(width, height)
    k1, k2, k3, k4, t1, t2 = (float(value) for value in lens)
    if k4:
        raise _other_lens(image.name, "brown4")
    focal = film_focal / FILM * longer
    return PosedPhoto(
        image=image,
        camera=Camera(
            world_from_camera=world_from_camera,
            focal=(focal, focal),
            principal_point=(
                width / 2.0 + float(offset[0]) * longer,
                height / 2.0 + float(offset[1]) * longer,
            ),
            width=width,
            height=height,
            distortion=without_zeros((k1, k2, t1, t2, k3)),
        ),
    )


def _other_lens(name: str, model: str) -> InvalidScene:
    return InvalidScene(
        f"The lens model of {name} ({model}) cannot be used.",
        hint="Align with Brown3, or export undistorted images with a COLMAP model.",
    )
