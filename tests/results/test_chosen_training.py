"""A network whose training was chosen with it, from the search to the exported folder."""

from __future__ import annotations

import torch

import netwright as nw
from netwright.results import read_architecture
from netwright.spaces import Mlp, WithTraining
from netwright.tasks import arrays

CHOICES = {"learning_rate": [0.1, 0.03], "gradient_clip": [None, 1.0], "mixup": [0.2]}


def search():
    inputs = torch.randn(120, 6, generator=torch.Generator().manual_seed(0))
    task = arrays(inputs, (inputs[:, 0] > 0).long())
    space = WithTraining(Mlp(widths=(4, 8), least=1, most=2), CHOICES)
    training = nw.estimators.Training(space, task, epochs=2, device="cpu")
    return nw.Search(nw.strategies.RandomSearch(space), training)


def test_what_was_chosen_is_kept_trained_with_and_reported(tmp_path):
    run = search().run(trials=2, store=tmp_path / "runs", name="chosen")
    again = search().run(trials=3, store=tmp_path / "runs", name="chosen", resume=True)
    assert len(again.trials) == 3 and [each.architecture for each in again.trials[:2]] == [
        each.architecture for each in run.trials
    ]
    loaded = search().load(tmp_path / "runs", "chosen")
    wanted = loaded.search.estimator.space.training_of(loaded.best.architecture)
    exported = loaded.export(tmp_path / "out", final_epochs=1, final_seeds=1, baselines=False)
    assert read_architecture(exported.directory)["training"] == wanted and wanted["mixup"] == 0.2
    settings = exported.figures.training["settings"]
    assert {name: settings[name] for name in wanted} == wanted and settings["epochs"] == 1
    said = f"trained as the search chose: learning rate {wanted['learning_rate']}"
    assert said.capitalize() in exported.readme.read_text()
