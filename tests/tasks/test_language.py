import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from netwright.core.errors import ConfigurationError, DataError
from netwright.core.task import Examples, TaskShape
from netwright.problems.language import Language
from netwright.spaces import Recurrent
from netwright.tasks import open_task, text
from netwright.tasks.from_text import is_prose
from netwright.training import TrainingSettings, evaluate, predict, train
from netwright.training.laying import Judged, Layout
from netwright.training.optimisers import build_optimiser, learning_rate, set_learning_rate

PROSE = "the cat sat on the mat, and the dog sat on the log.\nA bird flew over both of them!\n" * 6


@pytest.fixture
def file(tmp_path):
    (tmp_path / "prose.txt").write_text(PROSE)
    return tmp_path / "prose.txt"


def told(problem):
    return str(problem.value)


# The problem.


def test_perplexity_is_that_of_a_plain_loop():
    problem = Language("abcde")
    torch.manual_seed(0)
    outputs, targets = torch.randn(6, 5, 7), torch.randint(5, (6, 7))
    total = 0.0
    for logits, wanted in zip(outputs, targets, strict=True):
        for place, token in enumerate(wanted.tolist()):
            scores = [math.exp(each) for each in logits[:, place].tolist()]
            total -= math.log(scores[token] / sum(scores))
    tally = problem.tally()
    tally.add(outputs[:4], targets[:4])
    tally.add(outputs[4:], targets[4:])
    found = tally.figures()
    assert found["perplexity"] == pytest.approx(math.exp(total / 42), rel=1e-6)
    assert found["bits_per_character"] == pytest.approx(total / 42 / math.log(2), rel=1e-6)
    assert float(problem.loss(outputs, targets).mean()) == pytest.approx(found["loss"], rel=1e-6)
    assert float(problem.mean_loss(outputs, targets)) == pytest.approx(found["loss"], rel=1e-6)


def test_the_answer_that_looks_at_nothing_is_the_frequency():
    problem, targets = Language("ab", unit="words"), torch.tensor([[0, 0, 0, 1]])
    name, answer = problem.constant(targets)
    assert answer.softmax(0)[:, 0].tolist() == pytest.approx([0.75, 0.25], abs=1e-3)
    assert "words" in name
    assert answer.shape == (2, 4)


@pytest.mark.parametrize(("vocabulary", "unit"), [("a", "words"), ("aa", "words"), ("ab", "letters")])
def test_problems_that_cannot_be(vocabulary, unit):
    with pytest.raises(ConfigurationError):
        Language(vocabulary, unit=unit)


# Reading.


def test_a_text_is_split_in_its_order(file):
    task = text(file, window=8)
    problem, whole = task.problem, [*task.train.inputs.flatten().tolist()]
    assert "".join(problem.vocabulary[each] for each in whole) == PROSE[: len(whole)]
    assert task.train.inputs[1:, 0].equal(task.train.targets[:-1, -1])
    data = task.search_data(0)
    joined = torch.cat((data.train.inputs, data.held_out.inputs))
    assert joined.equal(task.train.inputs)  # the last part is validated on
    start = round(0.9 * len(PROSE))
    tested = "".join(problem.vocabulary[each] for each in task.test.inputs[0].tolist())
    assert tested == PROSE[start : start + 8]


def test_the_vocabulary_is_that_of_the_training_part(tmp_path):
    (tmp_path / "a.txt").write_text("ab" * 450 + "abz" * 33)
    task = text(tmp_path / "a.txt", window=4)
    assert task.problem.vocabulary == ("\ufffd", "a", "b")
    assert set(task.train.inputs.unique().tolist()) == {1, 2}
    assert set(task.test.inputs.unique().tolist()) == {0, 1, 2}


def test_words_and_bytes(file):
    words = text(file, tokens="words", window=3, words=5)
    assert words.problem.vocabulary[0] == "<unk>"
    assert len(words.problem.vocabulary) == 5
    assert "the" in words.problem.vocabulary
    octets = text(file, tokens="bytes", window=8)
    assert octets.shape.vocabulary == 256
    assert bytes(octets.train.inputs[0].tolist()) == PROSE[:8].encode()


def test_files_of_ones_own_are_validated_and_tested_on(file, tmp_path):
    for name in ("valid", "test"):
        (tmp_path / f"{name}.txt").write_text(PROSE[:100])
    task = text(file, window=8, validation=tmp_path / "valid.txt", test=tmp_path / "test.txt")
    assert len(task.validation) == 12 and len(task.test) == 12
    assert task.search_data(0).held_out.inputs.equal(task.test.inputs)


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (b"", {}, "is empty"),
        (b" \n ", {}, "is empty"),
        (b"ab\x00\x01" * 400, {}, "control character"),
        (b"a short text", {}, "too few"),
        (b"abc " * 100, {"window": 100}, "smaller window"),
        (b"abcde " * 999, {"limit": 300}, "holds 5,994 characters, of which limit= keeps 300, too few"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, content, options, said):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(DataError, match=said) as problem:
        text(tmp_path / "a.txt", **options)
    assert "\n" not in told(problem) and "a.txt" in told(problem)


def test_a_text_file_is_told_from_a_table(file, tmp_path):
    (tmp_path / "table.txt").write_text("a,b,c\n" + "1,2,x\n4,5,y\n" * 20)
    (tmp_path / "numbers.txt").write_text("1 2 0\n4 5 1\n" * 20)
    assert is_prose(file)
    assert not is_prose(tmp_path / "table.txt")
    assert not is_prose(tmp_path / "numbers.txt")
    assert open_task(str(file), window=8).shape.is_tokens
    assert open_task(str(tmp_path / "table.txt"), target="c").shape.is_vector


# Streams.


@pytest.mark.parametrize(("examples", "size"), [(100, 64), (640, 64), (9, 2), (30, 64), (2, 8), (1000, 7)])
def test_batches_go_on_where_those_before_end(examples, size):
    layout = Layout.of(Language("ab"), examples, size)
    order = layout.order(examples, 0, 3, torch.device("cpu")).view(layout.steps, layout.size)
    assert (order[1:] - order[:-1] == 1).all()
    assert len(set(order.flatten().tolist())) == order.numel()
    assert layout.size <= size
    assert order.numel() > examples - layout.size


@pytest.mark.parametrize("examples", [1, 7, 100, 1000])
def test_everything_is_judged_once(examples):
    rows = torch.arange(examples)
    judged = Judged.of(Language("ab"), Examples(rows, rows), 256)
    batches = [judged.examples.batch(*each) for each in judged.batches()]
    assert sorted(torch.cat(batches).tolist()) == [*range(examples)]
    for earlier, later in itertools.pairwise(batches):
        assert (later - earlier[: len(later)] == 1).all()
    assert judged.put_back(judged.examples.inputs).equal(rows)


@pytest.mark.parametrize("examples", range(2, 80))
def test_no_batch_of_a_short_text_is_a_single_window_which_cannot_be_normalised(examples):
    rows = torch.arange(examples)
    judged = Judged.of(Language("ab"), Examples(rows, rows), 256)
    assert min(end - start for start, end in judged.batches()) >= 2
    assert Layout.of(Language("ab"), examples, 64).size >= 2


SETTINGS = TrainingSettings(epochs=3, batch_size=8, learning_rate=0.5, augment=False)


@pytest.fixture
def data(file):
    return text(file, window=8).search_data(0)


def network(task_data, **options):
    space = Recurrent(nodes=2, channels=8, **options)
    torch.manual_seed(0)
    shape = text_shape(task_data)
    return space.build(space.at(3), shape)


def text_shape(task_data):
    outputs = task_data.problem.outputs
    return TaskShape(tuple(task_data.train.shape[1:]), outputs, vocabulary=outputs, dense=True)


def test_a_training_carries_the_state_on_as_a_plain_loop_does(data):
    settings = SETTINGS.replace(epochs=1)
    trained = network(data)
    result = train(trained, data, settings, 0)
    plain, losses = network(data), []
    layout = Layout.of(data.problem, len(data.train), settings.batch_size)
    order = layout.order(len(data.train), 0, 0, torch.device("cpu"))
    optimiser, state = build_optimiser(plain, settings), None
    plain.train()
    for step in range(layout.steps):
        set_learning_rate(optimiser, learning_rate(settings, step, layout.steps))
        rows = order[step * layout.size : (step + 1) * layout.size]
        plain.recurrence.state, plain.recurrence.carries = state, True
        logits = plain(data.train.inputs[rows].long())
        state = plain.recurrence.state
        loss = F.cross_entropy(logits, data.train.targets[rows].long())
        optimiser.zero_grad()
        loss.backward()
        if settings.gradient_clip is not None:
            nn.utils.clip_grad_norm_(plain.parameters(), settings.gradient_clip)
        optimiser.step()
        losses.append(loss.item())
    assert result.curve[0]["train_loss"] == pytest.approx(np.mean(losses), rel=1e-6)
    for ours, theirs in zip(trained.parameters(), plain.parameters(), strict=True):
        assert ours.equal(theirs)
    assert trained.recurrence.state is None


def test_a_perplexity_does_not_depend_on_the_batch_that_fits(data):
    judged = network(data)
    few, many = (evaluate(judged, data.train, data, batch_size=size) for size in (1, 4096))
    assert few == many
    apart = predict(judged, data.train, data)
    assert apart.shape == (len(data.train), data.problem.outputs, 8)
    nll = F.cross_entropy(apart, data.train.targets.long())
    assert few["perplexity"] == pytest.approx(float(nll.exp()), rel=1e-5)


def test_a_training_that_was_stopped_goes_on_bit_for_bit(data, tmp_path):
    whole, parts = network(data, state_dropout=0.2), network(data, state_dropout=0.2)
    train(whole, data, SETTINGS, 5)
    train(parts, data, SETTINGS, 5, checkpoint=tmp_path, until=1)
    again = network(data, state_dropout=0.2)
    train(again, data, SETTINGS, 5, checkpoint=tmp_path)
    assert all(a.equal(b) for a, b in zip(whole.parameters(), again.parameters(), strict=True))
