# SPDX-License-Identifier: GPL-3.0-or-later
"""Image files, good and bad: the right pixels, or one sentence that names the file."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightkiln.capture.images import read_image, read_mask, read_size
from lightkiln_shared.errors import InvalidScene
from numpy.typing import NDArray
from PIL import Image

GRADIENT = np.arange(32 * 24, dtype=np.uint32).reshape(24, 32)


def encoded(array: NDArray[np.generic], kind: str = "png", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises many pixels and brings none."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = (
        struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    )
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT"


PHOTO = (np.random.default_rng(0).random((24, 32, 3)) * 255).astype(np.uint8)
BAD = {
    "text.png": b"this is no image",
    "empty.jpg": b"",
    "cut.png": encoded(PHOTO)[:-600],
    "cut.jpg": encoded(PHOTO, "jpeg")[:-200],
    "cut.tif": encoded(PHOTO, "tiff")[:-600],
    "one_pixel.png": encoded(PHOTO[:1, :1]),
    "thin.png": encoded(PHOTO[:4]),
    "half_a_gigapixel.png": png_header(25_000, 20_000),
    "wide.png": png_header(20_000, 20),
    "moving.gif": encoded(PHOTO[..., 0], "gif"),
    "floats.tif": encoded(PHOTO[..., 0].astype(np.float32), "tiff"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_by_name(name: str, tmp_path: Path) -> None:
    (tmp_path / "stored").write_bytes(BAD[name])
    with pytest.raises(InvalidScene, match=name.partition(".")[0]):
        read_image(tmp_path / "stored", name)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidScene, match=r"absent\.png does not exist"):
        read_image(tmp_path / "absent.png", "absent.png")


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of metadata that it skips
@pytest.mark.parametrize("kind", ["png", "jpeg", "tiff", "webp"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damage_anywhere_ends_in_pixels_or_in_that_sentence(
    kind: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(encoded(PHOTO, kind))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / f"damaged.{kind}"
    path.write_bytes(content)
    try:
        image = read_image(path, "damaged")
    except InvalidScene as error:
        assert "damaged" in error.message
    else:
        assert image.mode in ("RGB", "RGBA")


def test_pixels_of_every_usual_kind_come_out_right(tmp_path: Path) -> None:
    grey = (GRADIENT % 256).astype(np.uint8)
    alpha = np.dstack([PHOTO, grey])
    palette = Image.fromarray(PHOTO).quantize(256)
    palette.save(tmp_path / "palette.png")
    cases = {
        "grey": (encoded(grey), np.dstack([grey] * 3)),
        "deep": (encoded(grey.astype(np.uint16) * 257), np.dstack([grey] * 3)),
        "colour": (encoded(PHOTO), PHOTO),
        "alpha": (encoded(alpha), alpha),
        "webp": (encoded(alpha, "webp", lossless=True, exact=True), alpha),
        "tiff": (encoded(PHOTO, "tiff"), PHOTO),
        "palette": ((tmp_path / "palette.png").read_bytes(), np.asarray(palette.convert("RGB"))),
    }
    for name, (content, expected) in cases.items():
        (tmp_path / name).write_bytes(content)
        np.testing.assert_array_equal(np.asarray(read_image(tmp_path / name, name)), expected, name)


def test_orientation_in_the_metadata_turns_nothing(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn by 90 degrees to show"
    (tmp_path / "turned.jpg").write_bytes(encoded(PHOTO, "jpeg", exif=exif))
    assert read_size(tmp_path / "turned.jpg", "turned.jpg") == (32, 24)
    assert read_image(tmp_path / "turned.jpg", "turned.jpg").size == (32, 24)


def test_masks_are_grey_whatever_they_were_saved_as(tmp_path: Path) -> None:
    on = GRADIENT % 3 == 0
    white = on.astype(np.uint8) * 255
    see_through = np.dstack([np.full((24, 32, 3), 255, dtype=np.uint8), white])
    cases = {
        "bits": encoded(on),
        "grey": encoded(white),
        "labels": encoded(on.astype(np.uint8)),
        "transparency": encoded(see_through),
        "nothing": encoded(np.zeros((24, 32), dtype=np.uint8)),
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        expected = np.zeros_like(white) if name == "nothing" else white
        np.testing.assert_array_equal(np.asarray(read_mask(tmp_path / name, name)), expected, name)
