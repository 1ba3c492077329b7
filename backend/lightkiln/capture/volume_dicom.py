# SPDX-License-Identifier: GPL-3.0-or-later
"""A series of DICOM slices, put in order by where they lie, not by name or number.

Positions and directions are those of the standard's Image Plane module (PS3.3, C.7.6.2), turned
from LPS to RAS. It must not know other formats.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from lightkiln_shared.errors import InvalidScene
from numpy.typing import NDArray

from .volume import DAMAGE, LPS, Volume, library

DICOM = (".dcm", ".dicom", ".ima")
PREAMBLE, MAGIC = 128, b"DICM"
GAP = 0.1
"""Of the usual distance: slices farther apart than that more than usual miss one."""
TURNED = 1e-3


def looks_like_dicom(path: Path) -> bool:
    """By the mark after the preamble."""
    with path.open("rb") as file:
        return file.read(PREAMBLE + len(MAGIC))[PREAMBLE:] == MAGIC


def read_dicom(files: Sequence[Path], name: str) -> Volume:
    """One series; raises `InvalidScene`."""
    slices = [_opened(path) for path in files]
    slices = [each for each in slices if "PixelData" in each]
    if not slices:
        raise InvalidScene(f"{name} holds no picture.", hint="Give the slices of a series.")
    _check_one_series(slices, name)
    _check_alike(slices, name)
    normal = _normal(slices[0], name)
    heights = np.array([float(_position(each, name) @ normal) for each in slices])
    order = np.argsort(heights, kind="stable")
    step = _step(heights[order], name)
    slices = [slices[number] for number in order]
    values = np.stack([_values(each) for each in slices], axis=-1)
    return Volume(values=values, world_from_index=LPS @ _pose(slices[0], normal * step, name))


def _opened(path: Path) -> Any:
    pydicom = library("pydicom")
    try:
        found = pydicom.dcmread(path)
        found.filename = path.name  # for sentences: names, not places
    except (*DAMAGE, pydicom.errors.InvalidDicomError) as error:
        raise InvalidScene(
            f"{path.name} is damaged ({type(error).__name__}).", hint="Export the series again."
        ) from None
    return found


def _check_one_series(slices: Sequence[Any], name: str) -> None:
    counts: dict[str, int] = defaultdict(int)
    titles: dict[str, str] = {}
    for each in slices:
        key = str(each.get("SeriesInstanceUID", ""))
        counts[key] += 1
        titles[key] = str(each.get("SeriesDescription", "") or each.get("SeriesNumber", "") or key)
    if len(counts) > 1:
        said = ", ".join(f"{titles[key]} ({count} slices)" for key, count in counts.items())
        raise InvalidScene(
            f"{name} holds {len(counts)} series: {said}.",
            hint="Put the one that you want into a folder of its own.",
        )


def _check_alike(slices: Sequence[Any], name: str) -> None:
    first = slices[0]
    for each in slices:
        if int(each.get("SamplesPerPixel", 1)) != 1:
            raise InvalidScene(
                f"{each.filename} is a colour picture.", hint="Give the scan's grey slices."
            )
        if int(each.get("NumberOfFrames", 1) or 1) != 1:
            raise InvalidScene(
                f"{each.filename} holds several frames, which cannot be read.",
                hint="Export it as one file a slice, or as NIfTI.",
            )
        if (each.Rows, each.Columns) != (first.Rows, first.Columns):
            raise InvalidScene(
                f"{each.filename} is {each.Columns} x {each.Rows}, but {first.filename} is "
                f"{first.Columns} x {first.Rows}.",
                hint="All slices must have one size: leave out the one that is no slice.",
            )
        if abs(_directions(each, name) - _directions(first, name)).max() > TURNED:
            raise InvalidScene(
                f"{each.filename} is not parallel to {first.filename}.",
                hint="Leave it out: it may be an overview of the scan.",
            )


def _numbers(data: Any, keyword: str, count: int, name: str) -> Float[NDArray[Any], " n"]:
    """What a slice must say of its place."""
    try:
        found = np.array([float(each) for each in data[keyword].value], dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        found = np.zeros(0)
    if len(found) != count or not np.isfinite(found).all():
        raise InvalidScene(
            f"{data.filename} in {name} does not say where it lies ({keyword}).",
            hint="Export the series with its geometry.",
        )
    return found


def _position(data: Any, name: str) -> Float[NDArray[Any], " 3"]:
    return _numbers(data, "ImagePositionPatient", 3, name)


def _directions(data: Any, name: str) -> Float[NDArray[Any], "2 3"]:
    """Along a row, then down a column."""
    return _numbers(data, "ImageOrientationPatient", 6, name).reshape(2, 3)


def _normal(data: Any, name: str) -> Float[NDArray[Any], " 3"]:
    return np.cross(*_directions(data, name))


def _step(heights: Float[NDArray[Any], " n"], name: str) -> float:
    """Distance of slices, mm; raises `InvalidScene` where one is missing or there twice."""
    if len(heights) < 2:
        raise InvalidScene(
            f"{name} has one slice only.", hint="Give all slices of the scan: at least two."
        )
    gaps = np.diff(heights)
    usual = float(np.median(gaps))
    if gaps.min() < 0.01:
        at = heights[int(gaps.argmin())]
        raise InvalidScene(
            f"{name} has two slices at {at:.1f} mm.", hint="Leave one of the two out."
        )
    wide = int(gaps.argmax())
    if gaps[wide] > (1.0 + GAP) * usual + 0.01:
        raise InvalidScene(
            f"{name} misses slices between {heights[wide]:.1f} mm and {heights[wide + 1]:.1f} mm: "
            f"they are {usual:.2f} mm apart elsewhere.",
            hint="Export the whole series again.",
        )
    return float((heights[-1] - heights[0]) / (len(heights) - 1))


def _values(data: Any) -> Float[NDArray[Any], "x y"]:
    """Slope and intercept applied; the first index runs along a row."""
    try:
        stored = np.asarray(data.pixel_array, dtype=np.float32)
    except DAMAGE as error:
        if getattr(data.file_meta.get("TransferSyntaxUID"), "is_compressed", False):
            raise InvalidScene(
                f"{data.filename} is compressed in a way that cannot be read here.",
                hint="Export it without compression, or as NIfTI.",
            ) from None
        raise InvalidScene(
            f"{data.filename} is damaged ({type(error).__name__}).", hint="Export it again."
        ) from None
    slope = float(data.get("RescaleSlope", 1.0))
    return stored.T * np.float32(slope) + np.float32(data.get("RescaleIntercept", 0.0))


def _pose(data: Any, along: Float[NDArray[Any], " 3"], name: str) -> Float[NDArray[Any], "4 4"]:
    """LPS, mm. `PixelSpacing` is between rows first, then between columns."""
    right, down = _directions(data, name)
    between_rows, between_columns = _numbers(data, "PixelSpacing", 2, name)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right * between_columns, down * between_rows, along], axis=1)
    pose[:3, 3] = _position(data, name)
    return pose
