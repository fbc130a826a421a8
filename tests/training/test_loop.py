from __future__ import annotations

import copy
import math
import time

import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from training_parts import image_data, same_bits, small, vector_data

from netwright.core.errors import DataError, Diverged, OutOfMemory, TrialFailed
from netwright.core.task import Augmentation, Data, Examples
from netwright.problems.classification import Classification
from netwright.training import OutOfTime, TrainingSettings, evaluate, predict, seeded, train
from netwright.training.batches import epoch_order
from netwright.training.optimisers import learning_rate

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimiser": "adamw", "learning_rate": 1e-2, "precision": "bfloat16", "average": 0.9},
        {"drop_path": 0.4, "label_smoothing": 0.1, "channels_last": False, "gradient_clip": None},
    ],
)
def test_the_same_seed_gives_the_same_bits_and_another_does_not(options):
    settings = TrainingSettings(epochs=3, batch_size=16, **options)
    networks = [small(auxiliary=True) for _ in range(3)]
    results = [train(n, image_data(), settings, seed) for n, seed in zip(networks, (7, 7, 8), strict=True)]
    curves = [[{**entry, "seconds": 0} for entry in result.curve] for result in results]
    assert same_bits(networks[0], networks[1])
    assert curves[0] == curves[1]
    assert not same_bits(networks[0], networks[2])


def test_one_epoch_equals_a_loop_written_by_hand():
    """Clipping, label smoothing, auxiliary head, weight decay, schedule and Nesterov momentum, in double precision."""
    data = image_data(41, channels=2, augmentation=Augmentation())
    options = {"label_smoothing": 0.1, "gradient_clip": 0.5, "auxiliary_weight": 0.3, "weight_decay": 0.02}
    settings = TrainingSettings(epochs=1, batch_size=8, precision="float32", warm_up=0.4, learning_rate=0.1, **options)
    network = small(channels=2, auxiliary=True, dropout=0.0)
    reference = copy.deepcopy(network).double().train()
    result = train(network, data, settings, seed=3)

    mean, std = (torch.tensor(each, dtype=torch.float64).view(1, 2, 1, 1) for each in (data.mean, data.std))
    inputs = (data.train.inputs / 255.0 - mean) / std
    order, names = epoch_order(41, 3, 0, CPU), dict(reference.named_parameters())
    velocity = {name: torch.zeros_like(p) for name, p in names.items()}
    losses, right = [], 0
    for step in range(5):
        index = order[8 * step : 8 * step + 8]
        one_hot = F.one_hot(data.train.targets[index], 10) * 0.9 + 0.01
        outputs = reference(inputs[index])
        main, extra = (-(one_hot * output.log_softmax(1)).sum(1).mean() for output in outputs)
        loss = main + 0.3 * extra
        gradients = torch.autograd.grad(loss, list(names.values()))
        norm = torch.sqrt(sum((g**2).sum() for g in gradients))
        for (name, p), g in zip(names.items(), gradients, strict=True):
            g = g * min(1, 0.5 / norm.item()) + (0.02 * p.detach() if p.dim() > 1 else 0)
            velocity[name] = 0.9 * velocity[name] + g
            p.data -= learning_rate(settings, step, 5) * (g + 0.9 * velocity[name])
        losses.append(loss.item())
        right += int((outputs[0].argmax(1) == data.train.targets[index]).sum())
    for name, tensor in network.state_dict().items():
        assert torch.allclose(tensor.double(), reference.state_dict()[name].double(), rtol=1e-3, atol=2e-5), name
    assert result.metrics["train_loss"] == pytest.approx(sum(losses) / 5, rel=1e-4)
    assert result.metrics["train_accuracy"] == right / 40
    assert result.curve[0]["learning_rate"] == learning_rate(settings, 4, 5)


def test_the_result_describes_the_returned_network():
    data, network = image_data(), small(auxiliary=True)
    result = train(network, data, TrainingSettings(epochs=3, precision="bfloat16", average=0.8), seed=0)
    assert not network.training
    assert all(p.is_contiguous() for p in network.parameters())
    again = evaluate(network, data.held_out, data, precision="bfloat16", channels_last=result.channels_last)
    assert (again["loss"], again["accuracy"]) == (result.metrics["val_loss"], result.metrics["val_accuracy"])
    assert [entry["epoch"] for entry in result.curve] == [1, 2, 3]
    last = {name: result.curve[-1][name] for name in result.metrics}
    assert result.metrics == last
    assert set(last) == {"train_loss", "train_accuracy", "val_loss", "val_accuracy", "val_balanced_accuracy"}
    assert (result.epochs, result.stopped, result.threads, result.device) == (3, "epochs", 1, "cpu")
    assert (result.peak_memory, result.notes, result.precision) == (None, (), "bfloat16")


def test_the_average_is_what_is_returned():
    plain, averaged = small(), small()
    for network, average in ((plain, None), (averaged, 0.9)):
        train(network, image_data(), TrainingSettings(epochs=2, average=average), seed=0)
    assert not same_bits(plain, averaged)
    # The steps themselves are the same: batch normalisation saw as many batches.
    assert plain.stem[1].num_batches_tracked == averaged.stem[1].num_batches_tracked


def test_drop_path_rises_epoch_by_epoch():
    network = small()
    train(network, image_data(), TrainingSettings(epochs=3, batch_size=40, drop_path=0.2), seed=0)
    assert network.path.seen == pytest.approx([0, 0.1, 0.2])


def test_measuring_every_few_epochs_and_at_the_end_changes_no_weights():
    networks, curves = [small(), small()], []
    for network, every in zip(networks, (1, 3), strict=True):
        seen = []
        train(network, image_data(), TrainingSettings(epochs=4, evaluate_every=every), seed=0, on_epoch=seen.append)
        curves.append(seen)
    assert same_bits(*networks)
    assert ["val_loss" in entry for entry in curves[1]] == [False, False, True, True]
    assert curves[0][3]["val_loss"] == curves[1][3]["val_loss"]


class Poison(nn.Module):
    """Gives infinite output from some training batch on."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after, self.batches = after, 0

    def forward(self, x):
        self.batches += self.training
        return x * math.inf if self.batches > self.after else x


@pytest.mark.parametrize("look_every", [1, 2, 50])
def test_the_first_loss_that_is_not_finite_ends_the_training(monkeypatch, look_every):
    monkeypatch.setattr("netwright.training.loop._looks", lambda device: look_every)
    network = nn.Sequential(nn.Linear(6, 4), Poison(after=12), nn.Linear(4, 2))
    with pytest.raises(Diverged) as caught:
        train(network, vector_data(), TrainingSettings(epochs=5, batch_size=8), seed=0)
    problem = caught.value
    assert "epoch 3, step 3 of 5" in str(problem)
    assert problem.state == "diverged"
    assert [entry["epoch"] for entry in problem.curve] == [1, 2]
    assert problem.metrics["val_loss"] == problem.curve[-1]["val_loss"]
    assert all(math.isfinite(value) for value in problem.metrics.values())


def test_weights_that_are_not_finite_after_the_last_step_are_noticed():
    with seeded(0):
        network = nn.Linear(6, 2)
    settings = TrainingSettings(epochs=1, batch_size=40, learning_rate=3e38, gradient_clip=None, warm_up=0.0)
    with pytest.raises(Diverged, match="held-out loss") as caught:
        train(network, vector_data(), settings, seed=0)
    assert caught.value.curve == ()


def test_a_deadline_ends_the_training_after_an_epoch_with_a_measurement():
    network = small()
    settings = TrainingSettings(epochs=100_000, evaluate_every=100_000)
    began = time.monotonic()
    result = train(network, image_data(), settings, seed=0, deadline=began + 1, first_epoch_deadline=began + 1e6)
    assert time.monotonic() < began + 60
    assert result.stopped == "deadline"
    assert 0 < result.epochs == len(result.curve) < 100_000
    assert "val_accuracy" in result.curve[-1]
    assert "val_accuracy" not in result.curve[0]


def test_a_deadline_within_the_first_epoch():
    with pytest.raises(OutOfTime, match="of the first epoch") as caught:
        train(small(), image_data(), TrainingSettings(batch_size=4), seed=0, deadline=time.monotonic() - 1)
    assert caught.value.state == "timeout"


def test_the_first_epoch_may_have_a_deadline_of_its_own():
    began = time.monotonic()
    settings = TrainingSettings(epochs=3, batch_size=4)
    result = train(small(), image_data(), settings, seed=0, deadline=began, first_epoch_deadline=began + 1e6)
    assert (result.epochs, result.stopped) == (1, "deadline") and "val_loss" in result.metrics
    with pytest.raises(OutOfTime):
        train(small(), image_data(), settings, seed=0, deadline=began + 1e6, first_epoch_deadline=began)


@pytest.mark.parametrize(
    "problem",
    [
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried ..."),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        MemoryError(),
    ],
)
def test_running_out_of_memory_is_said_with_what_was_tried(problem):
    class Hungry(nn.Linear):
        def forward(self, x):
            raise problem

    with pytest.raises(OutOfMemory, match="98 parameters with batches of 64 examples of 6;") as caught:
        train(Hungry(6, 14), vector_data(), TrainingSettings(), seed=0)
    assert caught.value.state == "out_of_memory"


def test_a_real_failure_to_allocate_is_out_of_memory():
    class Hungry(nn.Linear):
        def forward(self, x):
            return torch.empty(1 << 60, dtype=torch.uint8)

    with pytest.raises(OutOfMemory, match="smaller batch_size"):
        predict(Hungry(6, 2), vector_data().held_out, vector_data())


def test_other_errors_of_a_network_stay_what_they_are():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        train(nn.Linear(5, 2), vector_data(), TrainingSettings(), seed=0)


def test_a_network_without_parameters_fails_as_a_trial():
    with pytest.raises(TrialFailed, match="no parameters"):
        train(nn.Identity(), vector_data(), TrainingSettings(), seed=0)


def test_augmentation_can_be_turned_off_and_cutout_replaced():
    def trained(data: Data, **options) -> nn.Module:
        network = small(dropout=0.0)
        train(network, data, TrainingSettings(epochs=1, **options), seed=0)
        return network

    augmented, plain = image_data(), image_data(augmentation=Augmentation())
    assert same_bits(trained(augmented, augment=False), trained(plain))
    assert same_bits(trained(plain, cutout=3), trained(image_data(augmentation=Augmentation(cutout=3))))
    assert not same_bits(trained(augmented), trained(plain))


def test_vectors_with_augmentation_are_refused():
    data = vector_data()
    data = Data(data.train, data.held_out, data.mean, data.std, data.problem, Augmentation(flip=True))
    with pytest.raises(DataError, match="vectors"):
        train(nn.Linear(6, 2), data, TrainingSettings(), seed=0)


def test_the_digits_are_learnt_in_a_few_seconds():
    images, labels = load_digits(return_X_y=True)
    inputs = torch.tensor(images * (255 / 16)).round().to(torch.uint8).view(-1, 1, 8, 8)
    labels = torch.tensor(labels)
    held_out = torch.arange(len(labels)) % 5 == 0
    mean, std = (inputs / 255).mean().item(), (inputs / 255).std().item()
    train_split = Examples(inputs[~held_out], labels[~held_out])
    data = Data(
        train_split,
        Examples(inputs[held_out], labels[held_out]),
        (mean,),
        (std,),
        Classification("0123456789"),
        Augmentation(padding=1),
    )
    with seeded(0):
        wide = nn.Sequential(nn.Conv2d(1, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2))
        wide.extend(nn.Sequential(nn.Conv2d(24, 32, 3, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten()))
        wide.append(nn.Linear(128, 10))
    result = train(wide, data, TrainingSettings(epochs=6), seed=0)
    assert result.metrics["val_accuracy"] > 0.95
    assert evaluate(wide, data.held_out, data)["accuracy"] > 0.95


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_cuda_gives_the_same_bits_again_and_reports_its_memory(precision, tmp_path):
    settings = TrainingSettings(epochs=4, precision=precision, average=0.9, drop_path=0.2)
    networks = [small(auxiliary=True) for _ in range(3)]
    results = [train(network, image_data(), settings, 0, device="cuda") for network in networks[:2]]
    assert same_bits(networks[0], networks[1])
    assert (results[0].peak_memory or 0) > 0

    def stop(entry):
        if entry["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(networks[2], image_data(), settings, 0, device="cuda", checkpoint=tmp_path, on_epoch=stop)
    train(networks[2], image_data(), settings, 0, device="cuda", checkpoint=tmp_path)
    assert same_bits(networks[0], networks[2])
