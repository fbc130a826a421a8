"""Writes the folder that a user takes home, and hands it out only once it has been seen to work by itself."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors.torch
import torch
from torch import Tensor, nn

from netwright.core.errors import UserError
from netwright.core.kinds import kinds_checked
from netwright.core.problem import Metric, Problem, Tally
from netwright.core.roles import chosen_training
from netwright.core.spelling import option
from netwright.core.trees import mapped
from netwright.results.baking import plain_copy
from netwright.results.figures import Figures
from netwright.results.final_report import readme, usage
from netwright.results.formats import FILES as FURTHER
from netwright.results.formats import Format, Subject, check_formats, formats_of, sentences_of, write_formats
from netwright.results.merging import imported_modules
from netwright.results.model_file import Inputs, model_file, reserved_names
from netwright.results.network_source import write_source
from netwright.results.plain_preparation import Plain
from netwright.results.verification import NotReproduced, Verification, verify
from netwright.version import __version__

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.preparation import Preparation
    from netwright.core.space import Space
    from netwright.core.task import Data, Examples
    from netwright.tasks.task import Task

MOST_VERIFIED, LEAST_VERIFIED = 2_000, 32  # test examples whose logits are compared
MOST_WORK = 3e10  # multiply-adds of such a comparison, of which there are four; some seconds on one core
OTHER_DEVICE = 0.02  # of the largest output, by which one device may differ from another
MOST_FROM_FILES = 256  # test examples that are read again from the user's own files
MOST_BYTES = 32_000_000  # of those files
BESIDE = ("estimator.json", *FURTHER)  # what an estimator of scikit-learn's kind adds, and further formats
FILES = {
    "model.py": "the network in plain PyTorch, with what prepares your files; it imports torch and safetensors",
    "weights.safetensors": "the trained weights",
    "architecture.json": "the architecture in its space, the task, versions and SHA-256 of the files",
    "README.md": "this page",
}


@dataclass(frozen=True)
class Exported:
    """A folder that was written and verified.

    directory: that was written.
    figures: what its report states.
    largest_difference: between the outputs of the files and those of the network.
    verified_examples: how many of the test split were compared.
    left_out: state-dict keys that only training needs.
    formats: further files, such as `model.onnx`, and how well they answer.
    """

    directory: Path
    figures: Figures
    largest_difference: float
    verified_examples: int
    left_out: tuple[str, ...]
    formats: tuple[Format, ...] = ()

    def __repr__(self) -> str:
        return f"Exported({str(self.directory)!r}, figures of {self.figures.task}, {len(self.formats)} further formats)"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self, place: str | Path | None = None) -> list[str]:
        """What was written where, and how that was checked.

        place: as the directory is called; its whole path by default.
        """
        without = (self.directory / "predict.py").exists()
        written = ", ".join(sorted(path.name for path in self.directory.iterdir()))
        return [
            f"exported to {self.directory if place is None else place}: {written}",
            f"verified in a process without netwright: {self.verified_examples:,} predictions reproduced, "
            f"outputs differ by at most {self.largest_difference:.1g}",
            *sentences_of(self.formats, self.figures.main),
            *["verified where neither torch nor netwright can be imported: python predict.py FILE..."] * without,
        ]

    @property
    def model(self) -> Path:
        return self.directory / "model.py"

    @property
    def weights(self) -> Path:
        return self.directory / "weights.safetensors"

    @property
    def architecture(self) -> Path:
        return self.directory / "architecture.json"

    @property
    def readme(self) -> Path:
        return self.directory / "README.md"


@dataclass(frozen=True, eq=False)
class Files:
    """A trained network as an export holds it.

    model: the text of `model.py`.
    weights: the bytes of `weights.safetensors`.
    left_out: state-dict keys that only training needs.
    """

    model: str
    weights: bytes
    left_out: tuple[str, ...] = ()


def files_of(network: nn.Module, task: Task) -> Files:
    """What an export writes of a trained network: its code with all that prepares raw examples, and its weights.

    network: with its trained weights.
    task: that it was trained on.

    Raises UserError where the network cannot be written as code.
    """
    data, preparation = task.final_data("cpu"), preparation_of(task)
    source = write_source(plain_copy(network), _example(data), reserved_names(preparation, task.problem))
    inputs = _inputs(data, preparation)
    tensors = {key: each.detach().cpu().clone().contiguous() for key, each in source.tensors.items()}
    weights = safetensors.torch.save(tensors, {"format": "pt"})
    return Files(model_file(source, inputs, hashlib.sha256(weights).hexdigest()), weights, source.left_out)


def _inputs(data: Data, preparation: Preparation) -> Inputs:
    shapes = mapped(lambda each: tuple(each.shape[1:]), data.held_out.stored)
    return Inputs(shapes, data.problem, data.mean, data.std, preparation)


@kinds_checked
def export(
    directory: str | Path,
    network: nn.Module,
    architecture: Architecture,
    space: Space,
    task: Task,
    figures: Figures,
    *,
    reported: Tensor | None = None,
    overwrite: bool = False,
    formats: str | Sequence[str] = (),
) -> Exported:
    """Write a trained network as `model.py`, `weights.safetensors`, `architecture.json` and `README.md`.

    The folder is made beside `directory`, loaded in a process that cannot import netwright, compared with the network
    on up to 2,000 test examples and on the user's own files of up to 256 of them, and only then moved into place.

    directory: that is written; it is new, empty or an earlier export.
    network: with its trained weights.
    architecture: that the network was built from.
    space: of the architecture.
    task: with the test examples to compare on, and how inputs are prepared.
    figures: what the README states.
    reported: the outputs for the test split, on the CPU, that the values of `figures` come from.
    overwrite: replace an earlier export.
    formats: of `FORMATS`, what is written besides: "onnx", "int8", "torch-export".

    Raises UserError where the directory holds anything else or cannot be written, and where the network cannot be
    written as code; NotReproduced where the files do not give the reported predictions.
    """
    target = check_target(directory, overwrite)
    data = task.final_data("cpu")
    network = plain_copy(network)
    wanted = formats_of(formats)
    check_formats(wanted, network)
    preparation = preparation_of(task)
    files = files_of(network, task)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as temporary:
            folder = Path(temporary, "export")
            folder.mkdir()
            _write_text(folder / "model.py", files.model)
            (folder / "weights.safetensors").write_bytes(files.weights)
            checked, sentences = _checked(folder, network, data, reported, preparation, task, figures)
            _write_architecture(folder, architecture, space, task)
            made = _further(wanted, folder, network, data, preparation, figures, checked)
            sentences = [*sentences, *_left_out(files), *sentences_of(made, figures.main)]
            use = usage(preparation, checked.answers, checked.lines)
            listed = {
                name: what for name, what in {**FILES, **FURTHER}.items() if name in FILES or (folder / name).exists()
            }
            _write_text(folder / "README.md", readme(figures, listed, sentences, use))
            _move(folder, target, Path(temporary, "replaced"))
    except OSError as problem:
        raise UserError(f"{target} cannot be written: {problem.strerror or problem}") from problem
    return Exported(target, figures, checked.largest_difference, checked.examples, files.left_out, made)


def _further(
    formats: Sequence[str],
    folder: Path,
    network: nn.Module,
    data: Data,
    preparation: Preparation,
    figures: Figures,
    checked: Verification,
) -> tuple[Format, ...]:
    """The files that are written besides, compared with the network on the same examples and files."""
    if not set(formats) - {"torch"}:
        return ()
    packages = frozenset(imported_modules(preparation.code()) | imported_modules(data.problem.code())) - {"torch"}
    macs = figures.winner.macs
    share = data.held_out.part(0, min(_most_verified(macs), len(data.held_out)))
    with tempfile.TemporaryDirectory(prefix="netwright-files-") as place:
        own = tuple(_own_files(preparation, min(len(share), MOST_FROM_FILES), Path(place)))
        subject = Subject(folder, network, data, _inputs(data, preparation), packages, own, macs)
        return write_formats(formats, subject, checked)


def check_target(directory: str | Path, overwrite: bool = False) -> Path:
    """The directory as an absolute path; UserError where `export` could not write there.

    directory: in which an export is to lie.
    overwrite: whether an earlier export may lie there.
    """
    target = Path(directory).expanduser().resolve()
    if target.exists() and not target.is_dir():
        raise UserError(f"{target} is a file; name a new or empty directory to export to")
    there = next(each for each in (target, *target.parents) if each.exists())
    if not os.access(there, os.R_OK | os.W_OK | os.X_OK) or not there.is_dir():
        raise UserError(f"{target} cannot be written, because {there} is not a directory that you may write to")
    found = sorted(each.name for each in target.iterdir()) if target.exists() else []
    if found and not overwrite:
        raise UserError(
            f"{target} is not empty; name a new directory, "
            f"or overwrite an earlier export with {option('overwrite', True)}"
        )
    foreign = [name for name in found if name not in (*FILES, *BESIDE, "__pycache__")]
    if foreign:
        raise UserError(f"{target} holds {foreign[0]!r}, which is not part of an export; name another directory")
    return target


def preparation_of(task: Task) -> Preparation:
    """How raw examples become the task's inputs; without a preparation of its own they are its inputs already."""
    return task.preparation or Plain(task.test)


def _example(data: Data) -> Any:
    """Two training examples as the network takes them."""
    from netwright.training.augmentation import Normalisation

    return Normalisation.of(data, data.train.device)(data.train.batch(0, 2))


def _answered(network: nn.Module, examples: Examples, data: Data) -> Tensor:
    """What the network gives for each example by itself, whatever came before it: float32 on the CPU."""
    from netwright.training.augmentation import Normalisation
    from netwright.training.evaluation import inference, plain_batch

    normalise, size = Normalisation.of(data, examples.device), plain_batch(data.problem, examples.shape)
    with inference(network):
        starts = range(0, len(examples), size)
        return torch.cat([network(normalise(examples.batch(start, start + size))).float() for start in starts]).clone()


def _write_architecture(folder: Path, architecture: Architecture, space: Space, task: Task) -> None:
    chosen = chosen_training(space, architecture)
    described: dict[str, Any] = {
        "format": 1,
        "architecture": json.loads(architecture.to_json()),
        "text": str(architecture),
        "space": space.configuration(),
        **({"training": dict(chosen)} if chosen else {}),
        "task": {
            "name": task.name,
            "configuration": task.configuration(),
            "fingerprint": task.fingerprint,
            "input_shape": list(task.shape.input),
            "class_names": list(task.class_names),
            "problem": task.problem.kind,
        },
        "versions": {
            "netwright": __version__,
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        },
        "sha256": {name: _sha256(folder / name) for name in ("model.py", "weights.safetensors")},
    }
    _write_text(folder / "architecture.json", json.dumps(described, indent=2) + "\n")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _checked(
    folder: Path,
    network: nn.Module,
    data: Data,
    reported: Tensor | None,
    preparation: Preparation,
    task: Task,
    figures: Figures,
) -> tuple[Verification, Sequence[str]]:
    """Verify the folder, and put into words what was found."""
    test, count = data.held_out, min(_most_verified(figures.winner.macs), len(data.held_out))
    share, problem = test.part(0, count), task.problem
    expected = _answered(network, share, data)
    with tempfile.TemporaryDirectory(prefix="netwright-files-") as place:
        files = _own_files(preparation, min(count, MOST_FROM_FILES), Path(place))
        packages = imported_modules(preparation.code()) | imported_modules(problem.code())
        checked = verify(folder, share.inputs, expected, files, packages, preparation.stood_for(share.inputs))
        checked = replace(checked, answers=_named_as_given(checked.answers, Path(place)))
    which = "the whole test split" if count == len(test) else f"the first {count:,} test examples"
    sentences = [
        f"Loaded in a process without netwright, on {which}: the same answers, with outputs that differ by at most "
        f"{checked.largest_difference:.2g} (float32 on the CPU).",
        *_scored(checked, share, problem, figures.main, which),
    ]
    if checked.answers:
        sentences.append(
            f"`python model.py --json` over the original files of the first {len(checked.answers):,} test examples "
            f"gave the same {problem.answered}."
        )
    if reported is not None and not problem.continues:
        sentences.append(_against_reported(checked, reported[:count]))
    return checked, sentences


def _scored(checked: Verification, share: Examples, problem: Problem, metric: Metric, which: str) -> list[str]:
    """The leading metric of the files' outputs; nothing where it is that of examples which continue each other."""
    if problem.continues:
        return []
    tally = problem.tally()
    tally.add(checked.outputs, share.targets)
    return [f"Test {metric.words} computed from these files on {which}: {_figure(tally, metric)}."]


def _figure(tally: Tally, metric: Metric) -> str:
    return metric.text(tally.figures()[metric.name])


def _named_as_given(answers: Sequence[Mapping[str, Any]], place: Path) -> tuple[Mapping[str, Any], ...]:
    """A file that was written for the check goes by its name alone."""
    return tuple({**each, "file": each["file"].removeprefix(f"{place}{os.sep}")} for each in answers)


def _most_verified(macs: float | None) -> int:
    """So many examples that a network of any size is verified in seconds. macs: multiply-adds for one example."""
    return max(LEAST_VERIFIED, min(MOST_VERIFIED, int(MOST_WORK / max(1.0, macs or 1.0))))


def _own_files(preparation: Preparation, count: int, place: Path) -> list[Path]:
    """The user's own files with the first test examples: as many as are read in a second or two, and one at least."""
    try:
        paths = list(preparation.own_files(count, place))
        sizes = itertools.accumulate(each.stat().st_size for each in paths)
        return [path for path, size in zip(paths, sizes, strict=True) if size <= MOST_BYTES or path == paths[0]]
    except (OSError, ValueError) as problem:
        raise NotReproduced(f"the original files of the test examples cannot be read: {problem}") from problem


def _against_reported(checked: Verification, reported: Tensor) -> str:
    """The reported outputs may come from another device, whose last bits differ."""
    found = checked.outputs[: len(reported)]
    scale = max(1.0, float(reported.abs().max()))
    far = (found - reported).abs().flatten(1).max(1).values > OTHER_DEVICE * scale
    differ = int(far.sum())
    if differ > max(1, len(reported) // 200):
        raise NotReproduced(
            f"the exported model answers otherwise than was reported for {differ} of {len(reported):,} examples"
        )
    return f"Of the {len(reported):,} reported predictions, {len(reported) - differ:,} are reproduced."


def _left_out(files: Files) -> list[str]:
    if not files.left_out:
        return []
    count = len(files.left_out)
    return [f"{count} tensors that only training needs (an auxiliary head) are not in the files."]


def _move(folder: Path, target: Path, replaced: Path) -> None:
    """Put the finished folder in place; an earlier export is there until the new one is complete."""
    if target.exists():
        target.replace(replaced)
    try:
        folder.replace(target)
    except OSError:
        if replaced.exists() and not target.exists():
            replaced.replace(target)
        raise
    shutil.rmtree(replaced, ignore_errors=True)


def read_architecture(directory: str | Path) -> Mapping[str, Any]:
    """The `architecture.json` of an exported folder.

    directory: an exported folder.
    """
    from netwright.core.serial import parse_json

    return parse_json(Path(directory, "architecture.json").read_text(encoding="utf-8"))
