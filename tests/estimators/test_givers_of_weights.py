"""Shared weights that are given by something else than a supernet: a static hypernetwork (Ha et al. 2017)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

import netwright as nw
from netwright.core.errors import ConfigurationError, UserError
from netwright.core.trial import Measurement, Proposal
from netwright.estimators import SharedWeights
from netwright.methods.single_path import single_path_one_shot
from netwright.strategies.paths import TrainThenSearch, UniformPaths
from netwright.supernets import Affine, InSupernet, NormalisedPooling, PartialChannels, SharedNetwork, Sharing, Supernet


class Kernels(nw.DecisionSpace):
    """Three layers of equal width, each with a kernel of one of three sizes, or none."""

    traced_shape = nw.TaskShape((3, 8, 8), 4)

    def network(self, choose: nw.Choose, shape: nw.TaskShape) -> nn.Module:
        kinds: dict[str, Any] = {f"conv{k}": lambda k=k: nn.Conv2d(6, 6, k, padding=k // 2) for k in (1, 3, 5)}
        layers = [choose.one(f"layer{i}", {**kinds, "skip": nn.Identity}) for i in range(3)]
        stem = nn.Conv2d(shape.input[0], 6, 3, padding=1)
        return nn.Sequential(stem, *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, shape.classes))


class Hypernetwork(SharedNetwork):
    """One linear map makes each kernel from an embedding of its own; all else is shared as it is."""

    def __init__(self, space: nw.DecisionSpace, shape: nw.TaskShape, width: int) -> None:
        super().__init__()
        self.space, self.shape = space, shape
        self.frames: dict[nw.Architecture, nn.Module] = {}
        self.embeddings, self.others = nn.ParameterDict(), nn.ParameterDict()
        largest = 0
        for architecture in space.enumerate():
            for name, weight in self._frame(architecture).named_parameters():
                key = f"{name} {tuple(weight.shape)}".replace(".", "/")
                if weight.dim() == 4 and key not in self.embeddings:
                    self.embeddings[key] = nn.Parameter(torch.randn(width))
                    largest = max(largest, weight.numel())
                elif weight.dim() != 4 and key not in self.others:
                    self.others[key] = nn.Parameter(0.1 * torch.randn(weight.shape))
        self.map = nn.Linear(width, largest)

    def _frame(self, architecture: nw.Architecture) -> nn.Module:
        if architecture not in self.frames:
            with torch.device("meta"):
                self.frames[architecture] = self.space.build(architecture, self.shape)
        return self.frames[architecture]

    def weights(self, architecture: nw.Architecture) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for name, weight in self._frame(architecture).named_parameters():
            key = f"{name} {tuple(weight.shape)}".replace(".", "/")
            if key in self.others:
                found[name] = self.others[key]
            else:
                made = self.map(self.embeddings[key])[: weight.numel()].view(weight.shape)
                found[name] = made / weight[0].numel() ** 0.5
        return found

    def forward(self, x: Tensor, candidate: nw.Architecture | nw.Mixture) -> Tensor:
        if isinstance(candidate, nw.Mixture):
            raise UserError("this hypernetwork gives the weights of architectures, not of mixtures")
        return functional_call(self._frame(candidate), self.weights(candidate), (x,))

    def extract(self, architecture: nw.Architecture) -> nn.Module:
        alone = self.space.build(architecture, self.shape)
        alone.load_state_dict({name: each.detach().clone() for name, each in self.weights(architecture).items()})
        return alone


class ByHypernetwork(Sharing):
    def __init__(self, width: int = 4) -> None:
        self.width = width

    def network(self, space: nw.DecisionSpace, shape: nw.TaskShape, **_: bool) -> SharedNetwork:
        return Hypernetwork(space, shape, self.width)


SPACE = Kernels()


@pytest.fixture(scope="module")
def task() -> nw.Task:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 60, size=(96, 8, 8, 3)).astype(np.uint8)
    labels = np.arange(96) % 4
    colours = np.array([[150, 0, 0], [0, 150, 0], [0, 0, 150], [0, 0, 0]])
    images += colours[labels][:, None, None].astype(np.uint8)  # what can be learnt
    return nw.tasks.arrays(images, labels)


def search(task: nw.Task, epochs: int = 3, **settings: Any) -> nw.Search:
    sharing = ByHypernetwork()
    estimator = SharedWeights(SPACE, task, weights=sharing, epochs=epochs, batch_size=16, device="cpu", **settings)
    strategy = TrainThenSearch(UniformPaths(SPACE), nw.strategies.RandomSearch(SPACE), evaluations=4)
    return nw.Search(strategy, estimator)


def test_a_hypernetwork_is_trained_and_evaluates_and_extracts(task: nw.Task) -> None:
    run = search(task, epochs=16, learning_rate=0.2).run()
    losses = [trial.metrics["train_loss"] for trial in run.trials if trial.proposal.is_round]
    assert losses[-1] < 0.9 * losses[0]
    estimator: Any = run.search.estimator
    network, best = estimator.weights.supernet, run.best.architecture
    assert isinstance(network, Hypernetwork) and len(estimator.weights.parameters) == len(list(network.parameters()))
    images = torch.randn(5, 3, 8, 8)
    with torch.no_grad():
        assert torch.allclose(estimator.extract(best)(images), network(images, best), atol=1e-6)
    kernels = [weight for weight in network.weights(best).values() if weight.dim() == 4]
    assert all(weight.grad_fn is not None for weight in kernels)  # made, not kept


def test_a_search_that_is_cut_off_ends_as_the_whole_one(
    task: nw.Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = search(task).run(store=tmp_path / "whole", name="r")
    advance, count = SharedWeights.advance, 0

    def cut_off(self: SharedWeights, proposal: Proposal) -> Measurement:
        nonlocal count
        count += 1
        if count == 6:
            raise KeyboardInterrupt
        return advance(self, proposal)

    with monkeypatch.context() as patch:
        patch.setattr(SharedWeights, "advance", cut_off)
        with pytest.raises(KeyboardInterrupt):
            search(task).run(store=tmp_path / "p", name="r")
    resumed = search(task).run(store=tmp_path / "p", name="r", resume=True)
    assert resumed.table() == whole.table()
    folder = str(tmp_path / "whole" / "shared" / "r")
    options: dict[str, Any] = {"trained": folder, "epochs": 3, "batch_size": 16, "device": "cpu"}
    trained = SharedWeights(SPACE, task, weights=ByHypernetwork(), **options)
    last = whole.trials[-1]
    assert trained.estimate(last.proposal, 0).metrics["val_loss"] == last.metrics["val_loss"]
    with pytest.raises(UserError, match=r"were given by .*ByHypernetwork.* this estimator has weights = None"):
        _ = SharedWeights(SPACE, task, **options).weights


def test_it_is_probed_and_audited_as_a_supernet_is(task: nw.Task) -> None:
    from netwright.benchmarks.auditing import audit

    run = search(task).run()
    found = audit(run, networks=4, epochs=1, batch_size=16)
    assert len(found.random) == 4 and all(each.shared is not None for each in found.random)
    estimator = run.search.estimator
    assert isinstance(estimator, SharedWeights)
    estimator.begin(0)
    before = [each.clone() for each in estimator.weights.parameters]
    told = estimator.advance(Proposal(SPACE.at(3), "probe"))
    assert torch.isfinite(torch.as_tensor(told.metrics["loss"]))
    assert all(torch.equal(a, b) for a, b in zip(before, estimator.weights.parameters, strict=True))


def test_a_supernet_in_other_forms_is_the_one_that_the_options_describe(task: nw.Task) -> None:
    forms = [PartialChannels(2), NormalisedPooling(), Affine()]
    given = SharedWeights(SPACE, task, weights=InSupernet(forms), epochs=1, device="cpu")
    options = SharedWeights(
        SPACE, task, partial_channels=2, normalise_pooling=True, affine=True, epochs=1, device="cpu", fused=True
    )
    assert isinstance(options.sharing, InSupernet)
    assert options.sharing.options == given.sharing.options  # pyright: ignore
    assert "weights" in given.configuration()["arguments"] and "weights" not in options.configuration()["arguments"]
    network = InSupernet([Affine()]).network(SPACE, task.shape, drop_path=False, skip_dropout=False, twice=False)
    assert isinstance(network, Supernet) and network.mixes


def test_forms_are_given_once_and_in_one_place(task: nw.Task) -> None:
    with pytest.raises(ConfigurationError, match="expected each once"):
        InSupernet([PartialChannels(2), PartialChannels(4)])
    with pytest.raises(ConfigurationError, match=r"expected weights=InSupernet\(\[Affine\(\)\]\), or these options"):
        SharedWeights(SPACE, task, weights=ByHypernetwork(), affine=True)


def test_a_published_method_trains_what_is_given(task: nw.Task) -> None:
    found = single_path_one_shot(SPACE, task, epochs=1, weights=ByHypernetwork(width=7), device="cpu").estimator
    assert isinstance(found, SharedWeights)
    found.begin(0)
    assert isinstance(found.weights.supernet, Hypernetwork) and found.weights.supernet.map.in_features == 7
