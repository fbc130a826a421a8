"""Networks that are made for tables: quantiles, gaps that are told, and what a person would try first."""

from pathlib import Path

import numpy as np

import netwright as nw

rng = np.random.default_rng(0)
rows = ["age,gain,city,income"]
for _ in range(2000):
    age, gain, city = rng.integers(18, 80), rng.choice([0, 0, 0, 0, 3103, 7688]), rng.choice(["oslo", "rome", "lima"])
    income = 20 * np.sin(age / 9) + 30 * (gain == 7688) + 9 * (city == "oslo") + rng.normal()
    rows.append(f"{age if rng.random() > 0.1 else ''},{gain},{city},{income:.2f}")
Path("incomes.csv").write_text("\n".join(rows))

task = nw.tasks.csv("incomes.csv", target="income", nan="indicate")
space = nw.spaces.Tables()
print(*task.notes, sep="\n")

settings = nw.TrainingSettings(epochs=8, batch_size=64, optimiser="adamw", learning_rate=3e-3, gradient_clip=1.0)
training = nw.estimators.Training(space, task, settings=settings)
for name, architecture in space.known(task.shape).items():
    measured = training.estimate(nw.Proposal(architecture), seed=0)
    print(f"{name}: R² {measured.metrics['val_r2']:.3f}")
