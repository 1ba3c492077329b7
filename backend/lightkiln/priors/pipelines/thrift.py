# SPDX-License-Identifier: GPL-3.0-or-later
"""Getting by with less memory, in steps, each told to whoever waits.

    0   all pictures at once
    1   one after another (those that are denoised as one stay together)
    2   and attention in slices, the autoencoder in tiles
    -   then no more: the error says so

It must not know what is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from lightkiln_shared.errors import ResourceError
from torch import Tensor

Result = TypeVar("Result")
STEPS = (
    "The device's memory does not suffice for all pictures at once: they take turns.",
    "The device's memory does not suffice for one picture: it is seen in pieces, more slowly.",
)
ELSEWHERE = (
    "The device's memory does not suffice for the text encoder: the processor reads the prompt."
)
END = "The device's memory does not suffice for this model, not even for one picture in pieces."
HINT = "Choose a smaller model, or close what else uses the device."


class Thrift:
    """How much is done at a time."""

    def __init__(
        self, together: int, tell: Callable[[str], None], in_pieces: Callable[[], None]
    ) -> None:
        """`together` pictures can not be parted; `in_pieces` makes networks work in pieces."""
        self._together, self._tell, self._in_pieces = together, tell, in_pieces
        self.step = 0

    @property
    def takes_turns(self) -> bool:
        """Whether pictures come one after another."""
        return self.step > 0

    def done(self, work: Callable[[slice], Tensor], count: int) -> Tensor:
        """`work` for `count` pictures, as many at a time as there is room for."""
        while True:
            size = self._together if self.takes_turns else max(count, 1)
            try:
                return torch.cat([work(slice(i, i + size)) for i in range(0, count, size)])
            except torch.OutOfMemoryError:
                self._spare()

    def _spare(self) -> None:
        if self.step == len(STEPS):
            raise ResourceError(END, hint=HINT)
        self._tell(STEPS[self.step])
        self.step += 1
        if self.step == len(STEPS):
            self._in_pieces()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def or_on_the_processor(
    work: Callable[[torch.device], Result], device: torch.device, tell: Callable[[str], None]
) -> Result:
    """`work` on the device, or where there is more memory."""
    try:
        return work(device)
    except torch.OutOfMemoryError:
        tell(ELSEWHERE)
    return work(torch.device("cpu"))
