# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the mesh that a job leaves, and believes none of it: binary PLY to arrays, with numpy.

Counts, lengths, finiteness and index ranges are checked before Blender sees a number, because a
wrong one there is a crash and not an error. Colours are stored as sRGB bytes and returned linear.
It must not know bpy, files or the wire.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .shared.errors import MalformedMessage
from .shared.geometry import TriangleMesh

MAX_VERTICES = 20_000_000
MAX_TRIANGLES = 40_000_000
MAX_HEADER = 4096

_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "<i2", "int16": "<i2", "ushort": "<u2", "uint16": "<u2",
    "int": "<i4", "int32": "<i4", "uint": "<u4", "uint32": "<u4",
    "float": "<f4", "float32": "<f4", "double": "<f8", "float64": "<f8",
}  # fmt: skip
_ELEMENT = re.compile(r"element (vertex|face) (\d{1,10})")
_PROPERTY = re.compile(r"property (\w+) (\w+)")
_FACES = re.compile(
    r"property list (?:uchar|uint8) (?:int|uint|int32|uint32) vertex_ind(?:ex|ices)"
)
_END = b"end_header\n"
_FACE = np.dtype([("count", "u1"), ("indices", "<i4", 3)])


def read(data: bytes) -> TriangleMesh:
    """A checked mesh; raises `MalformedMessage` with what is wrong."""
    check_size(data, len(data))
    vertex, num_vertices, num_faces, at = _header(data)
    vertices = np.frombuffer(data, vertex, num_vertices, at)
    faces = np.frombuffer(data, _FACE, num_faces, at + num_vertices * vertex.itemsize)
    _expect(bool((faces["count"] == 3).all()), "a face that is not a triangle")
    mesh = TriangleMesh(
        positions=_columns(vertices, "xyz"),
        triangles=np.ascontiguousarray(faces["indices"]),
        colors=_colors(vertices),
        normals=_normals(vertices),
    )
    check(mesh)
    return mesh


def check_size(start: bytes, size: int) -> None:
    """Raise `MalformedMessage` if a file of that size cannot be what its beginning says.

    The beginning is the first `MAX_HEADER` bytes, or all there are: so a file that has no end is
    known before it fills the memory.
    """
    vertex, num_vertices, num_faces, at = _header(start)
    expected = at + num_vertices * vertex.itemsize + num_faces * _FACE.itemsize
    _expect(size == expected, f"{size} bytes instead of {expected}")


def places(data: bytes) -> NDArray[Any] | None:
    """Each vertex's place in a texture, (V, 2) float32, of a mesh that `read` takes; or None."""
    vertex, num_vertices, _, at = _header(data)
    if not {"s", "t"} <= set(vertex.names or ()):
        return None
    found = _columns(np.frombuffer(data, vertex, num_vertices, at), "st")
    _expect(bool(np.isfinite(found).all()), "places in the texture that are no numbers")
    return found


def check(mesh: TriangleMesh) -> None:
    """Raise `MalformedMessage` unless every number of the mesh can be given to Blender."""
    num_vertices, num_triangles = len(mesh.positions), len(mesh.triangles)
    _expect(3 <= num_vertices <= MAX_VERTICES, f"{num_vertices} vertices")
    _expect(1 <= num_triangles <= MAX_TRIANGLES, f"{num_triangles} triangles")
    low, high = int(mesh.triangles.min()), int(mesh.triangles.max())
    _expect(low >= 0 and high < num_vertices, f"a triangle of vertex {low if low < 0 else high}")
    for name in ("positions", "colors", "normals"):
        values = getattr(mesh, name)
        _expect(values is None or bool(np.isfinite(values).all()), f"{name} that are no numbers")


def linear_from_srgb(values: NDArray[Any]) -> NDArray[Any]:
    """sRGB bytes (...) to linear float32 in [0, 1] (IEC 61966-2-1)."""
    return np.asarray(_LINEAR[values])


def _header(data: bytes) -> tuple[np.dtype[Any], int, int, int]:
    """(type of a vertex, vertices, faces, where the header ends)."""
    end = data.find(_END, 0, MAX_HEADER)
    _expect(data.startswith(b"ply\n") and end > 0, "no PLY header")
    lines = data[:end].decode("ascii", errors="replace").splitlines()[1:]
    lines = [line for line in lines if not line.startswith(("comment", "obj_info"))]
    _expect(lines[:1] == ["format binary_little_endian 1.0"], "an unknown format")
    elements = [match for line in lines if (match := _ELEMENT.fullmatch(line))]
    _expect([e[1] for e in elements] == ["vertex", "face"], "other elements than vertex and face")
    fields = [match for line in lines if (match := _PROPERTY.fullmatch(line))]
    lists = [line for line in lines if _FACES.fullmatch(line)]
    _expect(len(lines) == 1 + 2 + len(fields) + 1 and len(lists) == 1, "unknown header lines")
    _expect(all(field[1] in _TYPES for field in fields), "an unknown property type")
    names = [field[2] for field in fields]
    _expect(len(set(names)) == len(names) and {"x", "y", "z"} <= set(names), "no positions")
    vertex = np.dtype([(field[2], _TYPES[field[1]]) for field in fields])
    return vertex, int(elements[0][2]), int(elements[1][2]), end + len(_END)


def _columns(vertices: NDArray[Any], names: str) -> NDArray[Any]:
    return np.stack([vertices[name].astype(np.float32) for name in names], axis=-1)


def _colors(vertices: NDArray[Any]) -> NDArray[Any] | None:
    names = ("red", "green", "blue")
    if not set(names) <= set(vertices.dtype.names or ()):
        return None
    _expect(all(vertices.dtype[name] == np.uint8 for name in names), "colours that are not bytes")
    return linear_from_srgb(np.stack([vertices[name] for name in names], axis=-1))


def _normals(vertices: NDArray[Any]) -> NDArray[Any] | None:
    names = ("nx", "ny", "nz")
    if not set(names) <= set(vertices.dtype.names or ()):
        return None
    return np.stack([vertices[name].astype(np.float32) for name in names], axis=-1)


def _expect(holds: bool, wrong: str) -> None:
    if not holds:
        raise MalformedMessage(
            f"The backend's mesh cannot be used: {wrong}.", hint="Retry the job, or update both."
        )


def _linear_table() -> NDArray[Any]:
    srgb = np.arange(256) / 255.0
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


_LINEAR = _linear_table()
