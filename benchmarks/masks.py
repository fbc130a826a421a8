"""Do searched cells segment as well as a U-Net with more parameters? Dice of both on test images, with several seeds.

    python benchmarks/masks.py MASKS [--tile 128] [--images 30] [--search-epochs 20] [--epochs 60] [--space unet-cells]
        [--trained-in SPACE] [--widths 8,16] [--seeds 3] [--first-seed 0] [--cells searched] [--training usual]
        [--augmentation auto] [--keep FOLDER] [--smallest]

NAS-Unet (Weng et al. 2019) finds the cells on half of the training images each for weights and logits, by a search for
each seed. `--cells` takes others in place: `published` those of the authors' programs, `convolutions` those that a
search of the space begins with, `random` some that are drawn for each seed. Their network, in other sizes where
`--trained-in` names a space of them, and U-Nets (Ronneberger et al. 2015) of some widths are then trained alike on all
but the test images, from new weights, in steps of as many images as have 131,072 pixels: as searches train on masks, or
by SGD from 0.1. `--augmentation` says how strongly images are changed, `--widths none` leaves the U-Nets out. `--keep`
keeps searches and trainings in a folder, to go on where they were ended. MASKS is a folder of images and masks, such as
the 30 membranes of ISBI 2012.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

import netwright as nw
from netwright.catalogue import construct, load, split
from netwright.methods import nas_unet
from netwright.networks.counting import count
from netwright.networks.unet import unet
from netwright.spaces import UNetCells
from netwright.spaces.unet_cells import PUBLISHED, convolution_cells, levels_of
from netwright.store import Store
from netwright.tasks import Task, mask_folder
from netwright.training import TrainingSettings, seeded, train
from netwright.training.usual import of_masks

SMALLEST: dict[str, Any] = {
    "tile": 16,
    "images": 6,
    "search_epochs": 1,
    "epochs": 1,
    "space": "unet-cells:channels=2,nodes=1,depth=1",
    "widths": "2",
    "seeds": 1,
}


def space_of(text: str) -> UNetCells:
    """The space that `--space` says."""
    name, options = split(text)
    space = construct(load("space", name), options=options)
    assert isinstance(space, UNetCells)
    return space


def cells_of(space: UNetCells, task: Task, seed: int, arguments: argparse.Namespace) -> nw.Architecture:
    """The architecture that `--cells` says, with a search of its own or a draw for each seed."""
    if arguments.cells == "published":
        return space.from_cells(*PUBLISHED[space.nodes])
    if arguments.cells == "convolutions":
        return space.from_cells(*convolution_cells(space.nodes))
    if arguments.cells == "random":
        return space.sample(np.random.default_rng(seed))
    search = nas_unet(space, task, epochs=arguments.search_epochs, seed=seed, device="auto")
    if arguments.keep is None:
        return search.run().best.architecture
    name = f"search-{seed}"
    with Store(arguments.keep) as store:
        begun = name in store.names()
    return search.run(store=arguments.keep, name=name, resume=begun).best.architecture


def tested(
    build: Callable[[int], nn.Module], task: Task, arguments: argparse.Namespace, keep: Path | None
) -> list[float]:
    """Dice on the test images, of a training with each seed, kept in a folder each where `keep` says so."""
    epochs = arguments.epochs
    optimiser = {"optimiser": "sgd"} if arguments.training == "sgd" else {}
    usual = of_masks(task.shape, len(task.train), optimiser)
    settings = TrainingSettings(**{**usual, **optimiser, "epochs": epochs, "augmentation": arguments.augmentation})
    values: list[float] = []
    for seed in seeds_of(arguments):
        with seeded(seed):
            network = build(seed)
        place = None if keep is None else keep / str(seed)
        every = settings.replace(evaluate_every=epochs)
        result = train(network, task.final_data("cpu"), every, seed, checkpoint=place)
        values.append(result.metrics["val_dice"])  # what is held out here are the test images
    return values


def seeds_of(arguments: argparse.Namespace) -> range:
    return range(arguments.first_seed, arguments.first_seed + arguments.seeds)


def reference(task: Task, width: int) -> nn.Module:
    """A U-Net with so many channels at its first level."""
    return unet(task.shape.channels, task.shape.head(width), width=width, depth=levels_of(task.shape, 4))


def report(name: str, build: Callable[[int], nn.Module], task: Task, arguments: argparse.Namespace) -> None:
    began = time.perf_counter()
    params = [count(build(seed), task.shape.input).params for seed in seeds_of(arguments)]
    keep = None if arguments.keep is None else Path(arguments.keep) / name.replace(" ", "-")
    values = tested(build, task, arguments, keep)
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    seconds = time.perf_counter() - began
    sizes = f"{params[0]:,}" if len(set(params)) == 1 else f"{min(params):,} to {max(params):,}"
    print(
        f"{name:20} {sizes:>10} parameters   Dice {statistics.mean(values):.2%} ± {spread:.2%}   n = {len(values)}"
        f" ({', '.join(f'{each:.2%}' for each in values)})"
        f"   {seconds:,.0f} s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("masks")
    for name, number in (
        *(("tile", 128), ("images", 30), ("search-epochs", 20), ("epochs", 60), ("seeds", 3), ("first-seed", 0)),
    ):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--widths", default="8,16")
    parser.add_argument("--space", default="unet-cells")
    parser.add_argument("--trained-in")
    parser.add_argument("--cells", choices=("searched", "published", "convolutions", "random"), default="searched")
    parser.add_argument("--augmentation", choices=("auto", "task", "light", "strong"), default="auto")
    parser.add_argument("--training", choices=("usual", "sgd"), default="usual")
    parser.add_argument("--keep")
    parser.add_argument("--smallest", action="store_true")
    arguments = parser.parse_args()
    if arguments.smallest:
        vars(arguments).update(SMALLEST)
    task = mask_folder(arguments.masks, tile=arguments.tile, limit=arguments.images)
    space = space_of(arguments.space)
    trained_in = space_of(arguments.trained_in or arguments.space)
    began = time.perf_counter()
    print(task, flush=True)
    found: dict[int, nw.Architecture] = {}
    for seed in seeds_of(arguments):
        found[seed] = cells_of(space, task, seed, arguments)
        print(f"cells {seed}, after {time.perf_counter() - began:,.0f} s: {found[seed]}", flush=True)
    same = {seed: trained_in.architecture(each.decisions) for seed, each in found.items()}
    report(f"{arguments.cells} cells", lambda seed: trained_in.build(same[seed], task.shape), task, arguments)
    for width in map(int, arguments.widths.split(",") if arguments.widths != "none" else ()):
        report(f"U-Net of width {width}", lambda _, width=width: reference(task, width), task, arguments)


if __name__ == "__main__":
    main()
