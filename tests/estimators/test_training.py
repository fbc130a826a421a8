import json
import time

import numpy as np
import pytest
import torch
from torch import nn

import netwright as nw
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, Diverged, OutOfMemory, UserError
from netwright.core.trial import Proposal
from netwright.estimators import Training, devices
from netwright.testing import check_estimator
from netwright.training import OutOfTime, TrainingSettings

DIGITS = nw.tasks.digits()
TINY = nw.spaces.Chain(width=4, most=1, kernels=(3,), depthwise_kernels=(3,), expansions=(2,))
MLP = nw.spaces.Mlp(widths=(16, 32), most=2)
FIRST = TINY.at(0)


def quick(**options):
    return Training(TINY, DIGITS, **{"epochs": 1, "device": "cpu", **options})


def test_a_chain_learns_digits():
    space = nw.spaces.Chain()
    labels = {}
    for stage in (1, 2, 3):
        prefix = f"stage{stage}/depth/0/operation"
        labels |= {f"stage{stage}/width": 1.0, f"stage{stage}/depth": 1, prefix: "conv", f"{prefix}/conv/kernel": 3}
    found = Training(space, DIGITS, epochs=4).estimate(Proposal(space.architecture(labels)), 0)
    assert found.metrics["val_accuracy"] > 0.93
    assert len(found.curve) == 4 and found.curve[-1]["val_accuracy"] == found.metrics["val_accuracy"]
    assert set(Training(space, DIGITS).metrics) <= set(found.metrics)


def test_keeps_the_contract_of_estimators():
    check_estimator(quick(), TINY, samples=2)


def test_the_seed_decides_the_weights_and_not_the_split():
    estimator = quick()
    first, again, other = (estimator.estimate(Proposal(FIRST), seed) for seed in (3, 3, 4))
    assert first.metrics == again.metrics != other.metrics
    data = [estimator.task.search_data(0).held_out.inputs for _ in range(2)]
    assert torch.equal(*data)
    elsewhere = quick(split_seed=1).estimate(Proposal(FIRST), 3)
    assert elsewhere.metrics != first.metrics


def test_cost_comes_first():
    estimator = quick()
    cost, training = estimator.stages()
    assert isinstance(cost, nw.estimators.Cost) and training is estimator
    assert set(cost.estimate(Proposal(FIRST), 0).metrics) == {"params", "macs", "activation_memory"}


def test_fidelity_epochs_is_rounded_up():
    estimator = quick(epochs=3)
    lengths = [len(estimator.estimate(Proposal(FIRST, fidelity=f), 0).curve) for f in (1e-9, 1 / 3, 0.34, 2 / 3, 1.0)]
    assert lengths == [1, 1, 2, 2, 3]


def trained_with(monkeypatch, estimator, fidelity):
    """The network and the data that the estimator trains with, from the training itself."""
    seen = []
    real = nw.estimators.training.train

    def spied(network, data, *rest, **options):
        seen.append((network, data))
        return real(network, data, *rest, **options)

    monkeypatch.setattr(nw.estimators.training, "train", spied)
    estimator.estimate(Proposal(FIRST, fidelity=fidelity), 0)
    return seen[0]


def test_fidelity_data(monkeypatch):
    _, data = trained_with(monkeypatch, quick(fidelity="data"), 0.5)
    full = DIGITS.search_data(0)
    assert len(data.train) == pytest.approx(len(full.train) / 2, abs=1)
    assert torch.equal(data.held_out.inputs, full.held_out.inputs)


def test_fidelity_resolution(monkeypatch):
    network, data = trained_with(monkeypatch, quick(fidelity="resolution"), 0.75)
    assert tuple(data.train.inputs.shape[1:]) == (1, 6, 6)
    assert network(torch.zeros(1, 1, 6, 6)).shape == (1, 10)


def test_fidelity_width(monkeypatch):
    estimator = Training(TINY.replace(width=8), DIGITS, epochs=1, device="cpu", fidelity="width")
    full = TINY.replace(width=8).build(FIRST, DIGITS.shape).entry1[0][0].out_channels
    network, _ = trained_with(monkeypatch, estimator, 0.5)
    assert network.entry1[0][0].out_channels == full // 2


@pytest.mark.parametrize("fidelity", [0.0, 1.5, -1.0, float("nan")])
def test_a_share_outside_0_to_1_is_refused(fidelity):
    with pytest.raises(UserError, match="above 0 and at most 1"):
        quick().estimate(Proposal(FIRST, fidelity=fidelity), 0)


@pytest.mark.parametrize(
    ("space", "options", "match"),
    [
        (TINY, {"fidelity": "depth"}, "no fidelity 'depth'"),
        (MLP, {"fidelity": "width"}, "width_parameter"),
        (TINY, {"device": "cuda:99"}, "not there"),
        (TINY, {"device": "gpu"}, "no device 'gpu'"),
        (TINY, {"device": "meta"}, "no device 'meta'.*expected auto, cpu, cuda"),
        (TINY, {"device": "mps"}, "no device 'mps'"),
        (TINY, {"validation": 1.0}, "validation is 1.0; expected a share above 0 and below 1"),
        (TINY, {"validation": 0}, "validation is 0"),
        (TINY, {"validation": "10%"}, "validation"),
        (TINY, {"time_limit": 0}, "time_limit is 0; expected seconds above 0, or None"),
        (TINY, {"time_limit": float("nan")}, "time_limit"),
        (TINY, {"time_limit": "1h"}, "time_limit"),
        (TINY, {"epoch": 3}, "did you mean 'epochs'"),
        (TINY, {"devise": "cpu"}, "did you mean 'device'"),
        (TINY, {"epochs": 0}, "epochs"),
    ],
)
def test_options_that_cannot_be(space, options, match):
    with pytest.raises(ConfigurationError, match=match):
        Training(space, DIGITS, **options)


def test_a_space_for_images_refuses_vectors_at_once():
    vectors = nw.tasks.arrays(np.random.default_rng(0).normal(size=(40, 6)), [0, 1] * 20)
    with pytest.raises(UserError, match="vectors"):
        Training(TINY, vectors)
    assert Training(MLP, vectors, epochs=1).estimate(Proposal(MLP.at(0)), 0).metrics["val_loss"] > 0


def test_settings_and_overrides_become_one():
    base = TrainingSettings(epochs=7, learning_rate=0.02)
    estimator = Training(TINY, DIGITS, settings=base, epochs=2)
    assert estimator.settings == base.replace(epochs=2)
    assert estimator.replace(batch_size=32).settings == base.replace(epochs=2, batch_size=32)
    configuration = json.loads(json.dumps(estimator.configuration()))["arguments"]
    assert configuration["settings"]["arguments"]["epochs"] == 2 and configuration["task"]["task"] == "digits"
    assert configuration["device"] == "auto" and "epochs" not in configuration


def test_divergence_passes_through():
    with pytest.raises(Diverged):
        quick(epochs=3, learning_rate=1e12, gradient_clip=None, warm_up=0.0).estimate(Proposal(FIRST), 0)


class Huge(DecisionSpace):
    def network(self, choose, shape):
        width = choose.value("width", [10, 10**9])
        layers = nn.Linear(shape.features, width), nn.Linear(width, width), nn.Linear(width, shape.classes)
        return nn.Sequential(nn.Flatten(), *layers)


def test_what_cannot_fit_is_refused_before_it_is_built():
    space = Huge()
    estimator = Training(space, DIGITS, epochs=1, device="cpu")
    with pytest.raises(OutOfMemory, match=r"1,000,000,076,000,000,010 parameters.*GiB"):
        estimator.estimate(Proposal(space.architecture({"width": 10**9})), 0)
    assert estimator.estimate(Proposal(space.architecture({"width": 10})), 0).metrics["val_loss"] > 0


def test_the_memory_of_this_machine():
    total = devices.total_memory(torch.device("cpu"))
    assert total is None or 2**28 < total < 2**50
    devices.refuse_what_cannot_fit(10**6, 10**6, 64, torch.device("cpu"))


def test_an_interrupted_training_is_continued(tmp_path, monkeypatch):
    whole = quick(epochs=3).estimate(Proposal(FIRST), 0)
    estimator = quick(epochs=3, checkpoint_directory=tmp_path)

    class Interrupted(Exception):
        pass

    real = nw.estimators.training.train

    def interrupted(*arguments, **options):
        def stop(entry):
            if entry["epoch"] == 2:
                raise Interrupted

        return real(*arguments, **{**options, "on_epoch": stop})

    monkeypatch.setattr(nw.estimators.training, "train", interrupted)
    with pytest.raises(Interrupted):
        estimator.estimate(Proposal(FIRST), 0)
    monkeypatch.setattr(nw.estimators.training, "train", real)
    assert estimator.estimate(Proposal(FIRST), 0).metrics == whole.metrics


@pytest.mark.parametrize(
    "change",
    [
        {"split_seed": 1},
        {"validation": 0.2},
        {"fidelity": "data"},
        {"space": TINY.replace(width=8)},
        {"task": nw.tasks.digits(split_seed=3)},
    ],
)
def test_checkpoints_are_those_of_the_same_data_and_space(tmp_path, change):
    quick(checkpoint_directory=tmp_path).estimate(Proposal(FIRST), 0)
    other = quick(checkpoint_directory=tmp_path).replace(**change)
    fresh = other.replace(checkpoint_directory=None)
    proposal = Proposal(other.space.at(0))
    assert other.estimate(proposal, 0).metrics == fresh.estimate(proposal, 0).metrics
    assert len(list(tmp_path.iterdir())) == 2


def test_a_first_epoch_may_take_three_times_the_limit(monkeypatch):
    seen = []
    real = nw.estimators.training.train

    def spied(*arguments, deadline, first_epoch_deadline, **options):
        seen.append(first_epoch_deadline - deadline)
        return real(*arguments, deadline=time.monotonic(), first_epoch_deadline=first_epoch_deadline, **options)

    monkeypatch.setattr(nw.estimators.training, "train", spied)
    found = quick(time_limit=60).estimate(Proposal(FIRST), 0)
    assert found.metrics["val_loss"] > 0 and seen == [pytest.approx(120)]
    with pytest.raises(OutOfTime, match="1 of 2 epochs fitted"):
        quick(time_limit=60, epochs=2).estimate(Proposal(FIRST), 0)
    with pytest.raises(OutOfTime, match="first epoch"):
        quick(time_limit=1e-6).estimate(Proposal(FIRST), 0)


class Mismatched(DecisionSpace):
    def network(self, choose, shape):
        return nn.Sequential(nn.Flatten(), nn.Linear(choose.value("width", [63, 65]), shape.classes))


class LooksAtValues(nn.Module):
    def forward(self, x):
        return x * 2 if x.sum().item() > 0 else x


class Looking(DecisionSpace):
    def network(self, choose, shape):
        width = choose.value("width", [4, 8])
        layers = nn.Linear(shape.features, width), nn.Linear(width, shape.classes)
        return nn.Sequential(LooksAtValues(), nn.Flatten(), *layers)


class Lazy(DecisionSpace):
    def network(self, choose, shape):
        return nn.Sequential(nn.Flatten(), nn.LazyLinear(choose.value("width", [4, 8])), nn.LazyLinear(shape.classes))


@pytest.mark.parametrize(
    ("space", "code", "match"),
    [
        (Mismatched(), 3, r"Mismatched.*shape \(1, 8, 8\).*RuntimeError.*64.*63"),
        (Looking(), 2, r"Looking.*values.*item"),
        (Lazy(), 2, "Lazy.*sizes"),
    ],
)
def test_a_space_whose_first_network_does_not_run_is_refused_in_one_line(space, code, match):
    with pytest.raises(UserError, match=match) as caught:
        Training(space, DIGITS)
    assert "\n" not in str(caught.value) and caught.value.exit_code == code


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_trains_on_cuda():
    estimator = quick(epochs=3, device="cuda")
    first, again = (estimator.estimate(Proposal(FIRST), 0) for _ in range(2))
    assert first.metrics == again.metrics and estimator.device.type == "cuda"


@pytest.mark.parametrize("make", [nw.spaces.NasBench201, nw.spaces.Darts, nw.spaces.NasNet])
def test_cells_have_a_width_to_reduce(make):
    space = make(channels=16)
    estimator = Training(space, DIGITS, device="cpu", fidelity="width")
    assert estimator._space_at(0.5).channels == 8
    assert estimator._space_at(1.0) is space
