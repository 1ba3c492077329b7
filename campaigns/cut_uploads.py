# SPDX-License-Identifier: GPL-3.0-or-later
"""An upload is cut at fifty random places: what is sent twice, and what shows of the parts.

python -m campaigns.cut_uploads
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import tempfile
from pathlib import Path

from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.messages import FileOffer, OfferFiles, PutFile
from lightkiln_shared.session import STREAM_CREDIT
from running_server import RunningServer
from wire_client import Client, connected

from campaigns import stage
from campaigns.results import asked_seed, expect, keep

SIZE = 64 * 1024**2
CUTS = 50


async def _wanted(client: Client, offer: FileOffer) -> int:
    """From where the server wants the rest; the size: it has all of it."""
    for _ in range(200):
        files = (await client.ask(OfferFiles(files=(offer,)))).files
        if not files or offer.size > files[0].offset:
            return files[0].offset if files else offer.size
        await asyncio.sleep(0.02)  # all is there, and is being looked at
    return offer.size


async def _whole(server: RunningServer, rng: random.Random) -> int:
    """Send a file with all its cuts; returns the most bytes that one of them made go twice."""
    data = rng.randbytes(SIZE)
    offer = FileOffer(sha256=hashlib.sha256(data).hexdigest(), size=SIZE)
    cuts = [*sorted(rng.sample(range(1, SIZE), CUTS)), SIZE]
    sent = twice = 0
    while cuts:
        async with connected(server.port, server.token) as client:
            offset = await _wanted(client, offer)
            if await _sent(client, offer, data[: max(offset, cuts[0])], offset):
                twice = max(twice, sent - offset)
                sent = max(offset, cuts.pop(0))
        await asyncio.sleep(0.1)
    async with connected(server.port, server.token) as client:
        expect(await _wanted(client, offer) == SIZE, "the whole file is not known")
    kept = (server.data / "files" / offer.sha256).read_bytes()
    expect(kept == data, "another file was kept")
    return twice


async def _sent(client: Client, offer: FileOffer, data: bytes, offset: int) -> bool:
    """Send data from the offset on; False: the connection before is still being read to its end."""
    bulk = client.session.announce(SIZE - offset)
    request = PutFile(sha256=offer.sha256, size=SIZE, offset=offset, bulk=bulk)
    answer = asyncio.ensure_future(client.ask(request))
    await asyncio.sleep(0)  # it is asked first
    await client.stream(bulk.stream, data[offset:], 256 * 1024)
    if len(data) == SIZE:
        await asyncio.wait({answer})
    elif len(data) % 5 == 0:  # not each time: the answer comes after all that was sent
        await _is_not_there(client, offer)
    if answer.done():
        return not isinstance(answer.exception(), InvalidScene)
    answer.cancel()
    return True


async def _is_not_there(client: Client, offer: FileOffer) -> None:
    """A job cannot have a file of which there is only the beginning."""
    try:
        await client.submit(offer.sha256)
    except InvalidScene:
        return
    raise SystemExit("a part of a file was taken for the whole")


def main() -> None:
    rng, seed = asked_seed(__doc__.splitlines()[0])
    with (
        tempfile.TemporaryDirectory(dir=Path.home()) as folder,
        stage.server(Path(folder) / "data") as (running,),
    ):
        twice = asyncio.run(_whole(running, rng))
        left = [path.name for path in (running.data / "files").iterdir()]
    expect(len(left) == 1, f"left over: {left}")
    expect(twice <= STREAM_CREDIT, f"{twice} bytes went twice")
    keep("P8", seed=seed, cuts=CUTS, twice_mib=round(twice / 2**20, 1), size_mib=SIZE // 2**20)


if __name__ == "__main__":
    main()
