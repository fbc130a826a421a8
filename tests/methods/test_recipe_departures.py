"""What is said of recipes that are not the program of the paper whose name they have."""

from __future__ import annotations

import pytest

from netwright.catalogue import load, shipped
from netwright.cli.explaining import strategy_lines
from netwright.cli.plan import Plan
from netwright.methods.departures import _SAID, departure
from netwright.spaces import NasBench201
from netwright.tasks import open_task


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("snas", "penalty on resources"),
        ("snas:epochs=3", "penalty on resources"),
        ("single-path-one-shot", "multiply-adds uniform"),
        ("data-nas", "one operation a decision"),
    ],
)
def test_what_is_not_the_papers_is_said(recipe: str, said: str) -> None:
    assert said in departure(recipe)


@pytest.mark.parametrize(
    "recipe", ["darts", "darts-second-order", "gdas", "pc-darts", "nasp", "asng", "nothing", "smooth-darts-adversarial"]
)
def test_of_what_is_the_papers_nothing_is_said(recipe: str) -> None:
    assert not departure(recipe)


IN_THE_DOCSTRING = {
    "cnas": "the attention by which its controller chooses inputs",
    "enas": "the attention by which its controller chooses inputs",
    "enas-macro": "the attention by which its controller chooses what is joined",
    "enas-rnn": "penalties on the sizes and the changes of states",
    "snas": "without the paper's penalty on resources",
    "data-nas": "keeps several operations",
    "cars": "how fast a newborn's accuracy grows",
    "pvll-nas": "are guesses",
    "nasbench1shot1": "each edge is a decision",
    "mergenas": "stay apart",
    "gross": "learn from the start",
    "setn": "compares the 100 likeliest",
    "dsnas": "without its progressive early stop",
    "proxylessnas": "without the penalty on latency",
    "xnas": "a guess",
    "sgas": "minibatches, which grow",
    "dropnas": "a second step of the optimiser",
    "single-path-one-shot": "multiply-adds are uniform",
    "fairnas": "not public",
    "one-shot": "ours, since",
    "random-weight-sharing": "anew for each 10,000 training steps",
    "mdenas": "not public",
    "smash": "makes all weights that decisions bring",
    "ghn": "is not public",
    "hypernetworks": "searches nothing",
}


def test_the_docstrings_say_it_too() -> None:
    assert set(IN_THE_DOCSTRING) == set(_SAID) & set(shipped("search"))
    for name, words in IN_THE_DOCSTRING.items():
        assert words in " ".join((load("search", name).__doc__ or "").split()).lower(), name


def test_it_is_printed_with_the_plan() -> None:
    task, space = open_task("digits", limit=120), NasBench201(channels=2, cells=1)
    for recipe, said in (("snas", "note: this is SNAS without its penalty on resources"), ("darts", None)):
        plan = Plan(data="digits", recipe=recipe, device="cpu", shared_epochs=1)
        lines = strategy_lines(plan, plan.make_search(task, space))
        assert [line for line in lines[1:] if "fewer than the paper's" not in line] == ([said] if said else [])
