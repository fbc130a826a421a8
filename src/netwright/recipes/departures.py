"""What sets a recipe, as the command line names it, apart from the paper and the program whose name it has."""

from __future__ import annotations

from collections.abc import Mapping


def departure(recipe: str) -> str:
    """What sets a recipe ("snas:epochs=3") apart from its authors' program, to follow "this is"; "" where nothing does.

    Said is what changes what a search finds or costs; each recipe's docstring says the rest.
    """
    return _SAID.get(recipe.partition(":")[0], "")


_SAID: Mapping[str, str] = {
    "snas": "SNAS without its penalty on resources",
    "data-nas": "DATA that keeps one operation a decision in the end, where its program may keep several",
    "dsnas": "DSNAS without its progressive early stop and its penalty on operations",
    "proxylessnas": "ProxylessNAS without its penalty on latency, which compares two paths as the paper does, where "
    "its program takes all of them",
    "xnas": "XNAS with constants that are a guess, as its program is not public",
    "sgas": "SGAS with minibatches of one size, which grow with each decision in its program",
    "dropnas": "DropNAS with one step of the optimiser for loss and decay, where its program takes two",
    "smooth-darts-adversarial": "SDARTS-ADV whose attack normalises by the statistics of each minibatch, where its "
    "program switches to the running ones",
    "single-path-one-shot": "SPOS on paths that are uniform in the decisions, where its program makes their "
    "multiply-adds uniform",
    "fairnas": "FairNAS as its paper describes it, with a number of generations of our own; its program is not public",
    "one-shot": "one-shot search with a dropout rate, epochs and evaluations of our own",
    "random-weight-sharing": "random search with weight sharing that looks at candidates once, where its program does "
    "so anew for each 10,000 training steps",
    "mdenas": "MDENAS as its paper describes it, as its program is not public",
}
