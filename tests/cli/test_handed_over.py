"""Which network a search with shared weights hands over: what they chose, trained by itself, or that of the search
beside it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.kinds import masks
from typer.testing import CliRunner

import netwright as nw
from netwright.catalogue import construct, load, split
from netwright.cli import search
from netwright.cli.app import app
from netwright.cli.asked import SearchOptions
from netwright.cli.beside import leading_search, random_plan
from netwright.cli.explaining import recipe_words
from netwright.cli.plan import Plan
from netwright.cli.planning import plan_of_search
from netwright.cli.recipe_epochs import SMALLER_SPACES, as_long_as_fits, made_smaller, require_an_epoch
from netwright.core.errors import UserError
from netwright.core.objective import Objective
from netwright.methods.timing import Pace
from netwright.results.figures import Contender, Figures
from netwright.results.verdict import verdict
from netwright.tasks import open_task
from netwright.training import TrainingSettings
from netwright.training.batches import usual_batch

TWO = """
from torch import nn

import netwright as nw


class Two(nw.DecisionSpace):
    def network(self, choose, shape):
        kinds = {"skip": nn.Identity, "conv": lambda: nn.Conv2d(shape.channels, shape.channels, 3, padding=1)}
        layers = [choose.one(f"layer{i}", kinds) for i in range(2)]
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(shape.features, shape.classes))
"""
WORDS = ("--space", "two.py:Two", "--examples", "150", "--device", "cpu", "--final-epochs", "1", "--final-seeds", "1")


def command(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "two.py").write_text(TWO)
    monkeypatch.chdir(tmp_path)


def run_with(metric: str, value: float, *objectives: str) -> Any:
    found = SimpleNamespace(objectives=[Objective.parse(each) for each in (metric, *objectives)])
    estimator = SimpleNamespace(stages=lambda: [SimpleNamespace(validation=0.1)])
    return SimpleNamespace(search=SimpleNamespace(estimator=estimator, **vars(found)), best=best(metric, value))


def best(metric: str, value: float) -> Any:
    return SimpleNamespace(metrics={metric: value})


TASK: Any = SimpleNamespace(validation=None, train=range(1000))  # of which 100 are validated on


@pytest.mark.parametrize(
    ("metric", "own", "theirs", "leads"),
    [
        ("val_accuracy", 0.90, 0.96, True),  # 0.7 * 1.96 * sqrt(0.96 * 0.04 / 100) = 0.027
        ("val_accuracy", 0.94, 0.96, False),
        ("val_accuracy", 0.96, 0.90, False),
        ("val_mae:minimize", 3.0, 2.9, True),
        ("val_mae:minimize", 2.9, 3.0, False),
    ],
)
def test_another_search_leads_where_chance_does_not_explain_that_it_is_better(
    metric: str, own: float, theirs: float, leads: bool
) -> None:
    name = metric.partition(":")[0]
    run, trained, other = (run_with(metric, value) for value in (own, own, theirs))
    for each, value in ((trained, own), (other, theirs)):
        each.best = best(name, value)
    assert bool(leading_search(run, trained, other, TASK)) == leads
    assert not leading_search(run, None, other, TASK), "nothing is known of what was not trained by itself"
    assert not leading_search(run_with(metric, own, "params"), trained, other, TASK)


def test_a_front_or_repetitions_keep_their_own_network_and_one_search_hands_over_the_better(
    project: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "leading_search", lambda *_: "it is better")
    words = ("search", "digits", *WORDS, "--method", "gdas", "--epochs", "1", "--name", "g")
    found = json.loads(command(*words, "--json"))
    assert found["run"] == "g" and found["handed over"] == "g-random"
    assert found["final"]["search"]["run"] == "g-random"
    assert found["final"]["baselines"][0]["name"] == "network of gdas"
    said = command("show", "g")
    assert "it is better: netwright show g-random" in said and "scored with shared weights" in said
    assert "network of gdas" in command("show", "g-random")
    again = json.loads(command("resume", "g", "--json"))
    assert again["handed over"] == "g-random" and again["final"]["winner"] == found["final"]["winner"]


def test_the_network_that_was_chosen_goes_on_from_its_own_training(project: None) -> None:
    words = ("--method", "gdas", "--epochs", "1", "--name", "g", "--no-baselines", "--limit", "size <= 1 MB")
    said = command("search", "digits", *WORDS, *words)
    assert "(with shared weights)" in said and "search g-trained" in said
    assert "trained on from 5 to 6 epochs" in said, "of a candidate, and the further one that was asked for"
    assert "scored with shared weights" in command("show", "g"), (
        "what was measured of it is not taken for another search's network"
    )


def test_what_was_found_and_what_is_beside_it_are_trained_as_was_asked_for() -> None:
    task = open_task("digits", limit=100)
    words = {"space": "nasbench201:channels=2,cells=1", "method": "gdas", "training": "learning_rate=0.01", "epochs": 1}
    plan = plan_of_search(SearchOptions("digits", **words, final_training="optimiser=adamw,mixup=0.1"))
    space = plan.make_space(task)
    found: Any = plan.make_search(task, space).estimator
    beside: Any = plan.make_random_search(task, space).estimator
    alone: Any = random_plan(plan, 0).make_search(task, space).estimator
    assert found.settings.learning_rate == 0.01 and found.settings.optimiser == "sgd"
    for settings in (found.final_settings, beside.settings, alone.settings):
        assert (settings.optimiser, settings.mixup, settings.learning_rate) == ("adamw", 0.1, 0.1)
    usual: Any = replace(plan, final_training="").make_search(task, space).estimator
    assert usual.final_settings == TrainingSettings(epochs=1)
    assert usual.configuration() != found.configuration()
    assert "final_settings" not in usual.configuration()["arguments"]


def test_networks_of_masks_are_trained_with_batches_and_changes_that_suit_masks() -> None:
    task = masks(60)
    plan = Plan("masks", recipe="nas-unet", space="unet-cells:channels=2,nodes=1,depth=1", epochs=2)
    space = plan.make_space(task)
    candidate: Any = replace(plan, recipe=None).make_training(task, space)
    of_recipe: Any = plan.make_search(task, space).estimator
    size = usual_batch(task.shape, len(task.train))
    for settings in (candidate.settings, of_recipe.final_settings):
        assert (settings.batch_size, settings.augmentation) == (size, "auto")
        assert (settings.optimiser, settings.learning_rate) == ("adamw", 0.003)
    given: Any = replace(plan, final_training="augmentation=light").make_search(task, space).estimator
    assert (given.final_settings.batch_size, given.final_settings.augmentation) == (size, "light")
    sgd: Any = replace(plan, recipe=None, training="optimiser=sgd").make_training(task, space)
    assert (sgd.settings.batch_size, sgd.settings.learning_rate) == (size, 0.1), "that of SGD"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"strategy": "random"}, "--final-training mixup=0.2: it is for recipes"),
        ({"method": "darts", "final_training": "epochs=3"}, "--final-training: epochs have an option of their own"),
        ({"method": "darts", "final_training": "mixpu=0.2"}, "did you mean 'mixup'"),
    ],
)
def test_what_a_final_training_cannot_be_asked_for_is_said(options: dict[str, str], said: str) -> None:
    task = open_task("digits", limit=100)
    with pytest.raises(UserError, match=said):
        plan = plan_of_search(SearchOptions("digits", **{"final_training": "mixup=0.2", **options}))
        plan.make_search(task, plan.make_space(task))


def test_the_usual_space_is_made_smaller_where_few_epochs_fit() -> None:
    task = open_task("digits")
    plan = Plan("digits", recipe="darts", time="1m")
    usual = plan.make_space(task)
    sized = [made_smaller(plan, usual, times) for times in (0.9, 1.5, 2.5, 40.0)]
    assert [each and each.space for each in sized] == [
        None,
        "darts:cells=5,channels=8",
        "darts:cells=3,channels=8",
        "darts:cells=3,channels=8,nodes=2",
    ]
    assert sized[3] is not None and sized[3].make_space(task) == nw.spaces.Darts(cells=3, channels=8, nodes=2)
    assert made_smaller(replace(plan, space="darts"), usual, 40.0) is None, "what was named is taken"


def test_the_random_search_beside_is_left_out_where_an_epoch_fits_only_without(monkeypatch: pytest.MonkeyPatch) -> None:
    task = open_task("digits", limit=100)
    plan = Plan("digits", recipe="darts", time="1m", space="darts:cells=3,channels=4")
    space = plan.make_space(task)
    search = replace(plan, shared_epochs=1).make_recipe(task, space)
    with_it = 0.9 * (plan.search_seconds or 0.0)

    def fitted(epoch: float) -> Plan:
        monkeypatch.setattr("netwright.methods.timing.pace", lambda *_: Pace(epoch, 0.1))
        monkeypatch.setattr("netwright.cli.clock.elapsed", lambda: 0.0)
        return as_long_as_fits(plan, task, space, search, 50)

    both, alone = fitted(0.4 * with_it), fitted(1.2 * with_it)
    assert (both.random_search, both.random_left_out, both.shared_epochs) == (True, False, 2)
    assert (alone.random_search, alone.random_left_out, alone.shared_epochs) == (False, True, 1)
    assert "no random search beside it, so that an epoch fits" in recipe_words(alone, fitted=True)
    assert "a random search for as long beside it" in recipe_words(both, fitted=True)
    with pytest.raises(UserError, match="one epoch of 'darts'"):
        fitted(2.5 * with_it)


def test_smaller_spaces_are_of_the_same_kind_and_are_named_where_no_epoch_fits() -> None:
    for name, smaller in SMALLER_SPACES.items():
        made = [construct(load("space", split(each)[0]), options=split(each)[1]) for each, _ in smaller]
        assert {each.name for each in made} == {name}
        assert [share for _, share in smaller] == sorted((share for _, share in smaller), reverse=True)
    plan = Plan("digits", recipe="darts-rnn", time="1m")
    with pytest.raises(UserError, match="--space recurrent:channels=64,nodes=4"):
        require_an_epoch(plan, nw.spaces.Recurrent(), Pace(9.0, 1.0), 1.0)


def test_the_verdict_says_of_another_search_that_its_network_is_better() -> None:
    def contender(name: str, share: float, paired: tuple[float, float] | None = None) -> Contender:
        return Contender(name, (share,), (0,), paired=paired)

    for name, said in (
        ("random search", "The network that the random search found is better here by 84.00 points (79.00 to 89.00)"),
        ("network of darts", "The network of darts is better here by 84.00 points (79.00 to 89.00)"),
    ):
        figures = Figures(
            "digits", "{}", contender("found network", 0.14), (contender(name, 0.98, (-0.89, -0.79)),), 180, 0
        )
        assert verdict(figures).startswith(said)
