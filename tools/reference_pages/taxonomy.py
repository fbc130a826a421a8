"""The map of all methods: the papers by what they search, how they search and how they judge, as their blocks say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from netwright.catalogue.papers import Paper, papers
from reference_pages.markdown import code, page, table

SPACES = {
    "cells": ("space.darts_cell", "space.nasnet_cell", "space.trellis", "space.motif"),
    "chains and stages": ("space.chain", "space.mobile_blocks", "space.elastic_dims", "space.decoder_fpn"),
    "free graphs": ("space.free_dag", "space.seed_edit", "space.expr_dsl"),
    "recurrent and text": ("space.rnn_cell", "space.text_net"),
    "other networks": (
        *("space.gnn", "space.gan", "space.spatiotemporal", "space.fusion", "space.lowbit", "space.flow"),
    ),
}  # the kinds of search space, each with its blocks
STRATEGIES = {
    "evolution": ("search.evolution", "search.novelty", "search.pareto"),
    "reinforcement learning": (
        *("search.rnn_pg", "search.q_learning", "search.gcn_policy", "search.conditional_policy"),
        *("search.irl_prior", "search.dist_pg"),
    ),
    "gradient": (
        *("search.bilevel", "search.proximal", "search.binary_gate", "search.sparse_bayes", "search.experts"),
        *("search.regularise_stop", "search.latent_gradient", "search.meta"),
    ),
    "distributions": ("search.natural_gradient", "search.multinomial", "search.dp_decode"),
    "model-based": ("search.bo_gp", "search.progressive_smbo", "search.spectral"),
    "tree and local search": ("search.mcts", "search.local_greedy"),
    "growing and shrinking": ("search.shrink_grow", "search.boost_grow"),
    "random": ("search.random",),
}  # the families of search strategy
ESTIMATORS = {
    "shared weights": (
        *("est.oneshot", "super.path", "super.mixed_op", "super.gumbel", "super.slim", "super.partial_channel"),
    ),
    "made weights": ("super.hypernet",),
    "inherited weights": ("est.morphism", "est.distill"),
    "foretold": ("est.predictor", "est.learning_curve", "est.tabular"),
    "short training": ("est.multi_fidelity", "est.proxy_tuning", "est.synthetic_data"),
    "without training or labels": ("est.trainless", "est.unsupervised"),
}  # how a network's worth is estimated; what names none of them trains each network
TRAINED = "training of each"
OTHER = "systems and others"
ELSE = "another space"


def map_page() -> str:
    """The page: how many papers stand where, and each of them under its family."""
    running = sum(each.status == "runs" for each in papers())
    return page(
        "Map of all methods",
        "A method searches a space, by a strategy, judging networks by an estimate: the three parts of Elsken et al. "
        "(2019), with the families of search that surveys name. Each of the "
        f"{len(papers())} papers that netwright is measured against stands here once, by its main strategy. "
        f"{running} of them run by a command, which `netwright papers` prints too; where a paper does something that "
        "its command leaves out, this is said. The settings of each method are in [methods](methods.md).",
        "## Strategies and estimates",
        "How many papers there are, and in brackets how many of them run.",
        _counts(ESTIMATORS, TRAINED),
        "## Strategies and spaces",
        _counts(SPACES, ELSE),
        *(_family(name) for name in (*STRATEGIES, OTHER) if _of(name)),
    )


def strategy_of(paper: Paper) -> str:
    """The family that a paper is shown under: the one that it is listed as, or that of its blocks."""
    if paper.family == "system":
        return OTHER
    listed = next((name for name in STRATEGIES if paper.family.startswith(name)), None)
    return listed if listed and _has(paper, STRATEGIES[listed]) else _first(paper, STRATEGIES, OTHER)


def estimate_of(paper: Paper) -> str:
    """How a paper judges a network, in the main."""
    return _first(paper, ESTIMATORS, TRAINED)


def space_of(paper: Paper) -> str:
    """What kind of space a paper searches, in the main."""
    return _first(paper, SPACES, ELSE)


def _first(paper: Paper, groups: Mapping[str, Sequence[str]], otherwise: str) -> str:
    return next((name for name, blocks in groups.items() if _has(paper, blocks)), otherwise)


def _has(paper: Paper, blocks: Iterable[str]) -> bool:
    return bool(set(paper.blocks) & set(blocks))


def _of(strategy: str) -> list[Paper]:
    return [each for each in papers() if strategy_of(each) == strategy]


def _counts(groups: Mapping[str, Sequence[str]], otherwise: str) -> str:
    columns = (*groups, otherwise)
    place = space_of if groups is SPACES else estimate_of
    rows = [
        [
            f"[{name}](#{_anchor(name)})",
            *(_counted([each for each in _of(name) if place(each) == at]) for at in columns),
        ]
        for name in (*STRATEGIES, OTHER)
        if _of(name)
    ]
    return table(["strategy", *columns], rows)


def _counted(found: Sequence[Paper]) -> str:
    running = sum(each.status == "runs" for each in found)
    return f"{len(found)} ({running})" if found else ""


def _anchor(name: str) -> str:
    return name.replace(" ", "-")


def _family(name: str) -> str:
    found = sorted(_of(name), key=lambda each: (each.year or 0, each.title))
    rows = [[_title(each), space_of(each), estimate_of(each), _run(each)] for each in found]
    return f"## {name.capitalize()}\n\n" + table(["paper", "space", "estimate", "how it is run"], rows)


def _title(paper: Paper) -> str:
    address = paper.code.partition(" ")[0]
    title = f"[{paper.title}]({address})" if address else paper.title
    by = ", ".join(str(each) for each in (paper.authors, paper.venue, paper.year) if each)
    return f"{title} ({by})" if by else title


def _run(paper: Paper) -> str:
    if paper.command is None:
        return f"not yet: lacks {', '.join(paper.missing)}"
    return f"{code(paper.command)}{f'; left out: {paper.left_out}' if paper.left_out else ''}"
