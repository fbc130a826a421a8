"""The papers on architecture search that netwright is measured against: what each needs, and what is there.

A paper is made of blocks: a search space, a way to search, an estimator, a task and so on. It can be run where every
block it needs is provided; `PROVIDERS` says by what, and whatever is not in it is missing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from netwright.core.errors import UserError, nearest

PROVIDERS: Mapping[str, str] = {
    "core.space_dsl": "netwright.core.decision_space:DecisionSpace",
    "core.train_eval": "netwright.estimators.training:Training",
    "core.runner": "netwright.engine.search:Search",
    "task.classify": "netwright.tasks:Task",
    "space.darts_cell": "netwright.spaces.darts:Darts",
    "space.nasnet_cell": "netwright.spaces.nasnet:NasNet",
    "space.chain": "netwright.spaces.chain:Chain",
    "space.elastic_dims": "netwright.core.choose:Choose",
    "super.mixed_op": "netwright.supernets.mixed:MixedOperation",
    "super.path": "netwright.strategies.paths:UniformPaths",
    "super.gumbel": "netwright.strategies.differentiable:GumbelSoftmax",
    "super.slim": "netwright.supernets.sliced:SlicedConv2d",
    "super.partial_channel": "netwright.supernets.mixed:PartialChannels",
    "search.random": "netwright.strategies:RandomSearch",
    "search.evolution": "netwright.strategies:GeneticAlgorithm",
    "search.pareto": "netwright.strategies:Elitist",
    "search.local_greedy": "netwright.strategies:LocalSearch",
    "search.bilevel": "netwright.strategies.differentiable:Differentiable",
    "search.dist_pg": "netwright.strategies.differentiable:OneHot",
    "search.natural_gradient": "netwright.strategies.paths:NaturalGradient",
    "search.multinomial": "netwright.strategies.paths:MultinomialLearning",
    "search.experts": "netwright.strategies.differentiable:Experts",
    "search.proximal": "netwright.strategies.differentiable:Proximal",
    "search.binary_gate": "netwright.strategies.differentiable:BinaryGates",
    "search.shrink_grow": "netwright.strategies.differentiable:ProgressiveShrinking",
    "search.regularise_stop": "netwright.strategies.differentiable:EigenvalueMonitor",
    "est.oneshot": "netwright.estimators.shared_weights:SharedWeights",
    "est.audit": "netwright.results.audit:Audit",
    "obj.cost": "netwright.estimators.cost:Cost",
}
"""By what each block is provided, as "module:name"; a block that is not named is missing."""

RECIPE_OF: Mapping[str, str] = {
    "asng_nas": "asng",
    "darts": "darts",
    "data_nas": "data-nas",
    "dropnas": "dropnas",
    "dsnas": "dsnas",
    "gdas": "gdas",
    "mdenas": "mdenas",
    "milenas": "milenas",
    "nasp": "nasp",
    "one_shot_bender": "one-shot",
    "pc_darts": "pc-darts",
    "pdarts": "pdarts",
    "proxylessnas": "proxylessnas",
    "random_nas_ws": "random-weight-sharing",
    "robust_darts": "robust-darts",
    "sdarts": "smooth-darts",
    "sgas": "sgas",
    "snas": "snas",
    "xnas": "xnas",
}
"""The recipe of each paper that has one, under its name on the command line."""

Status = Literal["recipe", "possible", "missing"]


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper of the list, or one that the survey names (source "survey").

    title, authors, year: empty and None where they are not known for certain. blocks: needed for what the paper mainly
    does; optional: for what it does besides.
    """

    key: str
    title: str
    authors: str
    year: int | None
    source: Literal["list", "survey"]
    blocks: tuple[str, ...]
    optional: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The needed blocks that nothing provides."""
        return tuple(each for each in self.blocks if each not in PROVIDERS)

    @property
    def recipe(self) -> str | None:
        """The recipe's name on the command line, where there is one."""
        from netwright.catalogue.reading import shipped

        name = RECIPE_OF.get(self.key)
        return name if name in shipped("search") else None

    @property
    def status(self) -> Status:
        """Whether it runs: "recipe", by one function; "possible", its blocks are there; "missing", some are not.

        A recipe may do the paper's main part on another space or without a limit on latency: see `missing` then too.
        """
        if self.recipe is not None:
            return "recipe"
        return "missing" if self.missing else "possible"


@cache
def papers() -> tuple[Paper, ...]:
    """All papers, those of the list first, by key."""
    text = resources.files("netwright.catalogue").joinpath("papers.json").read_text(encoding="utf-8")
    return tuple(
        Paper(**{**each, "blocks": tuple(each["blocks"]), "optional": tuple(each["optional"])})
        for each in json.loads(text)
    )


@cache
def blocks() -> tuple[str, ...]:
    """The name of every block that a paper needs, in alphabetical order."""
    return tuple(sorted({block for each in papers() for block in each.blocks}))


def chosen(*, missing: bool = False, block: str | None = None) -> list[Paper]:
    """The papers that cannot be run yet where `missing`, and those that need a block where one is named.

    Raises UserError for a block that does not exist.
    """
    if block is not None and block not in blocks():
        raise UserError(f"there is no block {block!r}{nearest(block, blocks())}")
    return [
        each
        for each in papers()
        if (not missing or each.status == "missing") and (block is None or block in each.blocks)
    ]


def most_wanted(among: Sequence[Paper]) -> list[tuple[str, int, int]]:
    """The missing blocks of these papers: name, how many papers lack it, and how many lack nothing else.

    The block that most papers lack comes first.
    """
    lacking = Counter(block for each in among if each.recipe is None for block in each.missing)
    last = Counter(each.missing[0] for each in among if each.recipe is None and len(each.missing) == 1)
    return [(block, count, last[block]) for block, count in sorted(lacking.items(), key=lambda x: (-x[1], x[0]))]
