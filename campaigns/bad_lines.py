# SPDX-License-Identifier: GPL-3.0-or-later
"""The client that ships and a server, with a bad line between them: each kind for twenty jobs.

    python -m campaigns.bad_lines

Three quarters of the jobs come to their mesh, which is fetched; the others are cancelled on the
way. Each ends as it should, and its records arrive once each and in order, whatever the line does.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from chaos_proxy import ChaosProxy, Line
from running_server import RunningServer
from shipped_client import Seat, endpoint, load, order

from campaigns import stage
from campaigns.results import asked_seed, expect, keep

LINES = {
    "slow": Line(latency=0.2, jitter=0.1),
    "narrow": Line(rate=1_000_000 / 8),
    "sliced": Line(piece=20),
    "cut": Line(reset_every=1.5),
}
JOBS = 20
PATIENCE = 120.0


def _play(server: RunningServer, name: str, folder: Path, rng: random.Random) -> dict[str, float]:
    start = time.monotonic()
    with ChaosProxy(server.port, LINES[name], rng) as proxy:
        seat = Seat(lambda: endpoint(server, proxy.port))
        try:
            for number in range(JOBS):
                _job(seat, folder, rng, is_cancelled=number % 4 == 3)
        finally:
            seat.client.close()
    seat.look()
    lost = sum(link == "reconnecting" for _, link in seat.links)
    return {"seconds": round(time.monotonic() - start), "lost": lost, "resets": proxy.resets}


def _job(seat: Seat, folder: Path, rng: random.Random, *, is_cancelled: bool) -> None:
    messages = load("shared.messages")
    steps = 100_000 if is_cancelled else rng.randint(5, 40)
    asked = order(folder, rng, steps=steps, seconds=0.01)
    job_id = _insisted(lambda: seat.client.submit(asked))
    _insisted(lambda: seat.client.watch(job_id))
    if is_cancelled:
        running = [record.text for record in seat.news.get(job_id, [])]
        seat.wait(lambda: bool(seat.news.get(job_id)), PATIENCE, f"a record {running}")
        time.sleep(rng.uniform(0.0, 2.0))
        cancel = messages.ControlJob(job_id=job_id, action=_action("cancel"))
        _insisted(lambda: seat.client.request(cancel))
    seat.wait(lambda: bool(seat.end_of(job_id)), PATIENCE, "an end")
    wanted = "cancelled" if is_cancelled else "succeeded"
    expect(seat.end_of(job_id) == wanted, f"{seat.news[job_id]}")
    seqs = [record.seq for record in seat.news[job_id]]
    expect(seqs == list(range(1, len(seqs) + 1)), f"a gap or a repeat: {seqs}")
    if not is_cancelled:
        brought = _insisted(lambda: seat.client.fetch_result(job_id, folder, 0))
        expect(len(brought.result.mesh.triangles) == 1, "another mesh")
    seat.client.unwatch(job_id)


def _action(name: str) -> object:
    return load("shared.jobs").JobAction(name)


def _insisted(call):  # type: ignore[no-untyped-def]
    """A person presses the button again when they are told that the connection was lost."""
    lost = load("shared.errors").BackendLost
    for _ in range(20):
        try:
            return call().result(PATIENCE)
        except lost:
            time.sleep(0.2)
    sys.exit("lost twenty times")


def main() -> None:
    rng, seed = asked_seed(__doc__.splitlines()[0])
    played = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        stage.server(Path(folder) / "data") as (running,),
    ):
        for name in LINES:
            played[name] = _play(running, name, Path(folder), rng)
            sys.stdout.write(f"{name}: {played[name]}\n")
    keep("P14", seed=seed, jobs=JOBS * len(LINES), **played)


if __name__ == "__main__":
    main()
