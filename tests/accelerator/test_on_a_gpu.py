"""Everything that computes on a device, on one that is only pretended: nothing is left behind on the CPU, and no step
waits for the device."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pretended import CUDA, Placed, gpu
from torch import Tensor, nn

import netwright as nw
from netwright.catalogue import load
from netwright.core.architecture import Mixture
from netwright.core.task import Augmentation, Data, Examples
from netwright.estimators import SharedWeights, Training, ZeroCost
from netwright.estimators.zero_cost.zero_cost import PROXIES
from netwright.problems.classification import Classification
from netwright.strategies import RandomSearch
from netwright.training import TrainingSettings, evaluate, predict, seeded, train
from netwright.training.augmentation import Normalisation
from netwright.training.loop import Loop

SHAPE = nw.TaskShape((3, 8, 8), 3)
SPACE = nw.spaces.Darts(cells=3, channels=2, nodes=1)
SETTINGS = TrainingSettings(epochs=2, batch_size=4, precision="float32", channels_last=False, average=0.9)
RECIPES = (
    *("darts", "darts-second-order", "milenas", "snas", "gdas", "proxylessnas", "nasp", "xnas", "sgas", "robust-darts"),
    *("smooth-darts", "dropnas", "asng", "mdenas", "fairnas", "one-shot", "single-path-one-shot"),
    *("random-weight-sharing", "smash", "ghn", "hypernetworks"),
)
FEW = {
    "fairnas": {"population": 2, "generations": 1},
    "one-shot": {"evaluations": 2},
    "smash": {"evaluations": 2},
    "ghn": {"evaluations": 2},
    "hypernetworks": {"evaluations": 2},
    "single-path-one-shot": {"population": 2, "generations": 1, "top": 1, "recalibrate": 1},
    "random-weight-sharing": {"candidates": 2, "batches": 1, "best": 1},
}


def examples(count: int) -> Examples:
    numbers = torch.Generator().manual_seed(count)
    images = torch.randint(256, (count, *SHAPE.input), dtype=torch.uint8, generator=numbers)
    return Examples(images, torch.arange(count) % SHAPE.classes)


def data(count: int = 12) -> Data:
    return Data(
        examples(count),
        examples(6),
        (0.5,) * 3,
        (0.25,) * 3,
        Classification("0123456789"),
        Augmentation(flip=True, padding=1, cutout=2),
    )


def task(count: int = 40) -> nw.Task:
    images = np.random.default_rng(0).integers(0, 256, (count, *SHAPE.input), dtype=np.uint8)
    return nw.tasks.arrays(images, np.arange(count) % 2)


def network() -> nn.Module:
    with seeded(0):
        return SPACE.build(SPACE.at(11), SHAPE)


def uniform(device: Any) -> Mixture:
    counts = {each.name: len(each.options) + len(each.soft) for each in SPACE.decisions if each.kind != "sources"}
    made = {name: torch.full((count,), 1 / count, device=device) for name, count in counts.items()}
    return Mixture({name: each.requires_grad_(True) for name, each in made.items()})


# What is pretended.


def test_tensors_of_two_devices_do_not_meet() -> None:
    with gpu():
        there, here = torch.ones(3, device="cuda"), torch.ones(3)
        assert (there.device, here.device) == (CUDA, torch.device("cpu"))
        with pytest.raises(RuntimeError, match="cuda:0"):
            there + here
        assert (there + here.to("cuda")).sum().item() == 6


def test_what_waits_is_counted() -> None:
    with gpu() as work:
        there = torch.arange(3).to("cuda", non_blocking=True) * 2
        assert not work.waits
        there.sum().item(), there.cpu(), there.tolist(), there[there > 1]
        torch.ones(2).to("cuda")
        assert work.waits.total() == 5


@pytest.mark.parametrize("left_out", ["on_device", "normalisation", "labels"])
def test_a_move_that_is_left_out_is_found(left_out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if left_out == "on_device":
        monkeypatch.setattr("netwright.training.loop.on_device", lambda given, device: given)
    if left_out == "normalisation":
        made = Normalisation.of
        monkeypatch.setattr(Normalisation, "of", lambda given, device, *rest: made(given, torch.device("cpu"), *rest))
    if left_out == "labels":
        whole = Loop.step
        monkeypatch.setattr(Loop, "step", lambda self, x, labels: whole(self, x, labels.cpu()))
    with gpu(), pytest.raises(RuntimeError) as caught:
        train(network(), data(), SETTINGS, 0, device="cuda")
    assert any("tensors on cuda:0, but on the cpu" in str(each) for each in chain(caught.value))


def chain(problem: BaseException | None) -> Iterator[BaseException]:
    while problem is not None:
        yield problem
        problem = problem.__context__


# Training and evaluation.


def test_training_gives_the_numbers_of_the_cpu() -> None:
    here, there = network(), network()
    expected = train(here, data(), SETTINGS, 0)
    with gpu():
        found = train(there, data(), SETTINGS, 0, device="cuda")
        moved = [each.detach().cpu() for each in there.parameters()]
        assert all(isinstance(each, Placed) for each in there.parameters())
    assert found.metrics == expected.metrics
    assert found.device == "cuda:0"
    assert all(map(torch.equal, moved, here.parameters()))


def test_a_checkpoint_goes_on_on_the_device(tmp_path: Path) -> None:
    expected = train(network(), data(), SETTINGS, 0)
    with gpu():
        train(network(), data(), SETTINGS, 0, device="cuda", checkpoint=tmp_path, until=1)
        found = train(network(), data(), SETTINGS, 0, device="cuda", checkpoint=tmp_path)
    assert found.metrics == expected.metrics
    assert (len(found.curve), found.notes) == (2, ())


def test_no_training_step_waits() -> None:
    def waits(count: int) -> int:
        with gpu() as work:
            train(network(), data(count), SETTINGS.replace(epochs=1), 0, device="cuda")
            return work.waits.total()

    assert waits(8) == waits(24)


def test_examples_on_the_device_are_not_copied_again() -> None:
    with gpu():
        there = task().search_data(0, "cuda")
        assert there.train.device == CUDA
        loops: list[Loop] = []
        original = Loop.run

        def run(self: Loop, *rest: Any) -> Any:
            loops.append(self)
            return original(self, *rest)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Loop, "run", run)
            two = nw.TaskShape(SHAPE.input, 2)
            train(SPACE.build(SPACE.at(0), two), there, SETTINGS.replace(epochs=1), 0, device="cuda")
        assert loops[0].examples is there.train
        assert loops[0].held_out is there.held_out


def test_evaluation_and_prediction_give_the_numbers_of_the_cpu() -> None:
    given = data()
    expected, logits = evaluate(network(), given.held_out, given), predict(network(), given.held_out, given)
    with gpu() as work:
        assert evaluate(network(), given.held_out, given, device="cuda") == expected
        before = work.waits.total()
        found = predict(network(), given.held_out, given, device="cuda")
        assert isinstance(found, Placed)
        assert work.waits.total() - before == len(network().state_dict()) + 4  # each moved; examples, scale, shift
        assert torch.equal(found.cpu(), logits)


# Weight sharing.


@pytest.mark.parametrize("order", [1, 2, "exact"])
def test_no_step_of_shared_weights_waits(order: Any) -> None:
    with gpu() as work:
        shared = SharedWeights(SPACE, task(), order=order, epochs=3, batch_size=4, device="cuda")
        shared.begin(0)
        rounds = [nw.Proposal(uniform("cuda"), "probe"), nw.Proposal(uniform("cuda"), "train")]
        rounds.append(nw.Proposal(SPACE.at(5), "train"))
        for number in range(2):
            work.waits.clear()
            for each in rounds:
                found = shared.advance(each)
                assert all(isinstance(value, Placed) for value in (found.gradient or {}).values())
            assert number == 0 or not work.waits, work.waits


def test_shared_weights_give_the_numbers_of_the_cpu() -> None:
    def found(device: str) -> list[float]:
        shared = SharedWeights(SPACE, task(), epochs=1, batch_size=4, device=device, fused=False)
        shared.begin(0)
        for candidate in (uniform(device), SPACE.at(5), uniform(device)):
            shared.advance(nw.Proposal(candidate, "train"))
        scored = shared.estimate(nw.Proposal(SPACE.at(5)), 0)
        return [float(value) for value in scored.metrics.values()]

    expected = found("cpu")
    with gpu():
        assert found("cuda") == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_each_family_of_recipes_computes_where_it_was_told_to(name: str) -> None:
    with gpu():
        epochs = 2 if name == "dropnas" else 1
        search = load("search", name)(SPACE, task(), epochs=epochs, batch_size=4, device="cuda", **FEW.get(name, {}))
        found = search.run(preflight=False)
    assert {trial.state for trial in found.trials} == {"completed"}
    assert search.estimator.device == CUDA


# Scores, searches, export.


def test_zero_cost_proxies_give_the_numbers_of_the_cpu() -> None:
    def found(device: str) -> dict[str, float]:
        return ZeroCost(SPACE, task(), tuple(PROXIES), 4, device=device).scores(SPACE.at(5))

    expected = found("cpu")
    with gpu():
        assert found("cuda") == pytest.approx(expected, rel=1e-3, nan_ok=True)


def test_a_search_with_its_final_training_and_export(tmp_path: Path) -> None:
    with gpu():
        estimator = Training(SPACE, task(), epochs=1, batch_size=4, device="cuda")
        run = nw.Search(RandomSearch(SPACE), estimator, seed=0).run(trials=1)
        assert [trial.state for trial in run.trials] == ["completed"]
        result = nw.results.conclude(run, final_epochs=1, final_seeds=1, baselines=False)
        assert result.final.network is not None
        assert all(not isinstance(each, Placed) for each in result.final.network.parameters())
    exported = result.export(tmp_path / "export")
    assert exported.largest_difference < 1e-4


def test_only_numbers_leave_the_device_for_good() -> None:
    with gpu():
        shared = SharedWeights(SPACE, task(), epochs=1, batch_size=4, device="cuda")
        shared.begin(0)
        metrics = shared.estimate(nw.Proposal(SPACE.at(0)), 0).metrics
    assert all(not isinstance(value, Tensor) for value in metrics.values())
