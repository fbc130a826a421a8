"""The list of papers: what each needs, and that what is said to run or to be missing is so."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from netwright.catalogue import papers as catalogue
from netwright.catalogue.papers import SHORT, blocks, chosen, commands, most_wanted, papers, providers
from netwright.cli.papers import list_papers
from netwright.core.errors import UserError

BESIDES = {"est.zero_cost"}  # provided, and needed by no paper of the list
UNKNOWN = {"mosanas", "nni"}  # papers of which authors or year are not certain
BY_KEY = {each.key: each for each in papers()}
FAMILIES = {"gradient", "evolution", "reinforcement learning", "performance prediction", "other", "system", "survey"}


def test_the_list_is_whole():
    assert Counter(each.source for each in papers()) == {"list": 160, "survey": 3, "further": 2}
    assert len(BY_KEY) == 165 and len(blocks()) == 93
    for each in papers():
        assert {"core.space_dsl", "core.train_eval", "core.runner"} <= set(each.blocks), each.key
        assert len(set(each.blocks)) == len(each.blocks) and not set(each.blocks) & set(each.optional), each.key
        assert set(each.optional) <= set(blocks()), each.key
        assert each.title and each.venue and set(each.family.split(" and ")) <= FAMILIES, each.key
        assert each.key in UNKNOWN or (each.authors and 1988 < (each.year or 0) < 2022), each.key
        assert not each.code or each.code.startswith("https://"), each.key


def test_only_blocks_and_papers_that_there_are_are_spoken_of():
    assert set(providers()) - set(blocks()) == BESIDES
    assert set(commands()) <= set(BY_KEY)


def test_a_paper_is_missing_where_nothing_runs_it():
    darts, dpc = BY_KEY["darts"], BY_KEY["dpc"]
    assert (darts.status, darts.command, darts.missing) == ("runs", "netwright search DATA --method darts", ())
    assert darts.left_out == "" and BY_KEY["snas"].left_out == "its penalty on resources"
    assert dpc.status == "missing" and dpc.command is None and dpc.missing == ("space.decoder_fpn",)
    for each in papers():
        assert (each.status == "missing") == (each.command is None) == bool(each.missing)
        assert not set(each.missing) & set(providers())


@pytest.mark.parametrize("key", ["hyperband", "pnas", "nao", "harmonica", "deep_architect", "nasbench201", "lcranknet"])
def test_what_runs_is_not_called_missing(key):
    assert BY_KEY[key].status == "runs" and not BY_KEY[key].missing


def test_where_all_blocks_are_there_a_function_is_missing(monkeypatch):
    monkeypatch.setattr(catalogue, "commands", dict)
    assert BY_KEY["darts"].missing == (SHORT,) and BY_KEY["darts"].status == "missing"
    monkeypatch.setattr(catalogue, "providers", dict)
    assert BY_KEY["darts"].missing == BY_KEY["darts"].blocks


def test_filters():
    assert all("space.trellis" in each.blocks for each in chosen(block="space.trellis"))
    assert len(chosen(block="space.trellis")) == 6
    assert all(each.status == "missing" for each in chosen(missing=True))
    assert 0 < len(chosen(missing=True)) < len(papers())
    with pytest.raises(UserError, match=r"did you mean 'space\.trellis'"):
        chosen(block="space.treliss")


def test_the_most_wanted_blocks_are_missing_ones():
    wanted = most_wanted(papers())
    assert [count for _, count, _ in wanted] == sorted((count for _, count, _ in wanted), reverse=True)
    for block, count, alone in wanted:
        assert block not in providers()
        assert 0 <= alone <= count


def test_the_table_and_its_json(capsys):
    list_papers(missing=False, block=None, as_json=False)
    said = capsys.readouterr().out.splitlines()
    assert said[0].split() == ["paper", "status", "published", "family", "title"]
    assert sum(line.split()[1:2] in (["runs"], ["missing"]) and line[0] != " " for line in said[1:]) == 165
    assert "165 papers, 3 of which only the survey names" in " ".join(said)
    place = next(k for k, line in enumerate(said) if line.startswith("snas "))
    assert "ICLR 2019" in said[place] and said[place + 1] == "  netwright search DATA --method snas"
    assert said[place + 2] == "  left out: its penalty on resources" and "authors' code: https://" in said[place + 3]
    list_papers(missing=True, block="task.gan", as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert {each["key"] for each in found} == {"autogan", "adversarialnas"}
    assert all("task.gan" in each["missing"] and each["command"] is None for each in found)
    list_papers(missing=False, block="search.mcts", as_json=False)
    assert capsys.readouterr().out.startswith("search.mcts is provided by netwright.strategies.tree_search\n")
