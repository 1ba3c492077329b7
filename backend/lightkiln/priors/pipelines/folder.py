# SPDX-License-Identifier: GPL-3.0-or-later
"""A pipeline on this machine: found by a folder or a model's id, and looked through.

    FOLDER/model_index.json   {"_class_name": "StableDiffusionPipeline", ...}
    FOLDER/unet/              config.json and weights; likewise vae/ and text_encoder/
    FOLDER/tokenizer/  FOLDER/scheduler/

An id is looked up in the local cache of its hub. Nothing is fetched, and no code that lies in a
folder is run. It must not know torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from lightkiln_shared.errors import InvalidPrompt

from .family import FACTS, Facts, Family
from .weights import AGAIN, SAFE, json_of, variant_of

INDEX = "model_index.json"
TOKENS = ("tokenizer.json", "vocab.json", "spiece.model")
"""Any of them makes a tokenizer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFolder:
    """A pipeline that has all its parts."""

    path: Path
    family: Family
    variants: Mapping[str, str | None]
    """Of the weights of each network, by its folder."""

    @property
    def facts(self) -> Facts:
        """Of its family."""
        return FACTS[self.family]

    def config(self, part: str) -> dict[str, Any]:
        """What a part says of itself."""
        name = "scheduler_config.json" if part == "scheduler" else "config.json"
        return json_of(self.path.joinpath(part, name))


def opened(name: str) -> ModelFolder:
    """Find it and look it through; raises `InvalidPrompt`."""
    path = _found(name)
    family = _family(path)
    facts = FACTS[family]
    variants = {}
    for part in facts.networks:
        _see_that_it_is_there(path.joinpath(part, "config.json"))
        variants[part] = variant_of(path.joinpath(part))
    _see_that_it_is_there(path.joinpath("scheduler", "scheduler_config.json"))
    for part in facts.tokenizers:
        if not any(path.joinpath(part, file).is_file() for file in TOKENS):
            raise InvalidPrompt(f"{path.joinpath(part)} holds no tokenizer.", hint=AGAIN)
    return ModelFolder(path=path, family=family, variants=variants)


def _found(name: str) -> Path:
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if path.is_file():
        raise InvalidPrompt(
            f"{name} is one file, where a pipeline's folder is needed.",
            hint="Convert it with diffusers: from_single_file, then save_pretrained(FOLDER).",
        )
    try:
        if "/" in name:
            return Path(snapshot_download(name, local_files_only=True))
    except LocalEntryNotFoundError:
        hint = ways_to(name)
        raise InvalidPrompt(f"The model {name} is not on this machine.", hint=hint) from None
    except HFValidationError:
        pass  # no id
    raise InvalidPrompt(
        f"There is no folder {name}.",
        hint="Name a pipeline's folder, a model's id such as AUTHOR/MODEL, or `embedded`.",
    )


def ways_to(model: str) -> str:
    """How to get a model that is not here."""
    return (
        f"Fill a folder with it, `hf download {model} --local-dir FOLDER`, and name that folder. "
        "If its authors ask for consent to a licence, give it on the model's page first, "
        "then `hf auth login`."
    )


def _family(path: Path) -> Family:
    if not path.joinpath(INDEX).is_file():
        lone = sorted(each.name for each in path.glob(f"*{SAFE}"))
        beside = f" {lone[0]} alone is not enough." if lone else ""
        raise InvalidPrompt(
            f"{path} is no pipeline: it has no {INDEX}.{beside}",
            hint="Name the folder that holds model_index.json, unet/, scheduler/ and the others.",
        )
    kind = json_of(path.joinpath(INDEX)).get("_class_name")
    if isinstance(kind, list) and kind:  # a class of its own: its module, and its name
        kind = kind[-1]
    if kind not in list(Family):
        known = ", ".join(facts.title for facts in FACTS.values())
        raise InvalidPrompt(
            f"{path} is a {kind}, which cannot be a prior.", hint=f"Those that can: {known}."
        )
    return Family(str(kind))


def _see_that_it_is_there(path: Path) -> None:
    if not path.is_file():
        raise InvalidPrompt(f"{path.parent} lacks its {path.name}.", hint=AGAIN)
