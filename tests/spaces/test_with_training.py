"""Networks and their training chosen together."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import torch

import netwright as nw
from netwright.core import listed
from netwright.core.errors import ConfigurationError, InvalidArchitecture
from netwright.core.roles import ChoosesTraining, chosen_training
from netwright.core.task import TaskShape
from netwright.core.trial import Proposal
from netwright.estimators import Cost, Training
from netwright.results.baselines import draw_picks
from netwright.spaces import Among, Chain, Darts, FreeGraph, Mlp, NasBench101, NasBench201, WithTraining
from netwright.tasks import arrays
from netwright.testing import check_space

CHOICES = {"learning_rate": [0.1, 0.03, 0.3], "gradient_clip": [None, 1.0], "nesterov": [True], "optimiser": ["sgd"]}
IMAGE = TaskShape((1, 8, 8), 3)
MLP = Mlp(widths=(4, 8), least=1, most=2)


class Rows(nw.DecisionSpace):
    """Poolings may follow only while there are few."""

    def network(self, choose, shape):
        layers = []
        for i in range(3):
            choose.allow(f"layer{i}", lambda answers: ["conv"] if answers.count("pool") else None)
            makers = {"conv": lambda: torch.nn.Conv2d(shape.channels, shape.channels, 1), "pool": torch.nn.Identity}
            layers.append(choose.one(f"layer{i}", makers))
        return torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(shape.features, shape.classes))


def few(space, count=5):
    rng = np.random.default_rng(0)
    return Among(space, list(dict.fromkeys(space.sample(rng) for _ in range(count))))


INNER = {
    "plain": NasBench201(channels=4, cells=1),
    "conditions": Chain(width=4),
    "restricted": NasBench101(channels=5, stacks=1, modules=1),
    "ruled": Rows(),
    "values": MLP,
}


@pytest.mark.parametrize("space", INNER.values(), ids=INNER)
def test_the_contract_of_a_space_holds(space):
    shape = IMAGE if space is not MLP else TaskShape((6,), 3)
    check_space(WithTraining(space, CHOICES), shape, samples=6, networks=1)


@pytest.mark.parametrize("space", [*INNER.values(), few(INNER["plain"])], ids=[*INNER, "listed"])
def test_each_network_is_there_with_each_training(space):
    both = WithTraining(space, CHOICES)
    assert both.size == 6 * space.size
    rng = np.random.default_rng(0)
    inner = space.sample(rng)
    here = both.trained_with(inner, learning_rate=0.3, gradient_clip=None)
    assert both.untrained(here) == inner and here.space is both
    assert both.training_of(here) == {
        "learning_rate": 0.3,
        "gradient_clip": None,
        "nesterov": True,
        "optimiser": "sgd",
    }
    assert both.training_of(both.trained_with(inner)) == {**both.training_of(here), "learning_rate": 0.1}
    drawn = [both.sample(rng) for _ in range(20)]
    assert {both.training_of(each)["learning_rate"] for each in drawn} == {0.1, 0.03, 0.3}
    changed = [both.mutate(here, rng) for _ in range(60)]
    assert here not in changed and {both.untrained(each) == inner for each in changed} == {True, False}
    near = list(both.neighbors(here))
    assert set(changed) <= set(near) and len(set(near)) == len(near) == 3 + len(list(space.neighbors(inner)))
    child = both.crossover(here, drawn[0], rng)
    assert both.training_of(child)["learning_rate"] in (0.3, both.training_of(drawn[0])["learning_rate"])
    assert both.parse(str(here)) == both.parse(here.to_json()) == here
    assert both.trained_as(drawn[0], here) == both.trained_with(
        both.untrained(drawn[0]), learning_rate=0.3, gradient_clip=None
    )


def test_it_is_a_value_and_one_of_its_own():
    both = WithTraining(NasBench201(), CHOICES)
    again = pickle.loads(pickle.dumps(both))
    assert again == both and again.id == both.id and json.dumps(both.configuration())
    assert WithTraining(NasBench201(), {**CHOICES, "learning_rate": (0.1, 0.03, 0.3)}) == both
    others = [NasBench201(), WithTraining(NasBench201(), {"learning_rate": [0.1, 0.2]}), WithTraining(Darts(), CHOICES)]
    assert both.id not in {each.id for each in others}
    assert isinstance(both, ChoosesTraining) and not isinstance(NasBench201(), ChoosesTraining)
    assert chosen_training(NasBench201(), next(NasBench201().enumerate())) == {}
    same = next(each for each in NasBench201().enumerate() if NasBench201().key(each) != each.content)
    first, second = both.trained_with(same), both.trained_with(same, learning_rate=0.3)
    assert both.key(first) == both.key(both.trained_with(both.space.canonical(same))) != both.key(second)


def test_none_is_a_text_where_the_setting_knows_it():
    both = WithTraining(MLP, {"augmentation": ["none", "light"], "gradient_clip": ["none", 1.0]})
    assert both.training_of(both.trained_with(next(MLP.enumerate()))) == {"augmentation": "none", "gradient_clip": None}
    assert both == WithTraining(MLP, {"augmentation": ["none", "light"], "gradient_clip": [None, 1.0]})


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"learning_rat": [0.1]}, r"no training setting 'learning_rat'; did you mean 'learning_rate'"),
        ({"learning_rate": [0.1, -1]}, r"learning_rate = -1: expected a number above 0"),
        ({"optimiser": ["sgd", "adam"]}, r"optimiser = 'adam'.*adamw"),
        ({"learning_rate": []}, r"learning_rate is \[\]; expected a list"),
        ({"optimiser": "sgd"}, r"optimiser is 'sgd'; expected a list"),
        ({"learning_rate": [0.1, 0.1]}, r"names a value twice"),
        ({"epochs": [1, 2]}, r"epochs must be the same for all"),
    ],
)
def test_what_cannot_be_chosen_is_refused_in_one_line(choices, said):
    with pytest.raises(ConfigurationError, match=said) as refused:
        WithTraining(MLP, choices)
    assert "\n" not in str(refused.value)


def test_other_spaces_and_values_are_refused(monkeypatch):
    with pytest.raises(ConfigurationError, match="FreeGraph has none"):
        WithTraining(FreeGraph(), CHOICES)
    with pytest.raises(ConfigurationError, match="already"):
        WithTraining(WithTraining(MLP, CHOICES), CHOICES)
    monkeypatch.setattr(listed, "MOST_LISTED", 29)
    with pytest.raises(ConfigurationError, match="would be 30, expected at most 29"):
        WithTraining(few(INNER["plain"]), CHOICES).decisions  # noqa: B018
    with pytest.raises(InvalidArchitecture, match=r"'training/learning_rate' cannot take 0\.5"):
        WithTraining(MLP, CHOICES).trained_with(next(MLP.enumerate()), learning_rate=0.5)


def small():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(80, 6, generator=generator)
    return arrays(inputs, (inputs[:, 0] > 0).long() + (inputs[:, 1] > 0).long())


def test_networks_are_counted_and_trained_as_without(tmp_path):
    task, both = small(), WithTraining(MLP, CHOICES)
    inner = next(MLP.enumerate())
    here, other = both.trained_with(inner, learning_rate=0.03), both.trained_with(inner, learning_rate=0.3)
    assert Cost(both, task.shape).figures(here) == Cost(MLP, task.shape).figures(inner)
    options = {"epochs": 2, "device": "cpu", "checkpoint_directory": tmp_path, "gradient_clip": 2.0}
    training = Training(both, task, **options)
    assert training.settings_of(other).learning_rate == 0.3 and training.settings_of(other).gradient_clip is None
    metrics = [training.estimate(Proposal(each), 0).metrics for each in (here, other, here)]
    assert metrics[0] == metrics[2] != metrics[1]
    alone = Training(MLP, task, **{**options, "learning_rate": 0.3, "gradient_clip": None})
    assert alone.estimate(Proposal(inner), 0).metrics == metrics[1]
    assert len({each.name[:16] for each in tmp_path.iterdir()}) == 3


def test_a_random_pick_is_trained_as_the_winner():
    both = WithTraining(MLP, CHOICES)
    winner = both.trained_with(next(MLP.enumerate()), learning_rate=0.3)
    picks = draw_picks(both, winner, small(), (0, 1, 2))
    assert len(picks) == len({both.untrained(each) for each in (*picks, winner)}) - 1 == 3
    assert all(both.training_of(each) == both.training_of(winner) for each in picks)


def test_a_space_that_is_made_narrower_keeps_its_choices():
    both = WithTraining(Chain(width=8), CHOICES)
    inputs = torch.randint(0, 255, (40, 1, 8, 8), dtype=torch.uint8)
    training = Training(both, arrays(inputs, torch.arange(40) % 2), epochs=1, fidelity="width", device="cpu")
    here = both.trained_with(both.space.sample(np.random.default_rng(0)), learning_rate=0.03)
    assert training.estimate(Proposal(here, fidelity=0.5), 0).metrics["val_loss"] > 0
