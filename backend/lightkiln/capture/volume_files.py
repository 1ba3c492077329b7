# SPDX-License-Identifier: GPL-3.0-or-later
"""Scans from files: NIfTI, NRRD, a series of DICOM or a stack of pictures, told apart by what is
there.

Nothing in a file is executed or unpickled; a damaged one gets a sentence. It must not know methods
or jobs.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln_shared.errors import InvalidScene

from .volume import DAMAGE, LPS, Volume, checked, library
from .volume_dicom import DICOM, looks_like_dicom, read_dicom
from .volume_stack import PICTURES, Spacing, read_stack

NIFTI, NRRD = (".nii", ".nii.gz"), (".nrrd",)
MAX_VOXELS = 1_000_000_000
KINDS = "Give NIfTI (.nii, .nii.gz), NRRD, DICOM or a folder of PNG or TIFF slices."


def read_volume(path: Path, spacing: Spacing | None = None) -> Volume:
    """A file or a folder of slices; `spacing`, mm along x, y and z, is for a stack of pictures.

    Raises `InvalidScene` where it cannot be used, `UserError` where a library is missing.
    """
    if path.is_dir():
        return checked(_of_folder(path, spacing), path.name)
    if not path.is_file():
        raise InvalidScene(f"There is no file or folder {path.name}.", hint=KINDS)
    name = path.name.lower()
    if name.endswith(NIFTI):
        return checked(_nifti(path), path.name)
    if name.endswith(NRRD):
        return checked(_nrrd(path), path.name)
    if looks_like_dicom(path):
        return checked(read_dicom([path], path.name), path.name)
    if name.endswith(PICTURES):
        return checked(read_stack([path], path.parent, spacing), path.name)
    raise InvalidScene(f"{path.name} is no volume that can be read.", hint=KINDS)


def _of_folder(folder: Path, spacing: Spacing | None) -> Volume:
    """Pictures, DICOM, or the one other volume that lies there."""
    files = sorted(each for each in folder.iterdir() if each.is_file() and each.name[0] != ".")
    pictures = [each for each in files if each.name.lower().endswith(PICTURES)]
    if pictures:
        return read_stack(pictures, folder, spacing)
    series = [each for each in files if looks_like_dicom(each)]
    if series:
        return read_dicom(series, folder.name)
    whole = [each for each in files if each.name.lower().endswith((*NIFTI, *NRRD))]
    if len(whole) == 1:
        return read_volume(whole[0])
    if whole:
        raise InvalidScene(
            f"The folder {folder.name} holds {len(whole)} volumes.", hint="Give one of the files."
        )
    unlike = [each for each in files if each.name.lower().endswith(DICOM)]
    if unlike:
        raise InvalidScene(
            f"{unlike[0].name} is damaged, or no DICOM file.", hint="Export the series again."
        )
    what = "no slices and no volume" if files else "nothing"
    raise InvalidScene(f"The folder {folder.name} holds {what}.", hint=KINDS)


def _nifti(path: Path) -> Volume:
    """Its affine is RAS+ and millimetres already; slope and intercept are applied."""
    nibabel = library("nibabel")
    damage = (
        *DAMAGE,
        nibabel.filebasedimages.ImageFileError,
        nibabel.spatialimages.HeaderDataError,
        nibabel.spatialimages.HeaderTypeError,
        nibabel.spatialimages.ImageDataError,
        nibabel.wrapstruct.WrapStructError,
    )
    try:
        image = nibabel.load(path)
        shape, pose = image.shape, np.array(image.affine, dtype=np.float64)
    except damage as error:
        raise _damaged(path, error) from None
    _check_shape(path, shape)
    try:
        values = np.asarray(image.dataobj, dtype=np.float32)
    except damage as error:
        raise _damaged(path, error) from None
    return Volume(values=values.reshape(shape[:3]), world_from_index=pose)


def _nrrd(path: Path) -> Volume:
    """`space directions` and `space origin` in the axes that `space` names; mm."""
    nrrd = library("nrrd")
    damage = (*DAMAGE, nrrd.NRRDError)
    try:
        header = nrrd.read_header(str(path))
        shape = tuple(int(n) for n in header["sizes"])
    except damage as error:
        raise _damaged(path, error) from None
    if "data file" in header or "datafile" in header:
        # A name in a file from elsewhere could be that of any file here.
        raise InvalidScene(
            f"{path.name} keeps its samples in another file.", hint="Save it as one .nrrd file."
        )
    _check_shape(path, shape)
    pose = _nrrd_pose(path, header)
    try:
        values, _ = nrrd.read(str(path))
    except damage as error:
        raise _damaged(path, error) from None
    values = np.asarray(values, dtype=np.float32).reshape(shape[:3])
    return Volume(values=values, world_from_index=pose)


def _nrrd_pose(path: Path, header: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(4, 4) from a header; without directions, `spacings` in the usual axes (LPS)."""
    pose = np.eye(4)
    directions = header.get("space directions")
    if directions is None and "spacings" not in header:
        raise InvalidScene(
            f"{path.name} does not say how far its samples are apart.",
            hint="Save it with `space directions` or `spacings`.",
        )
    if directions is None:
        pose[:3, :3] = np.diag(np.asarray(header["spacings"], dtype=np.float64)[:3])
    else:
        pose[:3, :3] = np.asarray(directions, dtype=np.float64)[:3].T
    pose[:3, 3] = np.asarray(header.get("space origin", np.zeros(3)), dtype=np.float64)
    return _ras_from(str(header.get("space", "left-posterior-superior")), path) @ pose


def _ras_from(space: str, path: Path) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The turn from a NRRD's named axes."""
    known = {
        "left-posterior-superior": LPS, "lps": LPS,
        "right-anterior-superior": np.eye(4), "ras": np.eye(4),
        "left-anterior-superior": np.diag([-1.0, 1.0, 1.0, 1.0]),
        "las": np.diag([-1.0, 1.0, 1.0, 1.0]),
    }  # fmt: skip
    if space.lower() not in known:
        raise InvalidScene(
            f"{path.name} lies in the space {space!r}, which is not known here.",
            hint="Save it in left-posterior-superior or right-anterior-superior axes.",
        )
    return known[space.lower()]


def _check_shape(path: Path, shape: tuple[int, ...]) -> None:
    """Three axes, more only if they have one place; judged before anything is decoded."""
    size = " x ".join(str(n) for n in shape)
    if len(shape) < 3 or any(n != 1 for n in shape[3:]):
        raise InvalidScene(
            f"{path.name} has {len(shape)} axes ({size}), not three.",
            hint="Give one volume: one moment, one channel.",
        )
    if math.prod(shape) > MAX_VOXELS:
        raise InvalidScene(
            f"{path.name} is too large ({size}).", hint="Cut out the part that you need."
        )


def _damaged(path: Path, error: Exception) -> InvalidScene:
    return InvalidScene(
        f"{path.name} is damaged, or not what its name says ({type(error).__name__}).",
        hint="Copy or export it again.",
    )
