"""A space of your own in ten lines, searched on the built-in digits."""

from torch import nn

import netwright as nw


class Plain(nw.DecisionSpace):
    width: int = 12

    def network(self, choose, shape):
        c = self.width

        def block(kernel):
            return nn.Sequential(nn.Conv2d(c, c, kernel, padding="same", bias=False), nn.BatchNorm2d(c), nn.ReLU())

        return nn.Sequential(
            nn.Conv2d(shape.channels, c, 3, padding=1),
            choose.repeat("depth", 1, 3, lambda i: block(choose.value("kernel", [1, 3, 5]))),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(4 * c, shape.classes),
        )


space = Plain()
print(f"{space.size} architectures over the decisions {[each.name for each in space.decisions]}")
estimator = nw.estimators.Training(space, nw.tasks.digits(), epochs=2)
run = nw.Search(nw.strategies.RandomSearch(space), estimator, seed=0).run(trials=5)
for trial in run.trials:
    print(trial.number, trial.architecture, f"{trial.metrics['val_accuracy']:.3f}")
