# SPDX-License-Identifier: GPL-3.0-or-later
"""Thirty image files that lie, break off, or ask for more than a machine has.

    python hostile_images.py FOLDER

reads each as the product does, in a process that may use 2 GiB of addresses over what it begins
with, and prints what became of it as JSON: the sentence, the seconds, and the most memory.
"""

from __future__ import annotations

import io
import json
import resource
import struct
import sys
import time
import zlib
from pathlib import Path

import numpy as np
from lightkiln.capture.images import read_image
from lightkiln_shared.errors import InvalidScene
from PIL import Image

LIMIT = 2 * 1024**3
RNG = np.random.default_rng(0)
PHOTO = (RNG.random((24, 32, 3)) * 255).astype(np.uint8)


def encoded(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PHOTO).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name: bytes, data: bytes, crc: int | None = None) -> bytes:
    """A part of a PNG file."""
    right = zlib.crc32(name + data)
    return (
        struct.pack(">I", len(data))
        + name
        + data
        + struct.pack(">I", right if crc is None else crc)
    )


def png(width: int, height: int, *parts: bytes, bits: int = 8, kind: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(parts)


def tiff(width: int, height: int, **more: int) -> bytes:
    """A TIFF of one strip, with entries of one's own."""
    entries = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 200, 277: 1, 278: height}
    entries |= {279: 4, **{int(name.strip("t")): value for name, value in more.items()}}
    body = b"".join(
        struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(entries.items())
    )
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(300)


def jpeg_of(width: int, height: int) -> bytes:
    """A JPEG whose header claims another size."""
    data = bytearray(encoded("jpeg"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def exr(width: int, height: int) -> bytes:
    """The head of an OpenEXR file with a window of that size."""
    box = struct.pack("<4i", 0, 0, width - 1, height - 1)
    words = b"".join(
        name + b"\0box2i\0" + struct.pack("<i", 16) + box
        for name in (b"dataWindow", b"displayWindow")
    )
    return b"v/1\x01\x02\0\0\0" + words + b"\0" + bytes(64)


def deflated(size: int) -> bytes:
    """Zeros, packed to a thousandth."""
    packer = zlib.compressobj(9)
    block = bytes(1024**2)
    return b"".join(packer.compress(block) for _ in range(size // len(block))) + packer.flush()


def webp_of(width: int, height: int) -> bytes:
    extended = (
        struct.pack("<I", 0)
        + (width - 1).to_bytes(3, "little")
        + (height - 1).to_bytes(3, "little")
    )
    body = b"WEBPVP8X" + struct.pack("<I", len(extended)) + extended
    return b"RIFF" + struct.pack("<I", len(body)) + body


def files() -> dict[str, bytes]:
    """By name."""
    zeros = deflated(256 * 1024**2)
    bomb, text = chunk(b"IDAT", zeros), chunk(b"zTXt", b"Comment\0\0" + zeros)
    whole = encoded("png")
    return {
        "nothing.png": b"",
        "text.png": b"this is no image",
        "script.jpg": b"#!/bin/sh\necho hello\n",
        "archive.png": b"PK\x03\x04" + bytes(100),
        "page.svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9e9"><image href="file:///"/></svg>',
        "post.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n(hello) print\n",
        "moving.gif": encoded("gif"),
        "points.bmp": encoded("bmp"),
        "huge.exr": exr(2**30, 2**30),
        "small.exr": exr(64, 64),
        "huge.hdr": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 99999999 +X 99999999\n",
        "huge.ppm": b"P6 999999 999999 255\n",
        "huge.png": png(2**31 - 1, 2**31 - 1, chunk(b"IDAT", b"")),
        "half_a_gigapixel.png": png(25_000, 20_000, chunk(b"IDAT", b"")),
        "wide.png": png(20_000, 20, chunk(b"IDAT", b"")),
        "bomb.png": png(14_000, 14_000, bomb),
        "deep_bomb.png": png(14_000, 14_000, bomb, bits=16, kind=6),
        "comment.png": png(32, 24, text) + whole[33:],
        "no_pixels.png": png(640, 480, chunk(b"IEND", b"")),
        "wrong_sum.png": whole[:60] + bytes([whole[60] ^ 1]) + whole[61:],
        "cut.png": whole[:-900],
        "cut.jpg": encoded("jpeg")[:-200],
        "cut.tif": encoded("tiff")[:-600],
        "cut.webp": encoded("webp")[:-60],
        "huge.jpg": jpeg_of(65_000, 65_000),
        "larger_than_it_is.jpg": jpeg_of(14_000, 14_000)[:-100],
        "huge.tif": tiff(2**31 - 1, 2**31 - 1),
        "endless_strip.tif": tiff(640, 480, t279=2**32 - 1),
        "far_strip.tif": tiff(640, 480, t273=2**32 - 1),
        "loop.tif": b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 0) + struct.pack("<I", 8),
        "huge.webp": webp_of(2**24, 2**24),
        "one_pixel.png": png(1, 1, chunk(b"IDAT", zlib.compress(b"\0abc")), chunk(b"IEND", b"")),
    }


def main() -> None:
    folder = Path(sys.argv[1])
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + LIMIT, now + LIMIT))
    said = {}
    for path in sorted(folder.iterdir()):
        start = time.process_time()
        try:
            what = f"an image of {read_image(path, path.name).size}"
        except InvalidScene as error:
            what = error.message
        except MemoryError:
            what = "MemoryError"
        said[path.name] = (what, time.process_time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"said": said, "peak_mb": peak}))


if __name__ == "__main__":
    main()
