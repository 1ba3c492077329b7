# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of meshes: there and back, and as other programs read them."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from lightkiln.mesh.export import WRITTEN, load_mesh, save_mesh
from lightkiln_shared.errors import UserError
from lightkiln_shared.geometry import PointCloud, TriangleMesh
from synthetic import SyntheticScene


@pytest.mark.parametrize("suffix", WRITTEN)
def test_what_is_saved_is_loaded(
    suffix: str, synthetic_scene: SyntheticScene, tmp_path: Path
) -> None:
    mesh, path = synthetic_scene.mesh, tmp_path / f"mesh{suffix}"
    save_mesh(mesh, path)
    loaded = load_mesh(path)
    assert isinstance(loaded, TriangleMesh)
    np.testing.assert_allclose(loaded.positions, mesh.positions, atol=1e-6)
    np.testing.assert_array_equal(loaded.triangles, mesh.triangles)
    np.testing.assert_allclose(loaded.normals, mesh.normals, atol=1e-6)
    # PLY and OBJ hold 8-bit sRGB, whose steps are widest at white.
    tolerance = 1e-7 if suffix == ".glb" else 2.3 / 255 / 2
    np.testing.assert_allclose(loaded.colors, mesh.colors, atol=tolerance)


def test_a_bare_mesh_is_saved_too(tmp_path: Path) -> None:
    triangle = TriangleMesh(
        positions=np.eye(3, dtype=np.float32), triangles=np.array([[0, 1, 2]], dtype=np.int32)
    )
    for suffix in WRITTEN:
        save_mesh(triangle, tmp_path / f"bare{suffix}")
        loaded = load_mesh(tmp_path / f"bare{suffix}")
        assert loaded.colors is None
        np.testing.assert_allclose(loaded.positions, triangle.positions, atol=1e-7)


def test_glb_is_y_up_with_linear_float_colours(
    synthetic_scene: SyntheticScene, tmp_path: Path
) -> None:
    path = tmp_path / "mesh.glb"
    save_mesh(synthetic_scene.mesh, path)
    data = path.read_bytes()
    tree = json.loads(data[20 : 20 + struct.unpack_from("<I", data, 12)[0]])
    attributes = tree["meshes"][0]["primitives"][0]["attributes"]
    color, position = (tree["accessors"][attributes[key]] for key in ("COLOR_0", "POSITION"))
    assert color["componentType"] == 5126  # FLOAT
    low, high = (synthetic_scene.mesh.positions.min(axis=0), synthetic_scene.mesh.positions.max(0))
    assert position["min"] == pytest.approx([low[0], low[2], -high[1]])
    assert position["max"] == pytest.approx([high[0], high[2], -low[1]])


def test_a_file_without_triangles_is_a_cloud(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(50, 3))
    trimesh.PointCloud(points).export(tmp_path / "cloud.ply")
    cloud = load_mesh(tmp_path / "cloud.ply")
    assert isinstance(cloud, PointCloud)
    np.testing.assert_allclose(cloud.positions, points, atol=1e-6)


@pytest.mark.parametrize("suffix", [".glb", ".ply", ".obj", ".stl"])
@pytest.mark.parametrize("content", [b"", b"not a mesh at all", bytes(range(256)) * 4])
def test_damaged_files_are_named(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(UserError, match="broken"):
        load_mesh(path)


@pytest.mark.parametrize("suffix", WRITTEN)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damage_anywhere_ends_in_a_mesh_or_in_that_sentence(
    suffix: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / f"damaged{suffix}"
    save_mesh(SMALL, path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    try:
        loaded = load_mesh(path)
    except UserError as error:
        assert path.name in error.message
    else:
        assert np.isfinite(loaded.positions).all()


SMALL = TriangleMesh(
    positions=np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32),
    triangles=np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]], dtype=np.int32),
    colors=np.full((4, 3), 0.5, dtype=np.float32),
)


def test_missing_files_and_strange_suffixes_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.glb does not exist"):
        load_mesh(tmp_path / "absent.glb")
    with pytest.raises(UserError, match=r"mesh\.docx"):
        load_mesh(tmp_path / "mesh.docx")
