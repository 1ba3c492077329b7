# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures and coarse meshes of a run, made only while somebody looks.

Each kind gets a share of the run's time: after one that took t seconds the next is due t / share
later, and not before its shortest interval.
It must not know how a picture is rendered.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from lightkiln_shared.camera import Camera
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.messages import Bulk, PreviewImage, PreviewMesh
from numpy.typing import NDArray

from lightkiln.ops.colors import srgb_bytes
from lightkiln.ops.picture import RenderedImage

from .folder import Control, JobFolder


@dataclass(slots=True)
class _Pace:
    shortest: float
    """Seconds between two."""
    share: float
    """Of the run's time."""
    due: float = 0.0

    def is_due(self) -> bool:
        return time.monotonic() >= self.due

    def took(self, start: float) -> None:
        now = time.monotonic()
        self.due = max(start + self.shortest, now + (now - start) / self.share)


class Previews:
    """What a method offers to show, and when it is asked for."""

    def __init__(self, folder: JobFolder, job_id: str) -> None:
        self.render: Callable[[Camera], RenderedImage | None] | None = None
        self.make_mesh: Callable[[], TriangleMesh | None] | None = None
        self.newest: RenderedImage | None = None
        """The picture that was shown last."""
        self._folder, self._job_id = folder, job_id
        self._images = _Pace(shortest=0.1, share=0.25)
        self._meshes = _Pace(shortest=2.0, share=0.1)

    def serve(self, asked: Control) -> None:
        """Make what is due."""
        if asked.look_from is not None and self.render is not None and self._images.is_due():
            start = time.monotonic()
            self._show_image(self.render(asked.look_from))
            self._images.took(start)
        if asked.watched and self.make_mesh is not None and self._meshes.is_due():
            start = time.monotonic()
            self._show_mesh(self.make_mesh())
            self._meshes.took(start)

    def _show_image(self, image: RenderedImage | None) -> None:
        if image is None:
            return
        self.newest = image
        height, width = image.pixels.shape[:2]
        pixels = np.ascontiguousarray(image.pixels, dtype=np.uint8)
        message = PreviewImage(
            job_id=self._job_id,
            camera=image.camera,
            width=width,
            height=height,
            bulk=Bulk(stream=0, size=pixels.nbytes),
        )
        self._folder.write_preview(message, pixels.tobytes())

    def _show_mesh(self, mesh: TriangleMesh | None) -> None:
        if mesh is None or len(mesh.triangles) == 0:
            return
        payload = b"".join(
            [
                np.asarray(mesh.positions, dtype="<f4").tobytes(),
                _srgb(mesh).tobytes(),
                np.asarray(mesh.triangles, dtype="<i4").tobytes(),
            ]
        )
        message = PreviewMesh(
            job_id=self._job_id,
            num_vertices=len(mesh.positions),
            num_triangles=len(mesh.triangles),
            bulk=Bulk(stream=0, size=len(payload)),
        )
        self._folder.write_preview(message, payload)


def _srgb(mesh: TriangleMesh) -> NDArray[Any]:
    """Colours (V, 4) uint8, sRGB, opaque; light grey where there are none."""
    if mesh.colors is None:
        return np.full((len(mesh.positions), 4), (204, 204, 204, 255), dtype=np.uint8)
    opaque = np.full((len(mesh.positions), 1), 255, dtype=np.uint8)
    return np.hstack([srgb_bytes(np.asarray(mesh.colors)), opaque])
