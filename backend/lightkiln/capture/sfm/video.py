# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes from a film the frames that are worth aligning: sharp ones, a step apart; or given ones.

The film is read once. The motion from frame to frame is the median length of its optical flow
(Lucas and Kanade 1981, on corners); wherever the camera has gone a step on, the sharpest frame of
that stretch is kept. So a camera that rests gives one frame and a hasty one gives many.
It must not know what becomes of the frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from lightkiln_shared.errors import InvalidScene
from numpy.typing import NDArray

from lightkiln.capture.inputs import PhotoFile

from .preparing import sharpness

STEP = 0.04
"""Of the picture's longer side: neighbours then share nearly everything, and still differ."""
MOST = 200
"""Frames; of more, every second one is left out."""
FLOW_SIDE = 320
"""Pixels of the longer side on which motion is measured."""
MIN_FRAMES = 8
"""A film of fewer is no way around anything."""
QUALITY = 95

_SIGNATURES = ((0, b"\x1a\x45\xdf\xa3"), (8, b"AVI "), (0, b"\x00\x00\x01\xba"), (0, b"\x47\x40"))
_STILLS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif")


@dataclass(slots=True)
class _Best:
    """The sharpest frame of the stretch at hand."""

    sharpness: float = -1.0
    pixels: NDArray[Any] | None = None


def is_video(path: Path) -> bool:
    """By the file's first bytes: MP4, MOV, MKV, WebM, AVI or MPEG."""
    with path.open("rb") as file:
        head = file.read(16)
    if head[4:8] == b"ftyp":
        return head[8:12] not in _STILLS
    return any(head[at : at + len(sign)] == sign for at, sign in _SIGNATURES)


def extract(film: PhotoFile, folder: Path) -> list[PhotoFile]:
    """Write the chosen frames as JPEG into a folder, in order; raises `InvalidScene`."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen: list[PhotoFile] = []
    passed = [0]
    for num_frames, pixels in _stretches(film):
        passed.append(num_frames)
        path = folder / f"frame-{len(chosen):04}.jpg"
        _write(pixels, path)
        chosen.append(PhotoFile(name=path.name, path=path))
    if passed[-1] < MIN_FRAMES:
        raise InvalidScene(
            f"The video {film.name} has only {passed[-1]} frames.",
            hint="Walk around the object for half a minute, slowly.",
        )
    while len(chosen) > MOST:
        chosen = chosen[::2]
    return chosen


def pick(film: PhotoFile, numbers: Sequence[int], fps: float, folder: Path) -> None:
    """Write the frames that are shown `numbers / fps` seconds after the first, as
    `frame-000012.jpg`; raises `InvalidScene` if the film is shorter."""
    wanted = sorted(set(numbers), reverse=True)
    shown, number = None, 0
    for seconds, pixels in _timed(film):
        number = round(seconds * fps)
        while wanted and wanted[-1] < number and shown is not None:
            _write(shown, folder / f"frame-{wanted.pop():06}.jpg")
        if not wanted:
            return
        shown = pixels
    if shown is not None and wanted == [number]:
        _write(shown, folder / f"frame-{wanted.pop():06}.jpg")
    if wanted:
        raise InvalidScene(
            f"The video {film.name} has no frame {wanted[0]}: it ends at {number}.",
            hint="Save the frames as an image sequence.",
        )


def _write(pixels: NDArray[Any], path: Path) -> None:
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    path.write_bytes(data.tobytes())


def _stretches(film: PhotoFile) -> Iterator[tuple[int, NDArray[Any]]]:
    """The sharpest frame (H, W, 3) of each stretch, and how many frames have gone by."""
    gone, best, before = 0.0, _Best(), None
    index = 0
    for index, pixels in enumerate(_frames(film), start=1):
        grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
        factor = FLOW_SIDE / max(grey.shape)
        small = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        if before is not None:
            gone += _motion(before, small) / FLOW_SIDE
        before = small
        if gone >= STEP and best.pixels is not None:
            yield index, best.pixels
            gone, best = 0.0, _Best()
        sharp = sharpness(grey)
        if sharp > best.sharpness:
            best = _Best(sharp, pixels)
    if best.pixels is not None:
        yield index, best.pixels


def _frames(film: PhotoFile) -> Iterator[NDArray[Any]]:
    """Every frame (H, W, 3), turned upright as the file says."""
    return (pixels for _, pixels in _timed(film))


def _timed(film: PhotoFile) -> Iterator[tuple[float, NDArray[Any]]]:
    """Every frame, and when it is shown, in seconds."""
    source = cv2.VideoCapture(str(film.path))
    try:
        if not source.isOpened():
            raise InvalidScene(
                f"The video {film.name} cannot be read.",
                hint="Use MP4 with H.264, or export its frames as images.",
            )
        while True:
            there, pixels = source.read()
            if not there:
                return
            yield source.get(cv2.CAP_PROP_POS_MSEC) / 1000.0, pixels
    finally:
        source.release()


def _motion(before: NDArray[Any], now: NDArray[Any]) -> float:
    """Median length of the flow, pixels; a frame that cannot be followed counts as a whole step."""
    corners = cv2.goodFeaturesToTrack(before, 200, 0.01, 5)
    if corners is None:
        return 0.0
    moved, found, _ = cv2.calcOpticalFlowPyrLK(before, now, corners, np.empty_like(corners))
    lengths = np.linalg.norm((moved - corners)[found.ravel() == 1].reshape(-1, 2), axis=1)
    return float(np.median(lengths)) if len(lengths) >= 10 else STEP * FLOW_SIDE
