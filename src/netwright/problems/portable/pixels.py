"""Answers of a segmentation: the mask of each picture, with the numbers that the training masks had."""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

CLASS_NAMES: tuple[str, ...]
MASK_VALUES: tuple[int, ...]
prepared: Callable[[Any], list[Tensor]]
tiles_of: Callable[[Tensor], Tensor]
answer_of: Callable[[Tensor, Tensor], Tensor]
respond: Callable[[nn.Module, Any], Tensor]
printable: Callable[[str], str]


def predict(network: nn.Module, raw: Any, batch_size: int = 16) -> list[Tensor]:
    """The mask of each picture, int32 (height, width), with the numbers of MASK_VALUES.

    network: gives logits (n, classes, height, width).
    raw: pictures as their user has them, of any size.
    batch_size: tiles at a time.
    """
    values = torch.tensor(MASK_VALUES, dtype=torch.int32)
    return [values[classes_of(network, image, batch_size)] for image in prepared(raw)]


def classes_of(network: nn.Module, image: Tensor, batch_size: int = 16) -> Tensor:
    """The number of each pixel's class, in the order of CLASS_NAMES: (height, width).

    image: uint8 (channels, height, width).
    """
    tiles = tiles_of(image)
    parts = [respond(network, part).max(1).indices for part in tiles.split(batch_size)]
    return answer_of(torch.cat(parts), image)


def options(parser: argparse.ArgumentParser) -> None:
    """What the command line offers beside the files."""
    into = f"write a mask of each picture into this folder; {_FOLDER} by default, none with --json"
    parser.add_argument("--into", metavar="FOLDER", help=into)
    truth = "a folder with true masks of the same names, with which the answers are compared"
    parser.add_argument("--truth", metavar="FOLDER", help=truth)


def answers(
    network: nn.Module, inputs: Any, names: Sequence[tuple[str, str]], asked: argparse.Namespace
) -> list[dict[str, Any]]:
    """The share of each class in each picture, and the file of its mask."""
    return [_ANSWERED.answer(classes_of(network, each), *name, asked) for each, name in zip(inputs, names, strict=True)]


class _Answered:
    """Masks that wait to be written, and how many pixels of each true class were given each class."""

    def __init__(self) -> None:
        self.masks = dict[str, bytes]()
        self.matrix = torch.zeros(0)
        self.compared = 0

    def answer(self, found: Tensor, path: str, name: str, asked: argparse.Namespace) -> dict[str, Any]:
        counts = torch.bincount(found.flatten(), minlength=len(CLASS_NAMES))
        shares = dict(zip(CLASS_NAMES, (counts / found.numel()).tolist(), strict=True))
        answer: dict[str, Any] = {"height": found.shape[0], "width": found.shape[1], "classes": shares}
        if asked.into or not asked.json:
            answer["mask"] = self.keep(found, path, name, Path(asked.into or _FOLDER))
        if asked.truth:
            self.compare(found, _beside(path, Path(asked.truth)))
        return answer

    def keep(self, found: Tensor, path: str, name: str, folder: Path) -> str:
        """The mask as a PNG file that is written at the end; gives its place."""
        from PIL import Image

        values = torch.tensor(MASK_VALUES, dtype=torch.uint8 if max(MASK_VALUES) < 256 else torch.uint16)
        which = "" if name == path else name.removeprefix(Path(path).name).strip("[]")
        stem, number = "_".join(filter(None, (Path(path).stem, which))), 1
        place = folder / f"{stem}.png"
        while str(place) in self.masks:
            number += 1
            place = folder / f"{stem}_{number}.png"
        stream = io.BytesIO()
        Image.fromarray(values[found].numpy()).save(stream, "PNG")
        self.masks[str(place)] = stream.getvalue()
        return str(place)

    def compare(self, found: Tensor, true: Tensor) -> None:
        if true.shape != found.shape:
            raise ValueError(f"the true mask has {tuple(true.shape)} pixels, the picture {tuple(found.shape)}")
        asked = true >= 0
        pairs = true[asked] * len(CLASS_NAMES) + found[asked]
        counts = torch.bincount(pairs, minlength=len(CLASS_NAMES) ** 2).view(len(CLASS_NAMES), -1)
        self.matrix = counts + self.matrix if self.compared else counts
        self.compared += 1


_ANSWERED = _Answered()
_FOLDER = "predicted_masks"
_ENDINGS = ("", "_mask", "_label", "_labels", "_gt", "_seg")


def _beside(path: str, folder: Path) -> Tensor:
    """The classes of the true mask of a picture, -1 for what is not asked for."""
    import numpy
    from PIL import Image

    stem = Path(path).stem
    found = [each for ending in _ENDINGS for each in sorted(folder.glob(f"{stem}{ending}.*"))]
    if not found:
        raise ValueError(f"{folder} has no mask of the name {stem}")
    with Image.open(found[0]) as image:
        values = numpy.array(image)
    values = values.astype(numpy.int64) if values.ndim == 2 else values[..., 0].astype(numpy.int64)
    table = torch.full((max(65536, max(MASK_VALUES) + 1),), -1, dtype=torch.int64)
    table[list(MASK_VALUES)] = torch.arange(len(MASK_VALUES))
    return table[torch.from_numpy(values)]


def line(answer: dict[str, Any]) -> str:
    """One answer as people read it."""
    shares = sorted(answer["classes"].items(), key=lambda each: -each[1])
    return ", ".join(f"{printable(name)} {share:.1%}" for name, share in shares)


def closing(asked: argparse.Namespace) -> list[str]:
    """Writes the masks, and says where they are and how they compare with the true ones."""
    said: list[str] = []
    for place, content in _ANSWERED.masks.items():
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        Path(place).write_bytes(content)
    if _ANSWERED.masks and not asked.json:
        those = "mask is" if len(_ANSWERED.masks) == 1 else "masks are"
        said.append(f"{len(_ANSWERED.masks):,} {those} in {Path(next(iter(_ANSWERED.masks))).parent}")
    if _ANSWERED.compared:
        said.append(_compared(_ANSWERED.matrix.double(), asked.json))
    _ANSWERED.masks.clear()
    return said


def _compared(matrix: Tensor, as_json: bool) -> str:
    """Mean IoU, Dice and pixel accuracy over all pictures together, over the classes that occur."""
    hits, true, given = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
    count = (true + given > 0).sum().clamp(min=1)
    iou = float((hits / (true + given - hits).clamp(min=1)).sum() / count)
    dice = float((2 * hits / (true + given).clamp(min=1)).sum() / count)
    right = float(hits.sum() / matrix.sum().clamp(min=1))
    if as_json:
        return f'{{"mean_iou": {iou}, "dice": {dice}, "pixel_accuracy": {right}, "images": {_ANSWERED.compared}}}'
    return f"mean IoU {iou:.2%}, Dice {dice:.2%}, pixel accuracy {right:.2%} of {_ANSWERED.compared:,} pictures"
