"""Shared weights of recurrent cells: the state is carried from one minibatch to the next, and survives a stop."""

import pytest
import torch

import netwright as nw
from netwright.core.architecture import Mixture
from netwright.estimators import SharedWeights
from netwright.spaces import Recurrent

SPACE = Recurrent(nodes=2, channels=4, state_dropout=0.2)


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    file = tmp_path_factory.mktemp("texts") / "a.txt"
    file.write_text("".join("abcdefgh"[i * i % 7] for i in range(800)))
    return nw.tasks.text(file, window=4)


def shared(task, **options):
    estimator = SharedWeights(SPACE, task, epochs=2, batch_size=8, device="cpu", **options)
    estimator.begin(5)
    return estimator


def mixture(seed=0, grad=True):
    generator = torch.Generator().manual_seed(seed)
    weighed = [each for each in SPACE.decisions if each.kind != "sources"]
    return Mixture(
        {
            each.name: torch.rand(len(each.options) + len(each.soft), generator=generator)
            .softmax(0)
            .requires_grad_(grad)
            for each in weighed
        }
    )


def carried(estimator, name):
    return estimator.weights.streams[name].states["network.recurrence"]


@pytest.mark.parametrize("order", [1, 2, "exact"])
def test_weights_that_were_saved_in_the_middle_of_an_epoch_go_on_bit_for_bit(task, order, tmp_path):
    rounds = [(nw.Proposal(mixture(i), "probe"), nw.Proposal(mixture(i, grad=False), "train")) for i in range(5)]
    whole = shared(task, order=order)
    for probe, train in rounds[:3]:
        whole.advance(probe)
        whole.advance(train)
    assert whole.weights.step % whole.weights.steps > 0  # in the middle
    whole.save(tmp_path, 3, {})
    other = shared(task, order=order)
    other.load(tmp_path, 3)
    for probe, train in rounds[3:]:
        for estimator in (whole, other):
            estimator.advance(probe)
            estimator.advance(train)
    for name, weight in whole.weights.supernet.state_dict().items():
        assert weight.equal(other.weights.supernet.state_dict()[name])
    assert carried(whole, "training").equal(carried(other, "training"))


def test_passes_over_one_minibatch_begin_in_one_state(task):
    estimator = shared(task)
    estimator.advance(nw.Proposal(mixture(), "probe"))
    estimator.advance(nw.Proposal(mixture(grad=False), "train"))
    trained = carried(estimator, "training").clone()
    first = estimator.advance(nw.Proposal(mixture(1), "probe"))
    there = carried(estimator, "validation").clone()
    again = estimator.advance(nw.Proposal(mixture(1), "probe", again=True))
    assert again.metrics["loss"].equal(first.metrics["loss"])
    rehearsed = [estimator.advance(nw.Proposal(mixture(2), "rehearse")).metrics["loss"] for _ in range(2)]
    assert rehearsed[0].equal(rehearsed[1])
    assert carried(estimator, "validation").equal(there)
    assert carried(estimator, "training").equal(trained)


def test_the_state_begins_anew_with_each_epoch(task):
    estimator = shared(task)
    first, steps = estimator.weights.training(0), estimator.weights.steps
    for _ in range(steps):
        estimator.advance(nw.Proposal(mixture(grad=False), "train"))
    assert estimator.weights.training(steps)[0].equal(first[0])
    estimator.advance(nw.Proposal(mixture(grad=False), "rehearse"))
    assert estimator.weights.streams["training"].states == {}


def test_an_architecture_scores_as_its_extracted_network(task):
    estimator = shared(task)
    architecture = SPACE.at(17)
    found = estimator.estimate(nw.Proposal(architecture), 0).metrics
    data = task.search_data(0, validation=0.5)
    expected = nw.training.evaluate(estimator.extract(architecture), data.held_out, data)
    assert found["val_perplexity"] == pytest.approx(expected["perplexity"], rel=1e-5)


def test_a_cell_that_is_computed_anew_has_the_same_gradients(task):
    plain, anew = shared(task), shared(task, recompute=True)
    for estimator in (plain, anew):
        for seed in range(2):
            estimator.advance(nw.Proposal(mixture(seed, grad=False), "train"))
    for ours, theirs in zip(plain.weights.parameters, anew.weights.parameters, strict=True):
        torch.testing.assert_close(ours, theirs)
