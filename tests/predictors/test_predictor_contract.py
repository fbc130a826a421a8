"""Every shipped predictor keeps the contract, on a space with conditions and on every shipped space."""

import numpy as np
import pytest

from netwright import predictors, spaces
from netwright.core.errors import ConfigurationError
from netwright.predictors import (
    Averaged,
    Boosting,
    Calibrated,
    Forest,
    Linear,
    MlpEnsemble,
    NeuralPredictor,
    Ranked,
    RankingNetwork,
    SemiSupervisedAssessor,
    best,
)
from netwright.predictors.encodings import Flow
from netwright.testing import check_predictor

SMALL = {
    "linear": Linear,
    "linear-flow": lambda space: Linear(space, Flow(space)),
    "forest": lambda space: Forest(space, trees=5),
    "boosting": lambda space: Boosting(space, bags=2, trees=5),
    "mlp": lambda space: MlpEnsemble(space, layers=2, epochs=5),
    "mlp-cosine": lambda space: MlpEnsemble(space, layers=2, steps=12, schedule="cosine", loss="mse"),
    "neural-predictor": lambda space: NeuralPredictor(space, layers=1, hidden=8, head=8, epochs=1, draws=2),
    "assessor": lambda space: SemiSupervisedAssessor(space, unlabelled=10, hidden=8, embedding=4, steps=5),
    "ranking": lambda space: RankingNetwork(space, networks=2, hidden=8, steps=5),
    "ranked": lambda space: Ranked(Linear(space)),
    "calibrated": lambda space: Calibrated(Linear(space), folds=3),
    "averaged": lambda space: Averaged(Linear(space), Forest(space, trees=3)),
    "best": lambda space: best(space, folds=2),
}
SPACES = {
    "chain": spaces.Chain(),
    "darts": spaces.Darts(),
    "mlp": spaces.Mlp(),
    "nasbench201": spaces.NasBench201(),
    "nasnet": spaces.NasNet(),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_predictor_keeps_the_contract(name):
    check_predictor(SMALL[name])


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("where", SPACES)
def test_a_predictor_learns_in_every_shipped_space(where, name):
    space = SPACES[where]
    rng = np.random.default_rng(1)
    known, others = ([space.sample(rng) for _ in range(n)] for n in (20, 4))
    predictor = SMALL[name](space)
    predictor.fit(known, rng.normal(size=20).tolist())
    found = predictor.predict(others)
    assert found.mean.shape == found.deviation.shape == (4,) and np.isfinite([found.mean, found.deviation]).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda s: Linear(s, iterations=0),
        lambda s: Forest(s, share=0),
        lambda s: Boosting(s, rate=2),
        lambda s: MlpEnsemble(s, layers=0),
        lambda s: MlpEnsemble(s, loss="mea"),
        lambda s: MlpEnsemble(s, schedule="cosinus"),
        lambda s: MlpEnsemble(s, rate=float("nan")),
        lambda s: NeuralPredictor(s, dropout=1),
        lambda s: SemiSupervisedAssessor(s, share=1),
        lambda s: RankingNetwork(s, steps=0),
        lambda s: Calibrated(Linear(s), folds=1),
        lambda s: Averaged(),
        lambda s: Averaged(Linear(s), Linear(SPACES["mlp"])),
    ],
)
def test_settings_that_cannot_be_are_refused(make):
    with pytest.raises(ConfigurationError):
        make(SPACES["chain"])


def test_what_a_misspelt_name_is_nearest_to_is_said():
    with pytest.raises(ConfigurationError, match="did you mean 'cosine'"):
        MlpEnsemble(SPACES["chain"], schedule="cosinus")


def test_a_name_that_is_no_predictor_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Forrest"):
        predictors.Forrest  # noqa: B018
