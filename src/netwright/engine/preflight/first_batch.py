"""One network trained on one batch of the task, to find out what is wrong with it before hundreds are trained."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netwright.core.errors import NetwrightError, OutOfMemory, TrialFailed, UntrainableSpace, UserError, marked
from netwright.core.members import each_answer, mean_loss, one_answer
from netwright.core.roles import ChecksMemory
from netwright.core.trees import mapped, moved

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netwright.core.architecture import Architecture
    from netwright.core.roles import TrainsAlone

CPU_WORK = 3e8  # multiply-adds that a batch on the CPU may take; the batch is made smaller for more
LEAST_BATCH = 2  # examples; normalisation takes no fewer


@dataclass(frozen=True)
class Tried:
    """One network that ran a batch forward and backward. seconds: for one example."""

    architecture: Architecture
    params: int
    batch: int
    seconds: float


class NoRoom(UserError):
    """The device has no room for this network."""


def attempt(estimator: TrainsAlone, architecture: Architecture, figures: dict[str, float]) -> Tried:
    """Train one network on one batch. Raises UserError or UntrainableSpace with architecture and layer, or NoRoom."""
    import torch

    device = torch.device(estimator.device)
    batch = _batch_size(estimator, figures, device)
    params = int(figures["params"])
    what = f"the network {_short(architecture)} of {params:,} parameters"
    layers = _Layers()
    try:
        _require_room(estimator, architecture)
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            _seed(device)
            inputs, targets = _examples(estimator.task, batch, device)
            network = estimator.space.build(architecture, estimator.task.shape).to(device).train()
            start = time.perf_counter()
            with layers.watched(network):
                output = network(inputs)
            _train_on(network, output, targets, batch, estimator.task, layers)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            seconds = time.perf_counter() - start
    except Exception as problem:
        raise _explained(problem, what, layers.last, tuple(estimator.task.shape.input), batch) from problem
    return Tried(architecture, params, batch, seconds / batch)


def _batch_size(estimator: TrainsAlone, figures: dict[str, float], device: Any) -> int:
    """The whole batch on an accelerator; on the CPU as many examples as take a part of a second."""
    whole = max(LEAST_BATCH, min(int(estimator.settings.batch_size), len(estimator.task.train)))
    if device.type == "cuda":
        return whole
    fitting = int(CPU_WORK / max(1.0, 3 * float(figures.get("macs", 1.0))))
    return max(LEAST_BATCH, min(whole, fitting))


def _seed(device: Any) -> None:
    """Starts the generators of the CPU and of the device, and of no other one."""
    import torch

    torch.default_generator.manual_seed(0)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(0)


def _require_room(estimator: TrainsAlone, architecture: Architecture) -> None:
    """Ask the estimator, which knows the batch, where it can tell before anything is allocated."""
    if isinstance(estimator, ChecksMemory):
        estimator.check_memory(architecture)


def _examples(task: Any, batch: int, device: Any) -> tuple[Any, Any]:
    """The first training examples, images from -1 to 1, other numbers with mean 0 and deviation 1."""
    import torch

    def plain(inputs: Tensor) -> Tensor:
        if inputs.dtype.is_floating_point:
            return (inputs - inputs.mean()) / (inputs.std() + 1e-6)
        return inputs.float() / 127.5 - 1 if inputs.dtype == torch.uint8 else inputs.long()

    inputs, targets = (moved(part(0, batch), device) for part in (task.train.batch, task.train.batch_targets))
    return mapped(plain, inputs), targets


class _Layers:
    """Follows a forward pass. last: the layer that ran last. odd: the first layer with a complex output."""

    def __init__(self) -> None:
        self.last = ""
        self.complex = ""
        self.detached = ""

    def watched(self, network: nn.Module) -> Any:
        stack = contextlib.ExitStack()
        for name, part in network.named_modules():
            if name:
                stack.callback(part.register_forward_pre_hook(self._before(name)).remove)
                stack.callback(part.register_forward_hook(self._after(name)).remove)
        return stack

    def _before(self, name: str) -> Callable[..., None]:
        def note(_module: nn.Module, _inputs: Any) -> None:
            self.last = name

        return note

    def _after(self, name: str) -> Callable[..., None]:
        import torch

        def note(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            if not isinstance(output, torch.Tensor):
                return
            if output.is_complex() and not self.complex:
                self.complex = name
            before = any(isinstance(each, torch.Tensor) and each.requires_grad for each in inputs)
            learns = before or any(each.requires_grad for each in module.parameters(recurse=False))
            if learns and not output.requires_grad:
                self.detached = name

        return note


def _train_on(network: nn.Module, output: Any, targets: Any, batch: int, task: Any, layers: _Layers) -> None:
    """Loss and backward pass; UserError for an output that no loss can be taken of."""
    import torch

    shape = task.shape
    expected = (batch, shape.outputs, *(shape.places if shape.dense else ()))
    what = "logits" if shape.outputs > 1 else "numbers"
    pair: Any = output if isinstance(output, tuple) and len(output) == 2 else (output, None)
    outputs, auxiliary = pair
    for each in (*(outputs if isinstance(outputs, list) and outputs else [outputs]), auxiliary):
        if each is None:
            continue
        if not isinstance(each, torch.Tensor):
            raise UserError(f"gives a {type(each).__name__}; expected a tensor of {what}")
        if each.is_complex():
            raise UserError(f"gives complex numbers{_at(layers.complex)}; expected real {what}")
        if tuple(each.shape) != expected:
            raise UserError(
                f"gives an output of shape {tuple(each.shape)} for {batch} examples{_at(layers.last)}; "
                f"expected {expected}, {_asked(task)}"
            )
    parameters = [each for each in network.parameters() if each.requires_grad]
    if not parameters:
        raise UserError("has no parameters to train")
    if not one_answer(outputs).requires_grad:
        raise UserError(f"gives an output without a gradient{_at(layers.detached)}; nothing in it would learn")
    loss = mean_loss(task.problem, each_answer(torch.Tensor.float, outputs), targets)
    if auxiliary is not None:
        loss = loss + task.problem.mean_loss(auxiliary.float(), targets)
    loss.backward()
    if all(each.grad is None for each in parameters):
        raise UserError(f"leaves every parameter without a gradient{_at(layers.detached)}; nothing in it would learn")


def _asked(task: Any) -> str:
    """What the numbers of an output are."""
    one = "one number a class" if task.problem.smooths else f"{task.shape.outputs} numbers an answer"
    fitting = ", as the networks of unet-cells and encoder-decoder give" if task.shape.is_image else ""
    return f"{one} at each place{fitting}" if task.shape.dense else one


def _at(layer: str) -> str:
    return f" (layer {layer!r})" if layer else ""


def _short(architecture: Architecture) -> str:
    text = str(architecture)
    return text if len(text) <= 160 else f"{text[:157]}..."


def _explained(problem: Exception, what: str, layer: str, shape: tuple[int, ...], batch: int) -> NetwrightError:
    """The error to raise: UntrainableSpace where the network raises one, as trials would; NoRoom without memory."""
    if isinstance(problem, UserError):
        return UserError(f"the space builds a network that cannot be trained: {what} {marked(problem)}")
    said = " ".join(str(problem).split())
    if isinstance(problem, (OutOfMemory, MemoryError)) or "memory" in said.lower():
        return NoRoom(f"{what} needs more memory than there is{_at(layer)}: {said[:200]}")
    if isinstance(problem, NetwrightError):
        return problem
    return UntrainableSpace(
        f"the space builds a network that cannot be trained: {what} fails for {batch} examples of shape {shape}"
        f"{_at(layer)} with {type(problem).__name__}: {said[:300]}"
    )


def unbuildable(architecture: Architecture, problem: Exception, tried: int) -> NetwrightError:
    """The error of a space none of whose networks can be built: the first one's."""
    if isinstance(problem, NetwrightError) and not isinstance(problem, TrialFailed):
        return problem
    error = UntrainableSpace(
        f"none of the {tried} networks of the space that were tried can be built; the first, {_short(architecture)}, "
        f"fails with {type(problem).__name__}: {' '.join(str(problem).split())[:300]}"
    )
    error.__cause__ = problem
    return error
