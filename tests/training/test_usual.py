"""The training that is begun with for each kind of data, and what of it is raced."""

from __future__ import annotations

import pytest

from netwright.core.task import TaskShape
from netwright.problems import Classification, DenseClassification, Regression
from netwright.spaces import Mlp, WithTraining
from netwright.training import TrainingSettings
from netwright.training.usual import choices, usual

NAMES = ("a", "b", "c")
KINDS = {
    "images": TaskShape((3, 32, 32), 3),
    "volumes": TaskShape((1, 8, 8, 8), 3),
    "masks": TaskShape((1, 64, 64), 3, dense=True),
    "vectors": TaskShape((12,), 3),
    "series": TaskShape((2, 50), 3),
    "tokens": TaskShape((40,), 3, vocabulary=9),
    "language": TaskShape((40,), 9, vocabulary=9, dense=True),
}


@pytest.mark.parametrize("examples", [12, 1_000, 100_000])
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_data_has_settings_that_can_be_trained_and_raced(kind, examples):
    shape = KINDS[kind]
    problem = DenseClassification(NAMES) if kind == "masks" else Classification(NAMES)
    own = usual(shape, problem, examples)
    settings = TrainingSettings().replace(**own)
    raced = choices(shape, problem, examples)
    assert "learning_rate" in raced and {name: values[0] for name, values in raced.items()} == {
        name: getattr(settings, name) for name in raced
    }
    assert all(len(values) > 1 for values in raced.values())
    WithTraining(Mlp(), raced)
    assert settings.batch_size <= max(16, examples)


def test_few_examples_make_small_batches_and_numbers_have_no_label_smoothing():
    sizes = [usual(KINDS["vectors"], Classification(NAMES), n)["batch_size"] for n in (50, 1_000, 5_000, 50_000)]
    assert sizes == sorted(sizes) and sizes[0] == 16 and sizes[-1] == 256
    assert "label_smoothing" not in choices(KINDS["vectors"], Regression(("price",)), 1_000)
