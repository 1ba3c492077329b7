# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds SIFT features (Lowe 2004) and matches them, through COLMAP and its database.

The database lies in the workspace: what is in it after a crash or a pause is not computed again.
It must not know how cameras are solved.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from lightkiln.capture.colmap_library import pycolmap

from .preparing import Lens, Prepared
from .solved import Watch

NUM_THREADS = os.cpu_count() or 1
FEATURE_BYTES, MATCH_BYTES = 300, 24
"""What the database keeps of a feature and, for a feature, of a pair of photographs at most, and
half as much again: there are up to so many more than were asked for."""
WEAK = 100
"""Matches; pairs with fewer are worth a second look, which takes twice as long as the first."""
SPARE_BYTES = 4 * 1024**2
"""COLMAP ends the whole process if its database cannot be written. So there must be space for all
of what comes next, twice because of the database's log, and for this much beside it."""
BATCH = 4 * NUM_THREADS
"""Pairs that are matched between two steps: a second or so."""
FOCAL_FACTOR = 1.2
"""Of the longer side, where EXIF says nothing: some 45 degrees, and refined anyway."""

Pair = tuple[int, int]


class Database:
    """COLMAP's database of a workspace: lenses, features, and matches."""

    def __init__(self, workspace: Path, prepared: Sequence[Prepared], model: str) -> None:
        self.images = workspace / "images"
        self._workspace, self._prepared = workspace, prepared
        self._most = 0
        self._path = str(workspace / "database.db")
        self._check_space(0)
        self.colmap = pycolmap.Database.open(self._path)
        self._camera_of = self._write_cameras(model)

    def _check_space(self, size: int) -> None:
        """Raise `OSError` unless there is space on the disk for so many bytes more."""
        if shutil.disk_usage(self._workspace).free < 2 * size + SPARE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._workspace))

    def _write_cameras(self, model: str) -> dict[Lens, int]:
        """One camera a lens, numbered in the order of the photographs."""
        lenses: dict[Lens, Prepared] = {}
        for each in self._prepared:
            lenses.setdefault(each.lens, each)
        numbers = {lens: index + 1 for index, lens in enumerate(lenses)}
        if self.colmap.num_cameras() == 0:
            for lens, each in lenses.items():
                self._write_camera(numbers[lens], each, model)
        return numbers

    def _write_camera(self, number: int, each: Prepared, model: str) -> None:
        focal = each.focal or FOCAL_FACTOR * max(each.small)
        camera = pycolmap.Camera.create_from_model_name(number, model, focal, *each.small)
        camera.has_prior_focal_length = each.focal is not None
        self.colmap.write_camera(camera, use_camera_id=True)
        rig = pycolmap.Rig()
        rig.add_ref_sensor(pycolmap.sensor_t(pycolmap.SensorType.CAMERA, number))
        self.colmap.write_rig(rig)

    def find_features(self, most: int, watch: Watch) -> dict[str, int]:
        """Find about `most` features in every image; how many there are, by file."""
        options = pycolmap.FeatureExtractionOptions()
        options.use_gpu, options.num_threads = False, NUM_THREADS
        options.sift.max_num_features = most
        options.sift.estimate_affine_shape = True  # found again from farther aside
        self._most = most
        count: dict[str, int] = {}
        for step in watch.steps(-(-len(self._prepared) // NUM_THREADS)):
            batch = self._prepared[step * NUM_THREADS : (step + 1) * NUM_THREADS]
            self._check_space(len(batch) * most * FEATURE_BYTES)
            for lens in {each.lens for each in batch}:
                self._extract([each.file for each in batch if each.lens == lens], lens, options)
            for each in batch:
                count[each.file] = self._num_features(each.file)
            watch.record(photographs=len(count), features=sum(count.values()))
        return count

    def _extract(
        self, files: list[str], lens: Lens, options: pycolmap.FeatureExtractionOptions
    ) -> None:
        reader = pycolmap.ImageReaderOptions()
        reader.existing_camera_id = self._camera_of[lens]
        masks = self._workspace / "masks"
        for with_mask in (True, False):
            some = [file for file in files if (masks / f"{file}.png").exists() == with_mask]
            if some:
                reader.mask_path = str(masks) if with_mask else ""
                pycolmap.extract_features(
                    self._path,
                    str(self.images),
                    some,
                    pycolmap.CameraMode.AUTO,
                    reader,
                    options,
                    pycolmap.Device.cpu,
                )

    def _num_features(self, file: str) -> int:
        image = self.colmap.read_image_with_name(file)
        return 0 if image is None else int(self.colmap.num_keypoints_for_image(image.image_id))

    def match(self, pairs: Sequence[Pair], watch: Watch) -> None:
        """Match and verify pairs of images (indices of the prepared photographs)."""
        self._match(pairs, False, watch)

    def match_again(self, pairs: Sequence[Pair], watch: Watch) -> None:
        """Seek more matches of those pairs that have few, where their geometry allows them."""
        weak = self._weak()
        again = [pair for pair in pairs if frozenset(map(self._number, pair)) in weak]
        for pair in again:
            self.colmap.delete_matches(*map(self._number, pair))
            self.colmap.delete_two_view_geometry(*map(self._number, pair))
        self._match(again, True, watch)

    def _weak(self) -> set[frozenset[int]]:
        numbers, inliers = self.colmap.read_two_view_geometry_num_inliers()
        return {
            frozenset(pycolmap.pair_id_to_image_pair(number))
            for number, count in zip(numbers, inliers, strict=True)
            if 0 < count < WEAK
        }

    def _number(self, index: int) -> int:
        """What COLMAP calls an image."""
        image = self.colmap.read_image_with_name(self._prepared[index].file)
        assert image is not None, "every prepared image was extracted"
        return int(image.image_id)

    def _match(self, pairs: Sequence[Pair], guided: bool, watch: Watch) -> None:
        options = pycolmap.FeatureMatchingOptions()
        options.use_gpu, options.num_threads = False, NUM_THREADS
        options.guided_matching = guided
        verification = pycolmap.TwoViewGeometryOptions()
        verification.ransac.random_seed = watch.seed
        pairing = pycolmap.ImportedPairingOptions()
        pairing.match_list_path = str(self._workspace / "pairs.txt")
        for step in watch.steps(-(-len(pairs) // BATCH)):
            batch = pairs[step * BATCH : (step + 1) * BATCH]
            self._check_space(len(batch) * self._most * MATCH_BYTES)
            Path(pairing.match_list_path).write_text(
                "".join(f"{self._prepared[i].file} {self._prepared[j].file}\n" for i, j in batch),
                encoding="ascii",
            )
            pycolmap.match_image_pairs(
                self._path, options, pairing, verification, pycolmap.Device.cpu
            )
            watch.record(
                pairs=min((step + 1) * BATCH, len(pairs)),
                verified_pairs=self.colmap.num_verified_image_pairs(),
                matches=self.colmap.num_inlier_matches(),
            )

    def close(self) -> None:
        """Give the file back."""
        self.colmap.close()
