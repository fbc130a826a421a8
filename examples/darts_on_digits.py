"""DARTS on the built-in digits: shared weights, their alarms, and what a random architecture scores beside it."""

import numpy as np

import netwright as nw
from netwright.results.alarm_sentences import alarm_lines

task = nw.tasks.digits()
space = nw.spaces.NasBench201(channels=4, cells=1)
run = nw.methods.darts(space, task, epochs=2).run()

epochs = [trial.metrics for trial in run.trials if trial.proposal.purpose == "train"]
for epoch in epochs:
    print(
        f"epoch {epoch['epoch']:.0f}: mixture {epoch['mixture_accuracy']:.1%}, rounded {epoch['rounded_accuracy']:.1%}"
    )
print("found", run.best.architecture)
print(*(f"alarm: {line}" for line in alarm_lines(epochs)), sep="\n")

shared = run.search.estimator
other = space.sample(np.random.default_rng(0))
print("a random one with the same weights:", shared.estimate(nw.Proposal(other), seed=0).metrics["val_accuracy"])
