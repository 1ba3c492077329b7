# SPDX-License-Identifier: GPL-3.0-or-later
"""A backend that lies, started by the launcher: `python hostile_backend.py LIE serve --data DIR`.

It speaks the protocol well enough to be asked for a mesh or a preview, and then sends what its lie
says. It must not know the server under test elsewhere: only frames and messages are shared.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
from lightkiln.server.certificate import server_context
from lightkiln_shared.camera import Camera
from lightkiln_shared.jobs import Artifact, JobState, JobSummary
from lightkiln_shared.messages import (
    ArtifactData,
    Artifacts,
    Bulk,
    Done,
    Failed,
    Hello,
    JobAccepted,
    Jobs,
    ListArtifacts,
    ListJobs,
    ListMethods,
    Message,
    MethodInfo,
    Methods,
    OfferFiles,
    PreviewImage,
    PreviewMesh,
    ReadArtifact,
    Reply,
    SubmitJob,
    Wanted,
    Watching,
    WatchJob,
    Welcome,
)
from lightkiln_shared.session import Incoming, Session, Side
from lightkiln_shared.sharing import AskLoad, Load

JOB_ID = "0123456789abcdef"
MAX_PICTURE = 16 * 1024**2
HEADER = (
    "ply\nformat binary_little_endian 1.0\nelement vertex {v}\nproperty float x\nproperty float y\n"
    "property float z\nelement face {f}\nproperty list uchar int vertex_indices\nend_header\n"
)


def ply(lie: str) -> bytes:
    """A tetrahedron with one thing wrong."""
    positions = [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]
    faces = [(0, 2, 1), (0, 1, 3), (1, 2, 3), (0, 3, 2)]
    if lie == "nan":
        positions[2] = (0.0, float("nan"), 0.0)
    if lie in ("index", "negative"):
        faces[3] = (0, 3, 4 if lie == "index" else -1)
    num_vertices = {"many": 10**9, "few": 3}.get(lie, 4)
    body = b"".join(struct.pack("<3f", *p) for p in positions)
    body += b"".join(struct.pack("<B3i", 3, *f) for f in faces)
    return HEADER.format(v=num_vertices, f=4).encode() + body[: -5 if lie == "short" else None]


def preview_mesh(session: Session, lie: str) -> bytes:
    """A triangle with one thing wrong, as an event and its bytes."""
    body = struct.pack("<9f", *range(9)) + bytes(12)
    body += struct.pack("<3i", 0, 1, 3 if lie == "preview-index" else 2)
    claimed = 10**8 if lie == "preview-many" else 3
    bulk = session.announce(len(body))
    event = PreviewMesh(job_id=JOB_ID, num_vertices=claimed, num_triangles=1, bulk=bulk)
    return session.event(event) + session.data_header(bulk.stream, len(body)) + body


def endless(session: Session) -> bytes:
    """Pictures without number, each as large as one may be, none of which ever ends."""
    said = b""
    for _ in range(60):
        bulk = session.announce(MAX_PICTURE)
        side = round((MAX_PICTURE / 4) ** 0.5)
        camera = Camera(
            world_from_camera=np.eye(4),
            focal=(1.0, 1.0),
            principal_point=(0.0, 0.0),
            width=side,
            height=side,
        )
        event = PreviewImage(job_id=JOB_ID, camera=camera, width=side, height=side, bulk=bulk)
        said += session.event(event)
        size = session.sendable(bulk.stream)
        if size:
            said += session.data_header(bulk.stream, size) + bytes(size)
    return said


def png(width: int, height: int) -> bytes:
    """The beginning of a picture, as large as it says or not."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header + bytes(64)


def frames(lie: str) -> bytes:
    """An archive of three pictures with one thing wrong."""
    packing = zipfile.ZIP_DEFLATED if lie == "frames-packed" else zipfile.ZIP_STORED
    pictures = {f"{number:04}.png": png(64, 48) for number in (1, 2, 3)}
    if lie == "frames-name":
        pictures = {"0001.png": png(64, 48), "../../escaped.png": png(64, 48)}
    if lie == "frames-large":
        pictures["0002.png"] = png(60_000, 60_000)
    if lie == "frames-sizes":
        pictures["0003.png"] = png(64, 50)
    if lie == "frames-kind":
        pictures["0001.png"] = b"GIF89a" + bytes(99)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, data in pictures.items():
            archive.writestr(name, data)
    whole = file.getvalue()
    if lie == "frames-claim":  # 4 GiB, of which a few bytes follow
        return whole[:18] + struct.pack("<LL", 2**32 - 1, 2**32 - 1) + whole[26:]
    return whole[:150] if lie == "frames-cut" else whole


RENDERS = MethodInfo(
    name="kiln", title="K", summary="K.", needs=(), produces="mesh", renders_frames=True
)
EMPTY: dict[type[Message], Reply] = {
    AskLoad: Load(devices=(), running=0, queued=0),
    ListMethods: Methods(methods=(RENDERS,), default="kiln"),
    ListJobs: Jobs(jobs=()),
    OfferFiles: Wanted(files=()),
}
"""What is answered truthfully: there is nothing."""


class Liar:
    """One connection."""

    def __init__(self, lie: str, writer: asyncio.StreamWriter) -> None:
        self.lie, self.writer, self.session = lie, writer, Session(Side.SERVER)
        self.job_id = "../../../out" if lie == "job" else JOB_ID
        self.mesh = frames(lie) if lie.startswith("frames") else ply(lie)
        self.size = 900_000_000 if lie == "endless" else len(self.mesh)
        self.growing = 0
        """The stream of a mesh that has no end."""

    def take(self, incoming: Incoming) -> None:
        bulk = None
        if isinstance(incoming.message, ReadArtifact):
            bulk = self.session.announce(self.size)
        self.writer.write(
            self.session.reply(self.answer(incoming.message, bulk), incoming.request_id)
        )
        if bulk is not None:
            self.writer.write(self.session.data_header(bulk.stream, len(self.mesh)) + self.mesh)
            self.growing = bulk.stream if self.lie == "endless" else 0
        if isinstance(incoming.message, WatchJob) and self.lie.startswith("preview"):
            many = self.lie == "preview-endless"
            lie = endless(self.session) if many else preview_mesh(self.session, self.lie)
            self.writer.write(lie)

    def grow(self) -> None:
        """Go on with the mesh that has no end, as far as the other side lets us."""
        while size := self.session.sendable(self.growing):
            self.writer.write(self.session.data_header(self.growing, size) + bytes(size))

    def answer(self, message: Message, bulk: Bulk | None) -> Reply:
        """What a backend would say, or the lie."""
        if isinstance(message, Hello):
            return self.welcome()
        if type(message) in EMPTY:
            return EMPTY[type(message)]
        if isinstance(message, SubmitJob):
            return JobAccepted(job_id=self.job_id)
        if isinstance(message, WatchJob):
            return Watching(job=self.summary())
        if isinstance(message, ListArtifacts):
            digest = "0" * 64 if self.lie == "hash" else hashlib.sha256(self.mesh).hexdigest()
            name = "frames.zip" if self.lie.startswith("frames") else "mesh.ply"
            listed = Artifact(name=name, size=self.size, sha256=digest)
            return Artifacts(artifacts=(listed,))
        if isinstance(message, ReadArtifact) and bulk is not None:
            return ArtifactData(sha256="", size=bulk.size, bulk=bulk)
        return Done()

    def welcome(self) -> Reply:
        if self.lie == "token":
            return Failed(code="not_authorised", message="The token is wrong.", hint="Pair again.")
        protocol = 99 if self.lie == "protocol" else 1
        return Welcome(protocol=protocol, server_version="9.9", server_id="0" * 16)

    def summary(self) -> JobSummary:
        running = self.lie.startswith("preview")
        return JobSummary(
            job_id=self.job_id,
            title="Lie",
            method="kiln",
            preset="draft",
            state=JobState.RUNNING if running else JobState.SUCCEEDED,
            reason="",
            created=0.0,
            progress=None,
        )


async def serve(lie: str, data: Path) -> None:
    """Listen, say where on standard output, and lie until killed."""
    if lie == "dies":
        sys.exit("the graphics card has melted")
    context, fingerprint = server_context(data)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        liar = Liar(lie, writer)
        while received := await reader.read(2**16):
            for item in liar.session.receive(received):
                if isinstance(item, Incoming):
                    liar.take(item)
            liar.grow()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    said = {
        "address": "127.0.0.1",
        "port": server.sockets[0].getsockname()[1],
        "fingerprint": "0" * 64 if lie == "certificate" else fingerprint,
    }
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    await asyncio.wait_for(server.serve_forever(), 30.0)


if __name__ == "__main__":
    folder = Path(sys.argv[sys.argv.index("--data") + 1])
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(serve(sys.argv[1], folder))
