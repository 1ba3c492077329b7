# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest real Blender, with its window, in a folder of its own: Debian's, entered by chroot.

It is installed once (about 90 s, 3 GB) and kept. The system's own root shows inside as `/host`, so
that the extension there starts the backend that is under test here. All mounts live in a namespace
of the processes that need them and vanish with them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path.home() / ".cache" / "lightkiln" / "blender-window"
SUITE = "sid"
PACKAGES = (
    "blender",
    "libgl1",  # Blender opens these three when it starts; no package asks for them
    "libegl1",
    "libgl1-mesa-dri",
    "python3-numpy",
    "python3-cattr",  # Blender's extension system fails at start without these two
    "python3-requests",
)
TOOLS = ("debootstrap", "unshare", "chroot", "mount", "Xvfb", "xdotool", "import")
INSTALL_SECONDS = 1200

MOUNT = """
set -e
mkdir -p "$ROOT/host" "$ROOT/proc" "$ROOT/dev" "$ROOT/tmp/.X11-unix" "$ROOT$SHARED"
mount --rbind / "$ROOT/host"
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
[ ! -d /tmp/.X11-unix ] || mount --bind /tmp/.X11-unix "$ROOT/tmp/.X11-unix"
mount --bind "$SHARED" "$ROOT$SHARED"
exec chroot "$ROOT" "$@"
"""


class Unavailable(Exception):
    """The window cannot be had here; the text says why."""


def prepare() -> None:
    """Install Blender into the folder if it is not there; raises `Unavailable`."""
    if os.name != "posix" or os.geteuid() != 0:
        raise Unavailable("entering another root needs the rights of root")
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise Unavailable(f"there is no {', '.join(missing)} on this machine")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        raise Unavailable("this machine does not allow mounts of one's own")
    if not (FOLDER / "usr" / "bin" / "blender").exists():
        if f" {FOLDER}/" in Path("/proc/mounts").read_text():  # removing it would reach through
            raise Unavailable(f"something is mounted in {FOLDER}")
        _install()


def inside(
    words: Sequence[str], shared: Path, **environment: str
) -> tuple[list[str], dict[str, str]]:
    """The command and the environment that run `words` in the other root.

    `shared` has the same path on both sides.
    """
    about = {**os.environ, "ROOT": str(FOLDER), "SHARED": str(shared), **environment}
    return ["unshare", "--mount", "sh", "-c", MOUNT, "sh", *words], about


def _install() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    wanted = " ".join(PACKAGES)
    apt = "apt-get -q -o Acquire::Retries=5"  # some 300 packages: one of them may fail to come
    apt += " -o Acquire::Check-Valid-Until=false"  # a mirror that has stood still serves as well
    install = f"{apt} update && {apt} install -y --no-install-recommends {wanted}"
    try:
        _run(["debootstrap", "--variant=minbase", SUITE, str(FOLDER)])
        shutil.copy("/etc/resolv.conf", FOLDER / "etc" / "resolv.conf")
        command, about = inside(
            ["sh", "-c", install], FOLDER.parent, DEBIAN_FRONTEND="noninteractive"
        )
        _run(command, about)
    except (subprocess.SubprocessError, OSError) as error:
        shutil.rmtree(FOLDER, ignore_errors=True)
        raise Unavailable(f"Blender could not be installed: {error}") from None


def _run(command: Sequence[str], about: dict[str, str] | None = None) -> None:
    subprocess.run(command, env=about, check=True, timeout=INSTALL_SECONDS, stdout=sys.stderr)
