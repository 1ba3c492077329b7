# SPDX-License-Identifier: GPL-3.0-or-later
"""Scans that real libraries wrote come back where they were; bad ones get their sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from lightkiln.capture.volume import LPS, Volume, canonical
from lightkiln.capture.volume_files import read_volume
from lightkiln_shared.errors import InvalidScene, UserError
from PIL import Image

nibabel = pytest.importorskip("nibabel")
nrrd = pytest.importorskip("nrrd")
pydicom = pytest.importorskip("pydicom")

SHAPE, SPACING = (30, 26, 18), (0.9, 1.3, 2.5)
CENTRE, RADII = np.array([3.0, -4.0, 2.0]), np.array([8.0, 5.0, 11.0])


def ellipsoid(pose: np.ndarray) -> np.ndarray:
    """(X, Y, Z) int16: 300 within, -1000 without."""
    index = np.moveaxis(np.indices(SHAPE), 0, -1)
    inside = (((index @ pose[:3, :3].T + pose[:3, 3] - CENTRE) / RADII) ** 2).sum(-1) < 1.0
    return np.where(inside, 300, -1000).astype(np.int16)


def pose(axes: tuple[int, int, int] = (0, 1, 2), signs: tuple[int, ...] = (1, 1, 1)) -> np.ndarray:
    """RAS from index: spacing, axes exchanged or turned round, the lattice about the origin."""
    found = np.eye(4)
    found[:3, :3] = (np.diag(signs) @ np.eye(3)[:, axes]) * SPACING
    found[:3, 3] = -found[:3, :3] @ (np.array(SHAPE) - 1) / 2.0
    return found


def oblique() -> np.ndarray:
    """Turned by some angle about two axes."""
    a, b = 0.3, -0.2
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_z = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    turn = np.eye(4)
    turn[:3, :3] = about_z @ about_x
    return turn @ pose()


def check(volume: Volume) -> None:
    """The ellipsoid stands where it stood, as long along each world axis as it was."""
    index = np.argwhere(volume.values > 0)
    world = index @ volume.world_from_index[:3, :3].T + volume.world_from_index[:3, 3]
    assert np.allclose(world.mean(axis=0), CENTRE, atol=0.25)
    assert np.allclose(world.std(axis=0) * np.sqrt(5.0), RADII, rtol=0.06)
    assert set(np.unique(volume.values)) == {-1000.0, 300.0}


def write_dicom(
    folder: Path, values: np.ndarray, ras: np.ndarray, series: str = "1.2.3.4", name: str = "Trunk"
) -> list[Path]:
    """A series of CT; names and numbers say nothing of the order."""
    folder.mkdir(exist_ok=True)
    lps = LPS @ ras
    paths = []
    for z in range(values.shape[2]):
        meta = pydicom.dataset.FileMetaDataset()
        meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
        meta.MediaStorageSOPInstanceUID = f"{series}.{z}"
        data = pydicom.dataset.FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, f"{series}.{z}"
        data.SeriesInstanceUID, data.SeriesDescription = series, name
        data.Modality, data.InstanceNumber = "CT", (z * 7) % 18
        data.Columns, data.Rows = values.shape[:2]
        unit = lps[:3, :3] / np.linalg.norm(lps[:3, :3], axis=0)
        data.ImageOrientationPatient = [f"{x:.8f}" for x in (*unit[:, 0], *unit[:, 1])]
        where = lps[:3, 3] + z * lps[:3, 2]
        data.ImagePositionPatient = [f"{x:.6f}" for x in where]
        data.PixelSpacing = [SPACING[1], SPACING[0]]
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
        data.PixelRepresentation = 0
        data.RescaleSlope, data.RescaleIntercept = 2, -1024
        stored = (values[:, :, z].T.astype(np.int32) + 1024) // 2
        data.PixelData = stored.astype(np.uint16).tobytes()
        paths.append(folder / f"{series}-{(z * 5) % 18:03}.dcm")
        data.save_as(paths[-1], enforce_file_format=True)
    return paths


TURNS = [pose(), pose(signs=(-1, -1, 1)), pose((1, 2, 0)), pose((2, 0, 1), (1, -1, 1)), oblique()]


@pytest.mark.parametrize("ras", TURNS)
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_nifti(tmp_path: Path, ras: np.ndarray, ending: str) -> None:
    nibabel.save(nibabel.Nifti1Image(ellipsoid(ras), ras), tmp_path / f"scan{ending}")
    volume = read_volume(tmp_path / f"scan{ending}")
    check(volume)
    assert np.allclose(volume.world_from_index, ras, atol=1e-4)
    check(canonical(volume))


@pytest.mark.parametrize("ras", TURNS)
def test_nrrd(tmp_path: Path, ras: np.ndarray) -> None:
    lps = LPS @ ras
    header = {
        "space": "left-posterior-superior",
        "space directions": lps[:3, :3].T,
        "space origin": lps[:3, 3],
    }
    nrrd.write(str(tmp_path / "scan.nrrd"), ellipsoid(ras), header)
    volume = read_volume(tmp_path / "scan.nrrd")
    check(volume)
    assert np.allclose(volume.world_from_index, ras, atol=1e-4)


@pytest.mark.parametrize("ras", TURNS)
def test_dicom(tmp_path: Path, ras: np.ndarray) -> None:
    """A left-handed lattice has its slices in the other order: the patient is the same."""
    write_dicom(tmp_path / "series", ellipsoid(ras), ras)
    volume = read_volume(tmp_path / "series")
    check(volume)
    assert np.allclose(volume.spacing, SPACING, atol=1e-4)


def test_pictures(tmp_path: Path) -> None:
    """Named by numbers without zeros; 16 bits, with slope and intercept beside them."""
    ras = pose(signs=(-1, -1, 1))
    values = ellipsoid(ras)
    for z in range(SHAPE[2]):
        picture = (values[:, :, z].T + 1024).astype(np.uint16)
        Image.fromarray(picture).save(tmp_path / f"slice {z}.png")
    about = {"spacing_mm": SPACING, "intercept": -1024}
    (tmp_path / "spacing.json").write_text(json.dumps(about), encoding="utf-8")
    volume = read_volume(tmp_path)
    moved = Volume(values=volume.values, world_from_index=volume.world_from_index.copy())
    moved.world_from_index[:3, 3] += ras[:3, 3]  # pictures know no place
    check(moved)


def test_a_tiff_of_many_pages(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((20, 24), z, dtype=np.uint8)) for z in range(5)]
    pages[0].save(tmp_path / "stack.tif", save_all=True, append_images=pages[1:])
    volume = read_volume(tmp_path / "stack.tif", (1.0, 2.0, 3.0))
    assert volume.values.shape == (24, 20, 5)
    assert volume.values[0, 0].tolist() == [0, 1, 2, 3, 4]
    assert volume.spacing == (1.0, 2.0, 3.0)


def test_canonical_indices_run_right_front_and_up() -> None:
    ras = pose((2, 0, 1), (1, -1, 1))
    found = canonical(Volume(values=ellipsoid(ras).astype(np.float32), world_from_index=ras))
    assert (np.diag(found.world_from_index)[:3] > 0).all()
    check(found)


def refused(path: Path, *words: str, spacing: tuple[float, float, float] | None = None) -> None:
    with pytest.raises(InvalidScene) as caught:
        read_volume(path, spacing)
    for word in words:
        assert word in caught.value.message
    assert caught.value.hint


def test_folders_without_a_volume(tmp_path: Path) -> None:
    refused(tmp_path, "holds nothing")
    refused(tmp_path / "none.nii", "There is no file")
    (tmp_path / "notes.txt").write_text("words", encoding="utf-8")
    refused(tmp_path, "no slices")
    refused(tmp_path / "notes.txt", "no volume")


def test_bad_pictures(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(256, size=(20, 24), dtype=np.uint8)
    grey = Image.fromarray(noise)
    grey.save(tmp_path / "1.png")
    refused(tmp_path, "how far apart")
    refused(tmp_path, "above zero", spacing=(1.0, 0.0, 1.0))
    refused(tmp_path, "one slice only", spacing=(1.0, 1.0, 1.0))
    grey.resize((20, 20)).save(tmp_path / "2.png")
    refused(tmp_path, "2.png is 20 x 20, but 1.png is 24 x 20", spacing=(1.0, 1.0, 1.0))
    grey.convert("RGB").save(tmp_path / "2.png")
    refused(tmp_path, "colour", spacing=(1.0, 1.0, 1.0))
    (tmp_path / "2.png").write_bytes((tmp_path / "1.png").read_bytes()[:200])
    refused(tmp_path, "2.png is damaged", spacing=(1.0, 1.0, 1.0))
    (tmp_path / "spacing.json").write_text("[1", encoding="utf-8")
    refused(tmp_path, "spacing.json cannot be read")


def test_bad_dicom(tmp_path: Path) -> None:
    folder = tmp_path / "series"
    paths = write_dicom(folder, ellipsoid(pose()), pose())
    missing = paths[7].read_bytes()
    paths[7].unlink()
    refused(folder, "misses slices between")
    paths[7].write_bytes(missing)
    paths[8].write_bytes(paths[8].read_bytes()[:-300])
    refused(folder, "damaged")
    one = write_dicom(tmp_path / "one", ellipsoid(pose())[:, :, :1], pose())
    refused(one[0], "one slice only")


def test_two_series(tmp_path: Path) -> None:
    write_dicom(tmp_path, ellipsoid(pose()), pose(), "1.2.3.4", "Soft")
    write_dicom(tmp_path, ellipsoid(pose())[:, :, :9], pose(), "1.2.3.5", "Hard")
    refused(tmp_path, "2 series", "Soft (18 slices)", "Hard (9 slices)")


def test_dicom_of_other_sizes_and_directions(tmp_path: Path) -> None:
    paths = write_dicom(tmp_path, ellipsoid(pose()), pose())
    data = pydicom.dcmread(paths[3])
    whole = paths[3].read_bytes()
    data.Rows, data.PixelData = data.Rows - 1, data.PixelData[: -2 * data.Columns]
    data.save_as(paths[3])
    refused(tmp_path, "30 x 25")
    paths[3].write_bytes(whole)
    data = pydicom.dcmread(paths[3])
    data.ImageOrientationPatient = [0, 1, 0, 0, 0, 1]
    data.save_as(paths[3])
    refused(tmp_path, "not parallel")
    data = pydicom.dcmread(paths[3])
    del data.ImageOrientationPatient
    data.save_as(paths[3])
    refused(tmp_path, "ImageOrientationPatient")


def test_dicom_compressed_beyond_reading(tmp_path: Path) -> None:
    paths = write_dicom(tmp_path, ellipsoid(pose()), pose())
    for path in paths:
        data = pydicom.dcmread(path)
        data.PixelData = pydicom.encaps.encapsulate([b"\0" * 64])
        data["PixelData"].VR = "OB"
        data.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
        data.save_as(path)
    refused(tmp_path, "compressed")


def test_bad_nifti_and_nrrd(tmp_path: Path) -> None:
    whole = tmp_path / "scan.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.zeros((9, 9, 9, 3), np.float32), np.eye(4)), whole)
    refused(whole, "4 axes (9 x 9 x 9 x 3)")
    huge = nibabel.Nifti1Header()
    huge.set_data_shape((30_000, 30_000, 30_000))
    (tmp_path / "huge.nii").write_bytes(huge.binaryblock + b"\0" * 100)
    refused(tmp_path / "huge.nii", "too large")
    nibabel.save(nibabel.Nifti1Image(ellipsoid(pose()), pose()), whole)
    whole.write_bytes(whole.read_bytes()[:-200])
    refused(whole, "scan.nii.gz is damaged")
    (tmp_path / "bad.nrrd").write_bytes(b"NRRD0004\nno header")
    refused(tmp_path / "bad.nrrd", "bad.nrrd is damaged")
    nrrd.write(str(tmp_path / "head.nhdr"), ellipsoid(pose()), {"spacings": SPACING})
    (tmp_path / "head.nhdr").rename(tmp_path / "apart.nrrd")
    refused(tmp_path / "apart.nrrd", "another file")
    nrrd.write(str(tmp_path / "bare.nrrd"), ellipsoid(pose()))
    refused(tmp_path / "bare.nrrd", "how far")


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scan.nii").write_bytes(b"")
    monkeypatch.setitem(__import__("sys").modules, "nibabel", None)
    with pytest.raises(UserError, match=r"lightkiln\[volumes\]"):
        read_volume(tmp_path / "scan.nii")
