# SPDX-License-Identifier: GPL-3.0-or-later
"""Inner loops: compiled by numba for the processor, each with a readable twin in torch.

numba keeps a compiled function on disk until the function's own file changes, but not when a
function that it calls in another file does: after an update it would run old code. So the cache's
folder is named by the content of all kernels.

Threads are OpenMP's where they can be: where a system has TBB numba would take that, whose waiting
threads took three times the processor's time, and a process that ended hung in unloading it.
It must not know what is computed.
"""

import hashlib
import os
from pathlib import Path

from numba import __version__ as numba_version
from numba.core import config
from platformdirs import user_cache_path


def fingerprint(folder: Path) -> str:
    """Sixteen hexadecimal digits that change with any Python file of a folder."""
    digest = hashlib.sha256(numba_version.encode())
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


_settings = vars(config)  # numba fills them in from the environment when it is imported
if not _settings["CACHE_DIR"]:  # the person may have chosen another place
    _folder = user_cache_path("lightkiln") / "kernels" / fingerprint(Path(__file__).parent)
    _settings["CACHE_DIR"] = str(_folder)
if "NUMBA_THREADING_LAYER_PRIORITY" not in os.environ:
    _settings["THREADING_LAYER_PRIORITY"] = ["omp", "tbb", "workqueue"]
