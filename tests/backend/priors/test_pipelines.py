# SPDX-License-Identifier: GPL-3.0-or-later
"""Real pipelines of every family, tiny, with random weights: loaded offline, asked, distilled."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from gaussian_prior import around
from lightkiln.methods.detached import DetachedRun
from lightkiln.priors import catalogue
from lightkiln.priors.pipelines import multiview, view_words
from lightkiln.priors.pipelines.thrift import ELSEWHERE, END, STEPS, Thrift, or_on_the_processor
from lightkiln.priors.prior import Predicts, Style, Viewpoints
from lightkiln.testing import Watched
from lightkiln.training.distillation.guide import Guidance, guide_of
from lightkiln.training.distillation.recipe import Form, Recipe
from lightkiln_shared.errors import InvalidPrompt, JobCancelled, ResourceError
from torch.testing import assert_close

KINDS = (
    "stable-diffusion",
    "stable-diffusion-v",
    "stable-diffusion-xl",
    "deepfloyd-if",
    "mvdream",
)
PROMPT = "a red torus on a blue cube"
CPU = torch.device("cpu")
pytestmark = pytest.mark.usefixtures("offline")


def opened(folder: Path, tell: Any = lambda told: None) -> Any:
    return catalogue.open_prior(str(folder), CPU, tell)


def distilled(prior: Any, run: DetachedRun, steps: int) -> tuple[torch.Tensor, Guidance]:
    """Free pixels, and what was said of them last."""
    size = prior.manifest.size
    pixels = torch.full((1, 3, size, size), 0.5, requires_grad=True)
    guide = guide_of(prior, prior.words(PROMPT, "ugly"), Recipe(perp_neg=True), 0, CPU)
    optimiser = torch.optim.Adam([pixels], lr=0.01)
    with run.phase("distilling", share=1.0):
        for step in run.steps(steps):
            optimiser.zero_grad()
            said = guide(pixels.expand(4, -1, -1, -1), around(4), Style.ALBEDO, step / steps)
            said.loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            run.record(**said.figures)
    return pixels.detach(), said


@pytest.mark.parametrize("kind", KINDS)
def test_every_family_is_loaded_offline_and_distilled(
    kind: str, pipelines: dict[str, Path]
) -> None:
    prior = opened(pipelines[kind])
    manifest = catalogue.manifest_of(str(pipelines[kind]))
    assert prior.manifest == manifest
    words = prior.words(PROMPT, "")
    assert (words.understood, words.unknown) == (PROMPT, ())
    pixels, said = distilled(prior, run := DetachedRun(), 10)
    assert said.clean.shape == (4, 3, manifest.size, manifest.size)
    assert ((said.clean >= 0.0) & (said.clean <= 1.0)).all()
    assert float((pixels - 0.5).abs().min()) > 0.0
    assert len(run.metrics) == 10


@pytest.mark.parametrize("kind", KINDS)
def test_a_cancel_ends_it_between_two_steps_and_leaves_the_prior_as_it_was(
    kind: str, pipelines: dict[str, Path]
) -> None:
    def cancel(run: Watched) -> None:
        raise JobCancelled("by the test")

    prior, run, again = opened(pipelines[kind]), Watched(at=2, act=cancel), DetachedRun()
    with pytest.raises(JobCancelled):
        distilled(prior, run, 10)
    assert len(run.metrics) == 2
    distilled(prior, again, 1)
    assert again.metrics[0] == pytest.approx(run.metrics[0], rel=1e-4)


@pytest.mark.parametrize("form", list(Form))
def test_every_estimator_works_on_latents(form: Form, pipelines: dict[str, Path]) -> None:
    prior = opened(pipelines["stable-diffusion"])
    guide = guide_of(prior, prior.words(PROMPT, ""), Recipe(form=form), 0, CPU)
    pictures = torch.rand((2, 3, 12, 12), requires_grad=True)
    guide(pictures, around(2), Style.SHADED, 0.5).loss.backward()
    assert pictures.grad is not None
    assert float(pictures.grad.abs().sum()) > 0.0


def test_prediction_size_and_schedule_are_those_of_the_files(pipelines: dict[str, Path]) -> None:
    manifests = {kind: catalogue.manifest_of(str(pipelines[kind])) for kind in KINDS}
    assert manifests["stable-diffusion"].predicts is Predicts.NOISE
    assert manifests["stable-diffusion-v"].predicts is Predicts.VELOCITY
    assert {manifest.size for manifest in manifests.values()} == {16}
    assert manifests["mvdream"].views == 4
    prior = opened(pipelines["stable-diffusion"])
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    expected = (1.0 - betas).cumprod(0)[[0, 500, 999]]
    found = prior.abar(torch.tensor([0.0, 500.0 / 999.0, 1.0]))
    assert_close(found.double(), expected, rtol=1e-5, atol=1e-6)


def test_the_autoencoders_scale_is_its_own(pipelines: dict[str, Path]) -> None:
    prior = opened(pipelines["stable-diffusion"])
    pictures = torch.rand((1, 3, 16, 16))
    vae = prior._networks.vae
    latents = vae.encode(2.0 * pictures - 1.0).latent_dist.mode()
    assert_close(prior.encode(pictures), 0.18215 * latents)
    assert_close(prior.decode(0.18215 * latents), 0.5 * vae.decode(latents).sample + 0.5)


def test_words_are_mixed_as_sides_are_seen() -> None:
    seen = view_words.shares(
        Viewpoints(
            azimuth=torch.tensor([0.0, 0.25, 0.5, -0.5, 0.75, 1.0, 0.3]) * math.pi,
            elevation=torch.tensor([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.1]),
            distance=torch.full((7,), 2.0),
            fov=torch.full((7,), 0.8),
        )
    )
    expected = [
        [1.0, 0.0, 0.0, 0.0],
        [0.5, 0.5, 0.0, 0.0],
        [0.0, 1.0, 0.0, 0.0],
        [0.0, 1.0, 0.0, 0.0],
        [0.0, 0.5, 0.5, 0.0],
        [0.0, 0.0, 1.0, 0.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
    assert_close(seen, torch.tensor(expected), atol=1e-6, rtol=0.0)
    assert view_words.ENDINGS[1] == ", side view"


@pytest.mark.parametrize("kind", ["stable-diffusion", "stable-diffusion-xl", "deepfloyd-if"])
def test_a_viewpoint_changes_what_words_say(kind: str, pipelines: dict[str, Path]) -> None:
    prior = opened(pipelines[kind])
    words = prior.words(PROMPT, "")
    z = torch.randn((1, prior.encode(torch.zeros(1, 3, 16, 16)).shape[1], 16, 16))
    z = z[..., : prior.encode(torch.zeros(1, 3, 16, 16)).shape[-1], :].repeat(4, 1, 1, 1)
    z = z[..., : z.shape[-2]]
    said = prior.predict(z, torch.full((4,), 0.5), words.prompt, around(4), Style.ALBEDO)
    assert_close(said[1], said[3])  # both sides
    assert float((said[0] - said[2]).abs().max()) > 1e-6
    front, _ = prior.sides(words.prompt)
    fixed = prior.predict(z, torch.full((4,), 0.5), front, around(4), Style.ALBEDO)
    assert_close(fixed, said[:1].expand_as(fixed))


@pytest.mark.parametrize("kind", ["stable-diffusion", "mvdream"])
def test_long_prompts_lose_their_end_and_say_so(kind: str, pipelines: dict[str, Path]) -> None:
    prompt = "a cube " * 40 + "dragon"
    words = opened(pipelines[kind]).words(prompt, "")
    assert words.understood.startswith("a cube a cube")
    assert words.unknown[-1] == "dragon"
    assert [*words.understood.split(), *words.unknown] == prompt.split()
    if kind == "stable-diffusion":  # the words for sides still stand behind it
        front, side, *_ = words.prompt.embeddings
        assert float((front.states - side.states).abs().max()) > 1e-3


def test_a_prompt_in_another_alphabet_is_taken(pipelines: dict[str, Path]) -> None:
    words = opened(pipelines["deepfloyd-if"]).words("красный куб 赤い立方体", "")
    assert all(each.states.isfinite().all() for each in words.prompt.embeddings)


def test_four_views_are_denoised_as_one(pipelines: dict[str, Path]) -> None:
    prior = opened(pipelines["mvdream"])
    words = prior.words(PROMPT, "")
    z, t = (
        torch.randn((8, 4, 8, 8), generator=torch.Generator().manual_seed(0)),
        torch.full((8,), 0.5),
    )
    views = around(8)

    def said(noisy: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = prior.predict(noisy, t, words.prompt, views, Style.ALBEDO)
        return found

    changed = z.clone()
    changed[0] += 1.0
    moved = (said(changed) - said(z)).abs().amax((1, 2, 3)) > 1e-5
    assert moved.tolist() == [True] * 4 + [False] * 4


def test_cameras_of_four_views_look_at_the_middle_from_a_distance_of_one() -> None:
    matrices = multiview.cameras(around(4, elevation=0.3)).reshape(4, 4, 4)
    axes, places = matrices[:, :3, :3], matrices[:, :3, 3]
    assert_close(axes @ axes.mT, torch.eye(3).expand(4, 3, 3), atol=1e-6, rtol=0.0)
    assert_close(axes.det(), torch.ones(4))
    assert_close(places, axes[:, :, 2])  # backwards
    expected = [0.0, -math.cos(0.3), math.sin(0.3)]  # the front is on -Y
    assert_close(places[0], torch.tensor(expected), atol=1e-6, rtol=0.0)
    assert float(places[1, 0]) > 0.9  # then +X


def test_renamed_weights_are_all_taken(pipelines: dict[str, Path]) -> None:
    import tiny_pipelines  # noqa: PLC0415 it loads what few tests need

    named = tiny_pipelines.originals()
    config = multiview.translated(tiny_pipelines.MULTIVIEW)
    taken = multiview.renamed(named, config)
    assert len(taken) == len(named)
    assert sum(v.numel() for v in taken.values()) == sum(v.numel() for v in named.values())
    assert torch.equal(taken["class_embedding.linear_1.weight"], named["camera_embed.0.weight"])
    assert torch.equal(
        taken["up_blocks.0.upsamplers.0.conv.weight"], named["output_blocks.1.2.conv.weight"]
    )


class Room:
    """A device with room for so many pictures at a time, and for fewer things in one piece."""

    def __init__(self, pictures: int) -> None:
        self.pictures, self.whole = pictures, True

    def work(self, chosen: slice) -> torch.Tensor:
        if chosen.stop - chosen.start > self.pictures:
            raise torch.OutOfMemoryError
        if self.whole and self.pictures < 2:
            raise torch.OutOfMemoryError
        return torch.arange(8)[chosen]

    def in_pieces(self) -> None:
        self.whole = False


@pytest.mark.parametrize(
    ("pictures", "together", "steps"), [(8, 1, 0), (4, 4, 1), (2, 1, 1), (1, 1, 2)]
)
def test_with_too_little_memory_it_goes_on_in_steps_and_says_them(
    pictures: int, together: int, steps: int
) -> None:
    room, told = Room(pictures), list[str]()
    thrift = Thrift(together, told.append, room.in_pieces)
    assert_close(thrift.done(room.work, 8), torch.arange(8))
    assert told == list(STEPS[:steps])


def test_a_prompt_is_read_by_the_processor_where_the_device_has_no_room() -> None:
    def work(device: torch.device) -> str:
        if device.type != "cpu":
            raise torch.OutOfMemoryError
        return "read"

    told = list[str]()
    assert or_on_the_processor(work, torch.device("meta"), told.append) == "read"
    assert told == [ELSEWHERE]
    assert or_on_the_processor(work, CPU, told.append) == "read"
    assert len(told) == 1


def test_with_no_memory_at_all_it_says_so() -> None:
    room = Room(0)
    with pytest.raises(ResourceError, match=END):
        Thrift(1, lambda told: None, room.in_pieces).done(room.work, 8)


@pytest.mark.parametrize("kind", ["stable-diffusion", "mvdream"])
def test_in_turns_and_in_pieces_the_answers_are_the_same(
    kind: str, pipelines: dict[str, Path]
) -> None:
    whole, spared = opened(pipelines[kind]), opened(pipelines[kind])
    spared._thrift.step = len(STEPS)
    spared._in_pieces()
    pulls = []
    for prior in (whole, spared):
        pictures = torch.linspace(0.0, 1.0, 4 * 3 * 256).reshape(4, 3, 16, 16).requires_grad_()
        guide = guide_of(prior, prior.words(PROMPT, ""), Recipe(), 0, CPU)
        guide(pictures, around(4), Style.ALBEDO, 0.2).loss.backward()
        assert pictures.grad is not None
        pulls.append(pictures.grad)
    assert_close(pulls[0], pulls[1], rtol=1e-3, atol=1e-3 * float(pulls[0].abs().max()))


def test_damaged_numbers_are_noticed(pipelines: dict[str, Path]) -> None:
    prior = opened(pipelines["stable-diffusion"])
    prior._networks.unet.conv_out.bias.fill_(math.nan)
    with pytest.raises(ResourceError, match="no number"):
        guide = guide_of(prior, prior.words(PROMPT, ""), Recipe(), 0, CPU)
        guide(torch.zeros(1, 3, 16, 16), around(1), Style.ALBEDO, 0.0)


def test_a_model_is_found_by_its_id_in_the_hubs_cache(
    pipelines: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = "0123456789abcdef0123456789abcdef01234567"
    model = tmp_path / "models--someone--tiny"
    shutil.copytree(pipelines["stable-diffusion"], model / "snapshots" / revision)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(revision)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert catalogue.manifest_of("someone/tiny").name == "someone/tiny"
    with pytest.raises(InvalidPrompt, match="hf download someone/else"):
        catalogue.manifest_of("someone/else")


def test_weights_of_half_precision_do_where_there_are_no_others(
    pipelines: dict[str, Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(pipelines["stable-diffusion"], tmp_path / "model")
    for part, name in (("unet", "diffusion_pytorch_model"), ("text_encoder", "model")):
        whole = folder / part / f"{name}.safetensors"
        whole.rename(folder / part / f"{name}.fp16.safetensors")
    prior = opened(folder)
    assert prior.words(PROMPT, "").understood == PROMPT
    assert prior._networks.unet.dtype == torch.float32  # what the processor computes in
