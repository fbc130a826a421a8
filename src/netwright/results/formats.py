"""Further forms of an exported network, for runtimes other than PyTorch: ONNX, ONNX in eight bits, torch.export."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from netwright.core.carrying import Carrying
from netwright.core.errors import UserError, nearest
from netwright.core.trees import first, mapped
from netwright.results.model_file import Inputs
from netwright.results.predict_file import NAME, predict_file
from netwright.results.verification import NotReproduced
from netwright.results.without_torch import answers_without_torch, outputs_of
from netwright.runtimes.int8 import WAYS, in_eight_bits, write_int8
from netwright.runtimes.onnx_file import require_onnx, runner, write_onnx

if TYPE_CHECKING:
    from netwright.core.problem import Metric, Problem
    from netwright.core.task import Data, Examples
    from netwright.results.verification import Verification

FORMATS = ("torch", "onnx", "int8", "torch-export")
"""What can be asked for; "torch" is always written."""
ONNX, INT8, PROGRAM, RECORD = "model.onnx", "model-int8.onnx", "model.pt2", "formats.json"
FILES = {
    ONNX: "the network for ONNX Runtime and other readers of ONNX, with batches of any size",
    INT8: "the same with weights of eight bits, and activations where it says so",
    NAME: "what `model.py` does, with these ONNX files; it imports onnxruntime and numpy, not torch",
    PROGRAM: "the network as `torch.export` writes it, for what is made of that, such as ExecuTorch",
    RECORD: "of each of these files its size, its operations, and how well it answers",
}
CALIBRATED = 256  # training examples whose activations are looked at
CHOSEN_ON = 512  # further training examples on which the ways of quantisation are compared
MOST_LOST = 0.01  # that a way may add to the loss, or to each 1 of it; beyond that others are tried
LEAST_SHARE = 0.5  # of the weights that another way has in eight bits
MOST_SCORED_WORK = 4e11  # multiply-adds on test examples for each file; less than a minute on one core


@dataclass(frozen=True)
class Format:
    """One further file of an export.

    file: its name.
    size: bytes.
    operations: kinds of ONNX operations in it; none of torch.export.
    largest_difference: of its outputs to those of the network in PyTorch.
    metrics: of the problem, on the test examples, computed from this file's outputs.
    before: the same of the network in PyTorch, on the same examples.
    examples: how many these are.
    way: how eight bits were made; one of `runtimes.int8.WAYS`.
    calibration: training examples that the ranges come from.
    sha256: of the file.
    """

    file: str
    size: int
    operations: tuple[str, ...]
    largest_difference: float
    metrics: Mapping[str, float]
    before: Mapping[str, float]
    examples: int
    way: str = ""
    calibration: int = 0
    sha256: str = ""

    def sentence(self, metric: Metric) -> str:
        """What is said of it in one line."""
        found, own = metric.text(self.metrics[metric.name]), metric.text(self.before[metric.name])
        how = f"outputs differ by at most {self.largest_difference:.2g}"
        if self.way:
            how = f"{self.way} quantisation, {self.calibration} calibration examples"
        return (
            f"{self.file}: {self.size:,} bytes, test {metric.words} {found} (PyTorch {own}) on {self.examples:,} "
            f"examples; {how}"
        )


def sentences_of(made: Sequence[Format], metric: Metric) -> list[str]:
    """What is said of each file, and where eight bits have made none smaller.

    made: of one export.
    metric: that leads its report.
    """
    whole = max((each.size for each in made if each.operations and not each.way), default=0)
    small = f"; no smaller than {ONNX}, since weights in eight bits are a small part of it"
    return [each.sentence(metric) + small * bool(each.way and 0 < whole <= each.size) for each in made]


def formats_of(text: str | Sequence[str]) -> tuple[str, ...]:
    """The formats that a text or a list names, each once; "int8" brings "onnx".

    text: such as "onnx,int8".

    Raises UserError for another name.
    """
    names = [each.strip() for each in text.split(",")] if isinstance(text, str) else list(text)
    for name in names:
        if name not in FORMATS:
            raise UserError(f"unknown format {name!r}{nearest(name, FORMATS)}")
    wanted = {*names, *(["onnx"] if "int8" in names else [])}
    return tuple(each for each in FORMATS if each in wanted)


@dataclass(frozen=True, eq=False)
class Subject:
    """What further files are made of.

    folder: with `model.py`, verified.
    network: with its weights, on the CPU.
    data: with the examples that it was trained and is tested on.
    inputs: what the network is for.
    packages: that reading the user's own files needs, such as "PIL".
    files: of the user's own, with the first test examples.
    macs: multiply-adds of one example.
    """

    folder: Path
    network: nn.Module
    data: Data
    inputs: Inputs
    packages: frozenset[str]
    files: tuple[Path, ...]
    macs: float | None

    def batch(self, start: int, stop: int) -> Any:
        """Training examples as the network takes them."""
        from netwright.training.augmentation import Normalisation

        train = self.data.train
        return Normalisation.of(self.data, train.device)(train.batch(start, min(stop, len(train))))


def check_formats(formats: Sequence[str], network: nn.Module) -> None:
    """UserError or MissingExtra where they could not be written, before anything takes time."""
    if "onnx" in formats:
        require_onnx()
        layer = next((each for each in network.modules() if isinstance(each, Carrying)), None)
        if layer is not None:
            raise UserError(
                f"{type(layer).__name__} goes on where it ended on the window before, which an ONNX file cannot: this "
                "language model is exported as model.py only"
            )


def write_formats(formats: Sequence[str], subject: Subject, checked: Verification) -> tuple[Format, ...]:
    """Write and verify further files into the folder.

    formats: as `formats_of` gives them.
    checked: what was found of `model.py`, with its answers to the user's own files.

    Raises UserError where the network has no such form, and NotReproduced where a file answers otherwise.
    """
    found: list[Format] = []
    test = _scored_on(subject)
    before = _figures(subject.data.problem, _predicted(subject, test), test)
    if "onnx" in formats:
        found += _onnx_files(formats, subject, test, before, checked)
    if "torch-export" in formats:
        found.append(_program(subject, test, before))
    if found:
        _record(subject.folder, found)
    return tuple(found)


def _scored_on(subject: Subject) -> Examples:
    """All test examples, or as many as are answered in a reasonable time."""
    test = subject.data.held_out
    return test.part(0, min(len(test), max(64, int(MOST_SCORED_WORK / max(1.0, subject.macs or 1.0)))))


def _predicted(subject: Subject, examples: Examples) -> Tensor:
    from netwright.training.augmentation import Normalisation
    from netwright.training.evaluation import inference

    normalise = Normalisation.of(subject.data, examples.device)
    with inference(subject.network):
        starts = range(0, len(examples), 256)
        return torch.cat([subject.network(normalise(examples.batch(at, at + 256))).float() for at in starts]).clone()


def _figures(problem: Problem, outputs: Tensor, examples: Examples) -> dict[str, float]:
    tally = problem.tally()
    tally.add(outputs, examples.targets)
    return tally.figures()


def _onnx_files(
    formats: Sequence[str], subject: Subject, test: Examples, before: Mapping[str, float], checked: Verification
) -> list[Format]:
    folder = subject.folder
    written = write_onnx(subject.network, subject.batch(0, 8), folder / ONNX)
    way = _write_int8(subject) if "int8" in formats else ""
    models = {name: _sha256(folder / name) for name in (ONNX, *([INT8] if way else []))}
    (folder / NAME).write_text(predict_file(subject.inputs, models), encoding="utf-8", newline="\n")
    outputs = outputs_of(folder, tuple(models), test.inputs, subject.packages)
    expected = _predicted(subject, test)
    found: list[Format] = []
    for name, sha256 in models.items():
        given = torch.from_numpy(outputs[name])
        differs = float((given - expected).abs().max())
        metrics = _figures(subject.data.problem, given, test)
        more = {"way": way, "calibration": min(CALIBRATED, len(subject.data.train))} if name == INT8 else {}
        operations = written.operations if name == ONNX else _operations(folder / name)
        size = (folder / name).stat().st_size
        found.append(Format(name, size, operations, differs, metrics, before, len(test), sha256=sha256, **more))
    allowed = 1e-3 * max(1.0, float(expected.abs().max()))
    if not found[0].largest_difference <= allowed:
        raise NotReproduced(f"{ONNX} gives outputs that differ by {found[0].largest_difference:.3g} without torch")
    if checked.answers and subject.files:
        answers_without_torch(folder, subject.files, subject.packages, checked.answers)
    return found


def _operations(path: Path) -> tuple[str, ...]:
    import onnx

    from netwright.runtimes.onnx_file import operations_of

    return operations_of(onnx.load(str(path)))


def _write_int8(subject: Subject) -> str:
    """The eight-bit file, made in the first way that loses little, or the one that loses least; gives the way.

    A way that leaves most weights as they are, which others do not, is none: dynamic quantisation of convolutions.
    """
    folder, count = subject.folder, len(subject.data.train)
    calibration = subject.batch(0, CALIBRATED)
    start = CALIBRATED if count > CALIBRATED + 64 else 0  # a small task is judged on what calibrated it
    stop = min(count, start + CHOSEN_ON)
    judged, targets = subject.batch(start, stop), subject.data.train.part(start, stop)
    own = _loss(subject, folder / ONNX, judged, targets)
    ways = WAYS if "LSTM" not in _operations(folder / ONNX) else tuple(reversed(WAYS))
    losses: dict[str, float] = {}
    shares: dict[str, float] = {}  # of the weights, in eight bits
    problem: UserError | None = None
    for way in ways:
        try:
            write_int8(folder / ONNX, folder / INT8, calibration, way)
        except UserError as found:
            problem = problem or found
            continue
        losses[way] = _loss(subject, folder / INT8, judged, targets)
        shares[way] = in_eight_bits(folder / INT8)
        if losses[way] <= own + MOST_LOST * max(1.0, abs(own)) and shares[way] >= LEAST_SHARE * max(shares.values()):
            return way
    if not losses:
        assert problem is not None
        raise problem
    whole = [way for way in losses if shares[way] >= LEAST_SHARE * max(shares.values())]
    best = min(whole, key=lambda way: losses[way])
    if best != list(losses)[-1]:
        write_int8(folder / ONNX, folder / INT8, calibration, best)
    return best


def _loss(subject: Subject, path: Path, judged: Any, examples: Examples) -> float:
    run, count = runner(path), len(first(judged))
    parts = [run(mapped(lambda each, at=at: each[at : at + 256], judged)) for at in range(0, count, 256)]
    return _figures(subject.data.problem, torch.cat([torch.from_numpy(each) for each in parts]), examples)["loss"]


def _program(subject: Subject, test: Examples, before: Mapping[str, float]) -> Format:
    from netwright.runtimes.torch_export import write_program

    path = subject.folder / PROGRAM
    differs = write_program(subject.network, subject.batch(0, 8), path)
    size = path.stat().st_size
    return Format(PROGRAM, size, (), differs, dict(before), before, len(test), sha256=_sha256(path))


def _record(folder: Path, found: Sequence[Format]) -> None:
    """`formats.json`, beside the files."""
    import platform

    described: dict[str, Any] = {"format": 1, "files": [asdict(each) for each in found]}
    described["versions"] = {"torch": str(torch.__version__), "python": platform.python_version()}
    if (folder / ONNX).exists():
        import onnx
        import onnxruntime

        described["versions"] |= {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}
    (folder / RECORD).write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8", newline="\n")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
