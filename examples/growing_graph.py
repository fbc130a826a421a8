"""Networks as graphs that grow: evolution adds, removes and alters layers, branches and skip connections."""

import netwright as nw

task = nw.tasks.digits()
space = nw.spaces.FreeGraph(most=8, widths=(8, 16, 32))
strategy = nw.strategies.RegularizedEvolution(space, population=6, tournament=3)
search = nw.Search(strategy, nw.estimators.Training(space, task, epochs=1), constraints="params <= 30k", seed=0)
run = search.run(trials=12)

best = run.best.architecture
print(f"{len(best.content) - 1} layers, validation accuracy {run.best.metrics['val_accuracy']:.3f}")
for number, (operation, width, stride, merge, sources) in enumerate(best.content, 1):
    print(number, operation, f"width {width}, stride {stride}," if width else "", f"{merge} of", *sources)
