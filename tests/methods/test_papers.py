from __future__ import annotations

import importlib
import json
from collections import Counter

import pytest

from netwright.catalogue import load
from netwright.catalogue.papers import PROVIDERS, RECIPE_OF, blocks, chosen, most_wanted, papers
from netwright.cli.papers import list_papers
from netwright.core.errors import UserError


def named(reference: str) -> object:
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("block", PROVIDERS)
def test_what_is_said_to_provide_a_block_exists(block):
    assert block in blocks()
    assert callable(named(PROVIDERS[block]))


@pytest.mark.parametrize("key", RECIPE_OF)
def test_every_recipe_of_a_paper_is_a_function(key):
    assert key in {each.key for each in papers()}
    assert callable(load("search", RECIPE_OF[key]))


def test_the_list_is_whole():
    found = papers()
    assert Counter(each.source for each in found) == {"list": 160, "survey": 3}
    assert len({each.key for each in found}) == 163
    assert len(blocks()) == 93
    for each in found:
        assert {"core.space_dsl", "core.train_eval", "core.runner"} <= set(each.blocks)
        assert not set(each.blocks) & set(each.optional)
        assert bool(each.title) == bool(each.authors) == (each.year is not None)
        assert set(each.optional) <= set(blocks())


def test_a_paper_is_judged_by_its_blocks():
    by_key = {each.key: each for each in papers()}
    assert by_key["darts"].status == "recipe" and by_key["darts"].missing == ()
    assert by_key["nas_rl"].status == "missing" and by_key["nas_rl"].missing == ("search.rnn_pg",)
    assert by_key["regularized_evolution"].status == "possible"
    for each in papers():
        assert (each.status == "missing") == (each.recipe is None and bool(each.missing))


def test_filters():
    assert all("space.trellis" in each.blocks for each in chosen(block="space.trellis"))
    assert len(chosen(block="space.trellis")) == 7
    assert all(each.status == "missing" for each in chosen(missing=True))
    assert 0 < len(chosen(missing=True)) < len(papers())
    with pytest.raises(UserError, match=r"did you mean 'space\.trellis'"):
        chosen(block="space.treliss")


def test_the_most_wanted_blocks_are_missing_ones():
    wanted = most_wanted(papers())
    assert [count for _, count, _ in wanted] == sorted((count for _, count, _ in wanted), reverse=True)
    for block, count, alone in wanted:
        assert block not in PROVIDERS
        assert 0 <= alone <= count


def test_the_table_and_its_json(capsys):
    list_papers(missing=False, block=None, as_json=False)
    said = capsys.readouterr().out.splitlines()
    assert said[0].split()[:3] == ["paper", "status", "recipe"]
    assert sum(line.split()[1] in ("recipe", "possible", "missing") for line in said[1:164]) == 163
    assert "163 papers, 3 of which only the survey names" in " ".join(said)
    list_papers(missing=True, block="task.gan", as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert {each["key"] for each in found} == {"autogan", "adversarialnas"}
    assert all("task.gan" in each["missing"] for each in found)
    list_papers(missing=False, block="search.bilevel", as_json=False)
    assert capsys.readouterr().out.startswith("search.bilevel is netwright.strategies.differentiable.Differentiable")
