"""Every shipped space on every kind of examples: networks that answer as asked, or one sentence with what fits."""

import re

import numpy as np
import pytest
import torch

from netwright.catalogue.loading import load, names
from netwright.core.errors import UserError
from netwright.core.task import FITTING, TaskShape
from netwright.tasks import digits

SHAPES = {
    "vectors": TaskShape((8,), 3),
    "series": TaskShape((2, 40), 3),
    "dense series": TaskShape((2, 40), 3, dense=True),
    "images": TaskShape((3, 16, 16), 3),
    "masks": TaskShape((3, 16, 16), 3, dense=True),
    "volumes": TaskShape((1, 4, 4, 4), 3),
    "texts": TaskShape((12,), 3, vocabulary=9),
    "next token": TaskShape((12,), 9, vocabulary=9, dense=True),
}


@pytest.fixture(scope="module")
def taken():
    """By space, the examples of which it builds a network, and what it says of the others."""
    found = {}
    for name in names("space"):
        space = load("space", name)()
        for what, shape in SHAPES.items():
            try:
                fitted = space.fitted(shape)
                network = fitted.build(fitted.sample(np.random.default_rng(0)), shape).eval()
            except UserError as refused:
                found[name, what] = str(refused)
                continue
            with torch.no_grad():
                outputs = network(shape.example(2))
            found[name, what] = tuple(outputs.shape) == (2, shape.outputs, *(shape.places if shape.dense else ()))
    return found


@pytest.mark.parametrize("what", SHAPES)
def test_what_a_space_does_not_take_is_refused_with_what_fits(taken, what):
    shape, tried = SHAPES[what], {name: each for (name, kind), each in taken.items() if kind == what}
    assert tried
    fitting = [name for name, each in tried.items() if each is True]
    for name, said in tried.items():
        if said is True:
            continue
        assert isinstance(said, str) and "\n" not in said, name
        assert "but the task" in said or "FreeGraph(inputs='vectors')" in said, said
        proposed = re.findall(r"[\w-]+", FITTING[shape.kind, shape.dense])
        assert set(proposed) & set(fitting) and set(proposed) & set(re.findall(r"[\w-]+", said)), said


def test_each_space_takes_something(taken):
    assert {name for (name, _), each in taken.items() if each is True} == set(names("space"))


def test_a_method_for_recurrent_cells_refuses_images():
    with pytest.raises(UserError, match=r"darts-rnn finds recurrent cells for texts, .* images; use darts"):
        load("search", "darts-rnn")(load("space", "recurrent")(), digits(limit=40))
