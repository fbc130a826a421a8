"""A predictor as an estimator: alone, in a stack, in a search, and sent to another process."""

import pickle

import numpy as np
import pytest

from netwright.core.errors import ConfigurationError, UserError
from netwright.core.trial import Proposal
from netwright.engine.search import Search
from netwright.estimators import Function, Predicted, Stack
from netwright.predictors import Linear, Ranked
from netwright.spaces import Mlp
from netwright.strategies import RegularizedEvolution
from netwright.testing import check_estimator

SPACE = Mlp()


def score(architecture):
    return float(sum(architecture.point))


def examples(n=40):
    rng = np.random.default_rng(0)
    known = [SPACE.sample(rng) for _ in range(n)]
    return known, [score(each) for each in known]


def test_it_keeps_the_contract_and_says_what_the_predictor_says():
    known, values = examples()
    estimator = Predicted(Linear(SPACE), known, values)
    check_estimator(estimator, SPACE)
    fitted = Linear(SPACE)
    fitted.fit(known, values)
    found, wanted = estimator.estimate(Proposal(known[3]), 0).metrics, fitted.predict(known[3:4])
    assert found == {"predicted": wanted.mean[0], "deviation": wanted.deviation[0]}
    assert Predicted(fitted).estimate(Proposal(known[3]), 0).metrics == found


def test_a_copy_and_the_examples_as_text_predict_the_same():
    known, values = examples()
    estimator = Predicted(Ranked(Linear(SPACE)), known, values, seed=3)
    wanted = estimator.estimate(Proposal(known[0]), 0).metrics
    copy = pickle.loads(pickle.dumps(estimator))
    for again in (copy, Predicted(Ranked(Linear(SPACE)), list(map(str, known)), values, 3)):
        assert again.estimate(Proposal(known[0]), 0).metrics == wanted
        assert again.configuration() == estimator.configuration()


def test_the_predictor_that_was_given_stays_as_it_was():
    known, values = examples()
    predictor = Linear(SPACE)
    Predicted(predictor, known, values)
    assert predictor.examples is None


def test_a_search_on_a_predictor_finds_what_is_good():
    known, values = examples()
    estimator = Stack(Predicted(Linear(SPACE), known, values), Function(score, "score"))
    strategy = RegularizedEvolution(SPACE, population=10, tournament=3)
    found = Search(strategy, estimator, "predicted:maximize", seed=1).run(trials=80)
    assert found.best.metrics["score"] > np.quantile([score(each) for each in examples(500)[0]], 0.95)


def test_what_cannot_be_is_refused():
    known, values = examples(3)
    with pytest.raises(ConfigurationError, match="needs examples"):
        Predicted(Linear(SPACE))
    with pytest.raises(ConfigurationError, match=r"Predicted: predictor is .*; expected a Predictor"):
        Predicted("linear", known, values)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="3 architectures and 2 values"):
        Predicted(Linear(SPACE), known, values[:2])
    with pytest.raises(UserError, match="mixture"):
        from netwright.core.architecture import Mixture

        Predicted(Linear(SPACE), known, values).estimate(Proposal(Mixture({})), 0)
