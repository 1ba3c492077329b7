# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs that a prompt stands for: its candidates, its mesh, and the mesh once more.

Reads Blender's data only: files are opened in the client's thread.
It must not know what becomes of a job.
"""

from __future__ import annotations

import uuid
from pathlib import Path

import bpy
from bpy.types import Context, Scene

from . import at_cursor, method_params, status, text_start
from .mailbox import Link
from .shared.checks import check_prompt
from .shared.errors import InvalidPrompt
from .shared.messages import MethodInfo
from .shared.params import Scalar
from .shared.scene import Prompt, Region
from .shared.scene import Scene as SharedScene
from .shots import Order
from .text_settings import EMBEDDED, PRIOR, LightkilnText
from .wishes import Wish

CANDIDATES = "text-candidates"
OF_BOTH = (PRIOR, "guidance")
"""Parameters by which candidates are drawn as the method will draw them."""
SIZES = {"VERTICES": 0, "TEXTURE": 2048}
"""Texels of the texture's edge."""


def method_of(scene: Scene) -> MethodInfo | None:
    """The chosen method as the backend describes it, or None."""
    return status.current.writers.get(scene.lightkiln.text.method)


def problem(context: Context) -> str:
    """Why no mesh can be asked for: a sentence, or nothing. Opens no file."""
    return (
        _unable(context.scene, status.current.writers, context.scene.lightkiln.text.method)
        or _unsaid(context.scene.lightkiln.text)
        or _unplaced(context)
    )


def unseen(context: Context) -> str:
    """Why no candidates can be asked for: a sentence, or nothing."""
    text = context.scene.lightkiln.text
    return _unable(context.scene, status.current.sketchers, CANDIDATES) or _unsaid(text)


def order(context: Context) -> Order:
    """A mesh of the prompt at the 3D cursor, or where the active mesh stands."""
    if wrong := problem(context):
        raise InvalidPrompt(wrong)
    scene, text = context.scene, context.scene.lightkiln.text
    start, region, thing = None, at_cursor.region(scene, text.size), ""
    if text.from_active:
        active = context.view_layer.objects.active
        start, region, thing = *text_start.of(active), active.name
    wish = Wish(
        text=_plain(text.prompt),
        negative=_plain(text.negative),
        image=Path(bpy.path.abspath(text.picture)) if text.picture else None,
        start=start,
        begun_from=thing,
    )
    params = _params(scene, text.method)
    return _order(scene, wish, region, text.method, params, SIZES[text.color])


def candidates(context: Context) -> Order:
    """Pictures of the prompt, of as many seeds."""
    if wrong := unseen(context):
        raise InvalidPrompt(wrong)
    scene, text = context.scene, context.scene.lightkiln.text
    wish = Wish(text=_plain(text.prompt), negative=_plain(text.negative))
    known = {spec.name for spec in method_params.specs_of(CANDIDATES)}
    params = _params(scene, text.method)
    shared = {name: params[name] for name in OF_BOTH if name in params and name in known}
    return _order(scene, wish, at_cursor.region(scene, text.size), CANDIDATES, shared, 0)


def prior_of(text: LightkilnText) -> str:
    """As the parameter of a method names it."""
    if text.prior == "FOLDER":
        return bpy.path.abspath(text.folder)
    return text.model.strip() if text.prior == "MODEL" else EMBEDDED


def _order(
    scene: Scene,
    wish: Wish,
    region: Region,
    method: str,
    params: dict[str, Scalar],
    texture: int,
) -> Order:
    settings = scene.lightkiln
    return Order(
        order_id=str(uuid.uuid4()),
        title=wish.text,
        method=method,
        preset=settings.preset,
        params=params,
        shots=(),
        region=region,
        folder=None,
        finish={"texture": texture},
        wish=wish,
        seed=settings.text.seed,
    )


def _params(scene: Scene, method: str) -> dict[str, Scalar]:
    """What was changed over the preset, and the prior where the method draws from one."""
    params = method_params.values_over_preset(scene, method, scene.lightkiln.preset)
    if any(spec.name == PRIOR for spec in method_params.specs_of(method)):
        params[PRIOR] = prior_of(scene.lightkiln.text)
    return params


def _unable(scene: Scene, methods: dict[str, MethodInfo], name: str) -> str:
    """Why the backend cannot do it."""
    if status.current.link is not Link.ONLINE or not status.current.methods:
        return "Connect first: the backend says what it makes of words."
    if not methods:
        return "This backend makes nothing of words: update Lightkiln there."
    info = methods.get(name)
    if info is None:
        return f"This backend has no method {name}: choose another one."
    return f"{info.title} cannot be used: {info.unavailable}." if info.unavailable else ""


def _unsaid(text: LightkilnText) -> str:
    """What is wrong with the words, or with the prior."""
    try:
        asked = Prompt(text=_plain(text.prompt), negative=_plain(text.negative))
        check_prompt(SharedScene(views=(), prompt=asked))
    except InvalidPrompt as error:
        return str(error)
    if text.prior == "FOLDER" and not text.folder:
        return "Choose the model's folder on the backend's computer, or the built-in prior."
    if text.prior == "MODEL" and not text.model.strip():
        return "Type the model's id, or choose the built-in prior."
    return ""


def _unplaced(context: Context) -> str:
    """What is wrong with the mesh to begin from."""
    if not context.scene.lightkiln.text.from_active:
        return ""
    return text_start.problem(context.view_layer.objects.active)


def _plain(words: str) -> str:
    """On one line."""
    return " ".join(words.split())
