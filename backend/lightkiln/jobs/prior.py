# SPDX-License-Identifier: GPL-3.0-or-later
"""The prior that a method's parameters name, as far as it is known without loading it.

Cheap enough for the door of a server. It must not know torch, nor what is drawn.
"""

from __future__ import annotations

from typing import Any

from lightkiln.methods.spec import PRIOR
from lightkiln.priors.catalogue import manifest_of
from lightkiln.priors.manifest import Manifest


def prior_of(params: Any) -> Manifest | None:
    """None of a method that draws from no prior; raises `InvalidPrompt` if it cannot be loaded."""
    name = getattr(params, PRIOR, None)
    return None if name is None else manifest_of(name)
