# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads Metashape's XML of cameras (File, Export, Export Cameras).

A camera's `transform` is chunk-from-camera with our axes; the chunk's (or component's) own
transform, if it has one, scales, turns and moves that into the world. The principal point counts
from the image's centre; fx = f + b1. Its tangential pair is the other way round than OpenCV's:

    x' = x (1 + k1 r² + k2 r⁴ + k3 r⁶) + P1 (r² + 2 x²) + 2 P2 x y     so p1 = P2, p2 = P1

It must not know other formats.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from lightkiln_shared.camera import Camera, FloatArray
from lightkiln_shared.errors import InvalidScene

from .colmap_library import pycolmap
from .documents import damaged, image_of, numbers, pose, read_xml, without_zeros
from .flattened import as_photo
from .sources import PosedPhoto, Source

_TOO_MUCH = 1e-9
"""A coefficient beyond this counts."""


def is_metashape(path: Path) -> bool:
    """By the first bytes of an XML file."""
    with path.open("rb") as file:
        head = file.read(2048)
    return b"<document" in head and b"<chunk" in head


def read(path: Path) -> Source:
    """Read the cameras at `path`; raises `InvalidScene` that names what is wrong."""
    chunk = read_xml(path).find("chunk")
    if chunk is None:
        raise damaged(path.name, "it has no chunk")
    sensors = {sensor.get("id"): sensor for sensor in chunk.iter("sensor")}
    worlds = {part.get("id"): _world(part) for part in chunk.iter("component")}
    world = _world(chunk)
    photos = []
    for camera in chunk.iter("camera"):
        sensor = sensors.get(camera.get("sensor_id"))
        placed = camera.findtext("transform")
        is_used = camera.get("enabled", "true").lower() in ("true", "1")
        if placed is not None and sensor is not None and is_used:
            place = worlds.get(camera.get("component_id"), world)
            photos.append(_photo(path.parent, camera, sensor, placed, place))
    if not photos:
        raise InvalidScene(
            f"{path.name} has no aligned cameras.", hint="Align the photos, then export again."
        )
    return Source(photos=tuple(photos))


def _world(chunk: Element) -> FloatArray:
    """world-from-chunk (4, 4) with its scale; the unit matrix where there is none."""
    matrix = np.eye(4)
    transform = chunk.find("transform")
    if transform is None:
        return matrix
    rotation, shift, scale = (transform.findtext(k) for k in ("rotation", "translation", "scale"))
    if rotation:
        matrix[:3, :3] = numbers(rotation, 9, "chunk's rotation").reshape(3, 3)
    if scale:
        matrix[:3, :3] *= numbers(scale, 1, "chunk's scale")[0]
    if shift:
        matrix[:3, 3] = numbers(shift, 3, "chunk's translation")
    return matrix


def _photo(
    folder: Path, camera: Element, sensor: Element, placed: str, world: FloatArray
) -> PosedPhoto:
    label = camera.get("label", "")
    image = image_of(folder, label)
    matrix = world @ numbers(placed, 16, f"transform of {label}").reshape(4, 4)
    return _with_lens(pose(matrix[:3, :3], matrix[:3, 3]), sensor, image)


def _with_lens(world_from_camera: FloatArray, sensor: Element, image: Path) -> PosedPhoto:
    calibrations = {each.get("class", ""): each for each in sensor.findall("calibration")}
    lens = calibrations.get("adjusted", next(iter(calibrations.values()), None))
    if lens is None:
        raise InvalidScene(
            f"The camera of {image.name} has no calibration.", hint="Align the photos first."
        )
    resolution = lens.find("resolution")
    if resolution is None:
        resolution = sensor.find("resolution")
    about = {} if resolution is None else resolution.attrib
    width, height = numbers([about.get("width"), about.get("height")], 2, f"size of {image.name}")
    value = {
        key: numbers(lens.findtext(key, "0"), 1, f"{key} of {image.name}")[0]
        for key in ("f", "cx", "cy", "b1", "b2", "k1", "k2", "k3", "k4", "p1", "p2")
    }
    point = (float(width / 2.0 + value["cx"]), float(height / 2.0 + value["cy"]))
    focal = (float(value["f"] + value["b1"]), float(value["f"]))
    if (lens.get("type") or sensor.get("type")) == "fisheye":
        angles = [value[key] for key in ("k1", "k2", "k3", "k4")]
        fisheye = pycolmap.Camera(
            model="OPENCV_FISHEYE",
            width=int(width),
            height=int(height),
            params=[*focal, *point, *angles],
        )
        return as_photo(fisheye, world_from_camera, image, None)
    if abs(value["k4"]) > _TOO_MUCH or abs(value["b2"]) > 1.0:
        raise InvalidScene(
            f"The lens of {image.name} has a k4 or a skew (b2), which cannot be used.",
            hint="Align without them (Optimize Cameras), or export undistorted photos.",
        )
    distortion = tuple(float(value[key]) for key in ("k1", "k2", "p2", "p1", "k3"))
    return PosedPhoto(
        image=image,
        camera=Camera(
            world_from_camera=world_from_camera,
            focal=focal,
            principal_point=point,
            width=int(width),
            height=int(height),
            distortion=without_zeros(distortion),
        ),
    )
