"""NAS-Unet: the cells of a U-shaped network, found by the gradient of shared weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.core.errors import UserError
from netwright.methods.weight_sharing import resolved
from netwright.strategies.differentiable import Adam, Differentiable

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["nas_unet"]

PAPERS = {
    "nas_unet": ("netwright search MASKS --method nas-unet", "group normalisation, for which batches stand in"),
}
WARM_UP = 10 / 300  # epochs in which only the weights learn, of those of a search


def nas_unet(
    space: DecisionSpace, task: Task, *, epochs: int = 300, seed: int = 0, device: str = "auto", **settings: Any
) -> Search:
    """NAS-Unet (Weng et al. 2019): DARTS of the first order on cells that go down and up a U, for images with masks.

    Defaults are those of the authors' programs: half of the images each for weights and logits, SGD from 0.025 with a
    weight decay of 3e-4, Adam(3e-4) for the logits, which stay as they are in the first 10 of 300 epochs. Their loss is
    cross entropy or Dice, after the data set: `dice=1` of the data. Steps are of as many images as have 131,072 pixels,
    there of 2 to 6. Published, with 0.8 M parameters: better than U-Net on three sets of medical images, which it is
    trained on from scratch.

    space: the one to search, such as `UNetCells()`, whose sizes are not the authors': their networks are those of
        `UNetCells(depth=4, channels=16, doubles=False, deep_stem=False, dilation=2)`.
    task: the data.
    epochs: of the training of the shared weights; 300 in the authors' programs.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    if not task.shape.dense:
        raise UserError(
            "nas-unet finds networks with an answer for every pixel, but the task asks for one an image; use darts, or "
            "give each image a mask"
        )
    strategy = Differentiable(space, optimiser=Adam(3e-4, weight_decay=5e-3), warm_up=WARM_UP)
    return resolved(task, epochs, {"affine": True}, settings).search(strategy, seed=seed, device=device)
