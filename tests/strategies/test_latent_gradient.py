from __future__ import annotations

import numpy as np
import pytest
import torch
from free_search import Cell, Nested, search

from netwright.core.errors import ConfigurationError
from netwright.core.trial import Proposal
from netwright.methods import nao
from netwright.strategies.latent import LatentGradient
from netwright.strategies.latent.fitting import fit
from netwright.strategies.latent.model import EncoderPredictorDecoder
from netwright.strategies.latent.vocabulary import Vocabulary
from netwright.testing import check_strategy

SMALL = {
    "hidden": 8,
    "embedding": 4,
    "layers": 1,
    "width": 8,
    "epochs": 3,
    "again": 2,
    "initial": 8,
    "new": 5,
    "step": 1.0,
    "steps": 3,
}


@pytest.fixture(scope="module")
def learnt():
    """A model that learnt 40 architectures whose score is the share of the first option."""
    space = Cell(5)
    rng = np.random.default_rng(0)
    points = [space.sample(rng).point for _ in range(40)]
    vocabulary = Vocabulary(space.decisions)
    torch.manual_seed(0)
    model = EncoderPredictorDecoder(vocabulary.size, 32, 16, 1, 32, 0.0)
    scores = [point.count(0) / 5 for point in points]
    tokens = [vocabulary.encode(point) for point in points]
    fit(model, tokens, scores, epochs=80, batch=20, trade_off=0.8, rate=1e-2, decay=1e-4)
    return vocabulary, model, points, torch.tensor(tokens), torch.tensor(scores)


def test_the_gradient_of_the_score_equals_finite_differences(learnt):
    _, model, _, tokens, _ = learnt
    double = EncoderPredictorDecoder(model.source.num_embeddings, 32, 16, 1, 32, 0.0).double().eval()
    double.load_state_dict(model.state_dict())
    with torch.no_grad():
        states = double.encode(tokens[:2])
    leaf = states.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(double.predict(leaf).sum(), leaf)
    step = 1e-6
    for place in [(0, 0, 0), (0, 3, 7), (1, 4, 31), (1, 2, 15)]:
        up, down = states.clone(), states.clone()
        up[place] += step
        down[place] -= step
        with torch.no_grad():
            slope = (double.predict(up).sum() - double.predict(down).sum()) / (2 * step)
        assert slope.item() == pytest.approx(gradient[place].item(), rel=1e-4, abs=1e-9)


def test_ascending_raises_the_predicted_score(learnt):
    _, model, _, tokens, _ = learnt
    with torch.no_grad():
        states = model.encode(tokens)
        before, after = model.predict(states), model.predict(model.moved(states, model.gradient(states), 1.0))
    assert (after > before).float().mean() > 0.95 and (after - before).mean() > 0.02


def test_what_is_learnt_decodes_to_itself(learnt):
    vocabulary, model, points, tokens, scores = learnt
    with torch.no_grad():
        states = model.encode(tokens)
        assert (model.predict(states) - scores).abs().mean() < 0.05
        read = model.read(states, vocabulary)
    assert np.mean([a == b for a, b in zip(read, points, strict=True)]) > 0.9


def test_teacher_forcing_and_step_by_step_decoding_agree(learnt):
    """The likelihood of what was read, token after token, is that of the whole sequence at once."""
    vocabulary, model, _, tokens, _ = learnt
    with torch.no_grad():
        states = model.encode(tokens[:3])
        read = model.read(states, vocabulary)
        again = model.decode(states, torch.tensor([vocabulary.encode(point) for point in read]))
    for row, point in zip(again, read, strict=True):
        for place, option in enumerate(point):
            allowed = vocabulary.allowed(point[:place])
            assert row[place, allowed[option]] == row[place, allowed].max()


def test_untrained_models_decode_valid_architectures():
    space = Nested()
    vocabulary = Vocabulary(space.decisions)
    torch.manual_seed(1)
    model = EncoderPredictorDecoder(vocabulary.size, 8, 4, 0, 8, 0.0)
    states = torch.randn(50, vocabulary.length, 8)
    points = model.read(torch.nn.functional.normalize(3 * states, dim=-1), vocabulary)
    assert len(set(points)) > 1
    for point in points:
        space.decisions.check(point)


def test_equal_labels_share_a_token():
    vocabulary = Vocabulary(Cell(3).decisions)
    assert vocabulary.size == 6 and vocabulary.encode((0, 4, 0)) == [1, 5, 1]
    assert vocabulary.option(1, 5) == 4 and vocabulary.option(1, 0) == -1


def test_new_architectures_come_from_the_best():
    """After the random ones, most proposals start from a trial, and are better than random ones on average."""
    settings = {**SMALL, "hidden": 24, "embedding": 12, "epochs": 60, "again": 20, "rate": 1e-2}
    strategy = LatentGradient(Cell(6), **{**settings, "initial": 40, "new": 20, "seeds": 10, "steps": 30})
    trials = search(strategy, 80)
    assert sum(trial.proposal.parent is not None for trial in trials[40:]) >= 30
    assert np.mean([t.scores for t in trials[40:]]) > np.mean([t.scores for t in trials[:40]]) + 0.5


def test_it_keeps_to_the_protocol():
    check_strategy(lambda space: LatentGradient(space, **SMALL), trials=15, exhausts=True)
    check_strategy(lambda space: LatentGradient(space, **SMALL, dropout=0.2), Nested(), trials=12)


def test_one_set_of_numbers_that_of_the_authors_program():
    strategy = nao(Cell(2))
    assert strategy.arguments == LatentGradient(Cell(2)).arguments
    assert (strategy.hidden, strategy.embedding, strategy.layers, strategy.dropout) == (96, 32, 0, 0.1)
    assert (strategy.initial, strategy.seeds, strategy.epochs, strategy.again) == (600, 100, 1000, None)
    assert [strategy.step * number for number in range(1, strategy.steps + 1)] == [10, 20, 30]
    assert (strategy.batch, strategy.rate, strategy.trade_off) == (50, 1e-3, 0.8)
    assert nao(Cell(2), quick=True).initial == 50 and nao(Cell(2), quick=True, initial=7).initial == 7


def test_a_round_asks_what_came_out_and_one_random_architecture_where_nothing_did(monkeypatch):
    strategy = LatentGradient(Cell(4), **{**SMALL, "again": None, "new": 40, "steps": 2, "seeds": 3})
    generated, rounds = strategy._generated, []
    monkeypatch.setattr(strategy, "_generated", lambda rng: rounds.append(found := generated(rng)) or found)
    later = [trial.proposal.parent for trial in search(strategy, 40)[SMALL["initial"] :]]
    expected = [each.parent for found in rounds for each in found or [Proposal(Cell(4).at(0))]]
    assert later == expected[: len(later)] and any(rounds) and not all(rounds)


@pytest.mark.parametrize("arguments", [{"trade_off": 2}, {"rate": -1}, {"hidden": 0}, {"dropout": 1.5}, {"seeds": 0}])
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(ConfigurationError, match="LatentGradient"):
        LatentGradient(Cell(2), **arguments)
