# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of weights: safetensors, and what they know, in the file's own header.

It must not know networks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

import torch
from lightkiln_shared.errors import InvalidWeights, UserError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from .light import Bits, lightened, restored

Network = TypeVar("Network", bound=nn.Module)
FORMAT = 1
HEADER = "lightkiln"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What weights are."""

    method: str
    world: str
    """What they have seen, for people: `chairs, tables and ... of the procedural world`."""
    size: Mapping[str, int] = field(default_factory=dict)
    """Of the network, as its constructor takes it."""
    families: tuple[str, ...] = ()
    """By name, for networks that are told a family by its number."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """On things that were not trained on."""
    format: int = FORMAT
    licence: str = "GPL-3.0-or-later"


def save(network: nn.Module, about: About, path: Path, bits: Bits = Bits.FLOAT16) -> None:
    """Write a network's state."""
    _write(network.state_dict(), about, path, bits)


def lighten(path: Path, about: About, into: Path, bits: Bits) -> None:
    """Write a file of weights anew, in fewer bits."""
    with safe_open(path, "pt") as opened:
        kept: dict[str, Tensor] = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 no mapping
    _write(restored(kept), about, into, bits)


def _write(state: Mapping[str, Tensor], about: About, path: Path, bits: Bits) -> None:
    kept = lightened(state, bits)
    plain = {name: value.detach().cpu().contiguous() for name, value in kept.items()}
    beside = path.with_name(path.name + ".part")
    save_file(plain, beside, metadata={HEADER: json.dumps(asdict(about))})
    beside.replace(path)


def about(path: Path, method: str) -> About:
    """What a file says of itself; raises `InvalidWeights` unless a method can use it."""
    if path.suffix.lower() != ".safetensors":
        raise InvalidWeights(
            f"{path.name} is no safetensors file.",
            hint="Other files can run code when they are opened. Give what `lightkiln train` left.",
        )
    if not path.is_file():
        raise UserError(f"There is no file {path.name}.", hint="Give a file of weights.")
    try:
        with safe_open(path, "pt") as opened:
            header = json.loads((opened.metadata() or {}).get(HEADER, "{}"))
    except (SafetensorError, ValueError):
        raise InvalidWeights(
            f"{path.name} is damaged, or no safetensors file.", hint="Copy it again, or train anew."
        ) from None
    known = {name: header[name] for name in About.__dataclass_fields__ if name in header}
    if "method" not in known or "world" not in known:
        raise InvalidWeights(
            f"{path.name} holds weights of another program.",
            hint="Give what `lightkiln train` left.",
        )
    found = About(**{**known, "families": tuple(known.get("families", ()))})
    if found.method != method:
        raise InvalidWeights(
            f"{path.name} was taught as {found.method}, not as {method}.",
            hint=f"Choose the method {found.method}, or weights of this one.",
        )
    if found.format != FORMAT:
        raise InvalidWeights(
            f"{path.name} is of another version ({found.format}, not {FORMAT}).",
            hint="Teach it again with this version of Lightkiln.",
        )
    return found


def opened(
    make: Callable[..., Network], method: str, path: str, built_in: Path, device: torch.device
) -> tuple[Network, About]:
    """A network at work, and what its file says: a person's own at `path`, "" the built-in one.

    Raises `InvalidWeights`, or `UserError` where there is no such file.
    """
    file = Path(path).expanduser() if path else built_in
    found = about(file, method)
    network = make(**found.size)
    load_into(network, file, device)
    return network, found


def load_into(network: nn.Module, path: Path, device: torch.device) -> None:
    """Fill a network of the size that the file tells, and put it to work on a device."""
    with safe_open(path, "pt") as opened:
        state: dict[str, Tensor] = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 no mapping
    try:
        network.load_state_dict(restored(state))
    except RuntimeError:
        raise InvalidWeights(
            f"{path.name} does not fit the network that it tells of.", hint="Train anew."
        ) from None
    network.to(device).eval().requires_grad_(False)
